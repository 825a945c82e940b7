"""CloudFormation's nested stacks: templates of the same tree that another one calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from posixpath import dirname, join, normpath

from fairlead.inspect.aws_words import in_words
from fairlead.inspect.hcl.texts import shown
from fairlead.inspect.intrinsics import Template
from fairlead.inspect.markup import documents
from fairlead.inspect.values import Resource, Value

MOST_LEVELS = 4
MOST_MAKING = 8  # one for the parameters of another, and so on
CALLS = re.compile(r"AWS::(?:CloudFormation::Stack|Serverless::Application)\b")
_SCHEME = re.compile(r"^\w+://[^/]*/?")
Beside = Callable[[str], str | None]


def is_template(whole: Value) -> bool:
    resources = whole.get("Resources")
    kinds = (of.get("Type").data for _, of in resources.members())
    return any(isinstance(kind, str) and kind.startswith("AWS::") for kind in kinds)


class Stack:
    """A template with the parameters that it is given. `path` leads to it from the outermost one:
    logical names, each with a `/` behind it. `beside` gives the text of a file by its path from the
    template's folder."""

    def __init__(
        self,
        file: str,
        whole: Value,
        beside: Beside,
        path: str = "",
        given: Mapping[str, Value] | None = None,
    ) -> None:
        self._file, self._whole, self._beside, self._path = file, whole, beside, path
        self._inner: dict[str, Stack | None] = {}
        self._making = 0
        self.template = Template(whole, given or {}, path, self.output)

    def resources(self) -> Iterator[tuple[Resource, Value]]:
        """Its own and those of the stacks that it calls, each with what cfn-init is told; one whose
        condition does not hold is none."""
        for name, of in self._whole.get("Resources").members():
            condition = of.get("Condition")
            if condition.given and self.template.holds(str(condition.data)) is False:
                continue
            given = self.template.value(of.get("Properties"))
            started = self.template.value(of.get("Metadata").get("AWS::CloudFormation::Init"))
            for resource in in_words(shown(of.get("Type")), self._path + name, given, of.at):
                yield resource, started
            if inner := self.inner(name):
                yield from inner.resources()

    def output(self, name: str, output: str) -> Value:
        """What the stack of that logical name gives; not given where that is not known here."""
        inner = self.inner(name)
        return inner.given(output) if inner else Value()

    def given(self, output: str) -> Value:
        """The output of that name."""
        return self.template.value(self._whole.get("Outputs").get(output).get("Value"))

    def inner(self, name: str) -> Stack | None:
        """The stack of that logical name, None where its template is not in the tree."""
        if name not in self._inner and self._making < MOST_MAKING:
            self._inner[name] = None  # as long as its own parameters are worked out
            self._making += 1
            self._inner[name] = self._called(name)
            self._making -= 1
        return self._inner.get(name)

    def _called(self, name: str) -> Stack | None:
        of = self._whole.get("Resources").get(name)
        if not CALLS.fullmatch(shown(of.get("Type"))) or self._path.count("/") >= MOST_LEVELS:
            return None
        given = self.template.value(of.get("Properties"))
        parameters = dict(given.get("Parameters").members())
        for place in _places(shown(given.get("TemplateURL", "Location"))):
            if (text := self._beside(place)) is not None:
                return self._made(f"{self._path}{name}/", place, text, parameters)
        return None

    def _made(
        self, path: str, place: str, text: str, parameters: Mapping[str, Value]
    ) -> Stack | None:
        file, folder = normpath(join(dirname(self._file), place)), dirname(place)
        for whole in documents(file, text):
            if is_template(whole):
                return Stack(
                    file, whole, lambda name: self._beside(join(folder, name)), path, parameters
                )
        return None


def _places(url: str) -> Iterator[str]:
    """Where the file may be from here: templates are uploaded with the folders that they are in, to
    a bucket whose name says nothing."""
    parts = [part for part in _SCHEME.sub("", url).split("/") if part not in ("", ".")]
    if "://" not in url:
        yield "/".join(parts)
    for start in range(len(parts)):
        named = "/".join(parts[start:])
        yield from (named, f"../{named}")
