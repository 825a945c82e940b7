"""Whether a script goes through the answers of a call one by one, or only takes one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fairlead.inspect.bash_tree import above, below, source

if TYPE_CHECKING:
    from tree_sitter import Node

_NAME = re.compile(r"\$\{?(\w+)")


class Loops:
    """Loops over words that are written out, and those that only wait, are none of these."""

    def __init__(self, root: Node) -> None:
        self._answers: set[str] = set()
        self._through: set[str] = set()
        for node in below(root):
            self._note(node)

    def _note(self, node: Node) -> None:
        if node.type == "variable_assignment":
            name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
            if name is not None and value is not None and _has_call(value):
                self._answers.add(source(name))
        elif node.type == "for_statement":
            self._through |= {name for value in _values(node) for name in _names(value)}
        elif node.type in ("herestring_redirect", "pipeline") and _read_by_line(node):
            self._through |= set(_names(node))

    def over_answers(self, node: Node) -> bool:
        """The call stands in a loop over answers, or it is its answers that one goes over."""
        return any(self._loops(outer, inner) for outer, inner in above(node))

    def _loops(self, outer: Node, inner: Node) -> bool:
        if outer.type == "for_statement":
            return any(_has_call(v) or self._answers & set(_names(v)) for v in _values(outer))
        if outer.type == "while_statement":
            return inner.type == "do_group" and _reads(outer)
        if outer.type == "pipeline":
            return _read_by_line(outer)
        if outer.type == "redirected_statement":
            return inner.type == "file_redirect" and _takes_all(outer)
        name = outer.child_by_field_name("name") if outer.type == "variable_assignment" else None
        return name is not None and source(name) in self._through


def _takes_all(statement: Node) -> bool:
    """`while read … < <(call)`, `mapfile … < <(call)`."""
    body = statement.child_by_field_name("body")
    if body is None or body.type == "while_statement":
        return body is not None and _reads(body)
    return source(body).startswith(("mapfile", "readarray"))


def _values(loop: Node) -> list[Node]:
    return [c for c in loop.named_children if c.type not in ("variable_name", "do_group")]


def _names(node: Node) -> list[str]:
    return _NAME.findall(source(node))


def _has_call(node: Node) -> bool:
    """It is what a command answers; `seq` only counts."""
    inner = (n for n in below(node) if n.type == "command_substitution")
    return any(not source(n).lstrip("$(`").startswith("seq") for n in inner)


def _reads(loop: Node) -> bool:
    condition = loop.child_by_field_name("condition")
    return condition is not None and bool(re.search(r"\bread\b", source(condition)))


def _read_by_line(node: Node) -> bool:
    """What comes out of a pipe, or a text, is gone through line by line."""
    around = node.parent if node.type == "herestring_redirect" else node
    inner = list(around.named_children) if around is not None else []
    loops = any(c.type == "while_statement" and _reads(c) for c in inner)
    return loops or any(c.type == "command" and re.match(r"xargs\s+\S", source(c)) for c in inner)
