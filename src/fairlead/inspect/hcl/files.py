"""Functions that read files, which are those of the tree; and templates."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import normpath
from pathlib import PurePath

from fairlead.core.setup import At
from fairlead.inspect.hcl import functions
from fairlead.inspect.hcl.bodies import parse_template
from fairlead.inspect.hcl.evaluate import Scope, evaluate
from fairlead.inspect.hcl.results import Made, Piece, refers_of, unknown, used, written
from fairlead.inspect.hcl.syntax import Expression
from fairlead.inspect.hcl.tree import Tree
from fairlead.inspect.hcl.work import Work
from fairlead.inspect.values import Value

_FILES = ("file", "templatefile", "filebase64", "fileexists", "abspath", "pathexpand", "fileset")


class Files:
    """All functions, as one root module sees them: paths are relative to its folder."""

    def __init__(self, tree: Tree, path: str, work: Work) -> None:
        self._tree, self._path, self._work = tree, path, work

    def call(self, name: str, arguments: tuple[Value, ...], at: At) -> Value:
        if name not in _FILES:
            return functions.call(name, arguments, at)
        path = arguments[0] if arguments else Value()
        if path.unknown or not path.given:
            return unknown(at, "the path is not known", *arguments)
        if name in ("abspath", "pathexpand"):
            return Value(written(path), (at,))
        return self._read(name, written(path), arguments, at)

    def _read(self, name: str, path: str, arguments: tuple[Value, ...], at: At) -> Value:
        if path.startswith(("/", "~")):
            return unknown(at, "the path is not one of these files", *arguments)
        file = normpath(f"{self._path}/{path}")
        text = self._tree.text(file)
        if name == "fileexists":
            return Value(text is not None, (at,))
        if text is None or name == "fileset":
            why = f"the file {PurePath(file).name} cannot be read"
            return unknown(at, why, Value(refers=refers_of(arguments)))
        self._tree.quoted.add(file)
        if name != "templatefile":
            return _text(file, text, at)
        return self.rendered(parse_template(file, text), arguments[1:], at)

    def rendered(self, template: Expression, variables: tuple[Value, ...], at: At) -> Value:
        """A template that sees nothing but these variables."""
        given = variables[0] if variables else Value({})
        why = f"the template's variables are not known: {given.unknown}"
        lost = Value(origin=(at,), unknown=why, refers=given.refers) if given.unknown else None

        def names(name: str) -> Value | None:
            return given.data.get(name) if isinstance(given.data, Mapping) else lost

        return used(evaluate(template, Scope(names, self.call, self._work)), at)


def _text(file: str, text: str, at: At) -> Value:
    """A file's text, each line of which knows where it stands."""
    pieces = (Piece(text, At(file, 1), broken=True),)
    return Made(text, (at, At(file, 1)), pieces=pieces)
