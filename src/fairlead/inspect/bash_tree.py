"""Shell scripts as tree-sitter reads them, and what their words say before anything is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from fairlead.core.errors import Missing

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_DEPTH = 20
_LITERAL = ("word", "string_content", "heredoc_content", "ansi_c_string", "number")
_CHANGED = ("for_statement", "c_style_for_statement")
_ESCAPED = re.compile(r"\\(\n|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Word:
    """A text, and the line of the script (from 0) on which it begins."""

    text: str
    row: int


@cache
def _parser() -> Parser:
    try:
        from tree_sitter import Language, Parser
        from tree_sitter_bash import language
    except ImportError:
        raise Missing(
            "reading shell scripts needs tree-sitter-bash: pip install 'fairlead[inspect]'"
        ) from None
    return Parser(Language(language()))


def parse(text: str) -> Node:
    """Its whole tree; what is no shell in it is left out there. Raises Missing."""
    return _parser().parse(text.encode("utf-8", "replace")).root_node


def below(node: Node) -> Iterator[Node]:
    """It and all nodes within, in the order of the text."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.named_children))


def source(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def functions(root: Node) -> set[str]:
    """The names of those that a script defines."""
    names = (n.child_by_field_name("name") for n in below(root) if n.type == "function_definition")
    return {source(name) for name in names if name is not None}


def above(node: Node) -> Iterator[tuple[Node, Node]]:
    """Each node around it, with the one below on the way."""
    while node.parent is not None:
        yield node.parent, node
        node = node.parent


class Words:
    """The words of one script, with those variables in place that it sets to one text."""

    def __init__(self, root: Node) -> None:
        self._set: dict[str, list[Node | None]] = {}
        self._busy: set[str] = set()
        for node in below(root):
            self._note(node)

    def _note(self, node: Node) -> None:
        """A variable that is set, None where what to differs from time to time."""
        if node.type == "variable_assignment":
            name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
            added = any(child.type == "+=" for child in node.children)
            if name:
                self._set.setdefault(source(name), []).append(None if added else value)
        elif node.type == "expansion" and any(child.type == ":=" for child in node.children):
            self._default(node)
        elif node.type in _CHANGED:
            name = node.child_by_field_name("variable")
            self._set.setdefault(source(name) if name else "", []).append(None)
        elif node.type == "command" and source(node).startswith(("read ", "mapfile", "readarray")):
            for word in node.named_children[1:]:
                self._set.setdefault(source(word), []).append(None)

    def _default(self, node: Node) -> None:
        """`: "${NAME:=value}"` sets what is not set from outside."""
        name, *given = node.named_children
        self._set.setdefault(source(name), []).append(given[0] if given else None)

    def variable(self, name: str) -> Word | None:
        """What it is set to, where that is one text that is written out."""
        nodes = self._set.get(name, [])
        distinct = {source(node) if node else None for node in nodes}
        node = nodes[0] if len(distinct) == 1 else None
        if node is None or name in self._busy or len(self._busy) > MAX_DEPTH:
            return None
        self._busy.add(name)
        word = self.word(node)
        self._busy.discard(name)
        return None if re.search(r"\$\(|`|\(", word.text[:2]) or "$(" in word.text else word

    def word(self, node: Node, depth: int = 0) -> Word:
        """It as the shell would see it; what is not known of it stays as written."""
        if node.type in _LITERAL:
            return Word(_bare(node.text or b""), node.start_point[0])
        if node.type in ("simple_expansion", "expansion") and depth <= MAX_DEPTH:
            return self._expansion(node, depth)
        if node.type in ("string", "concatenation", "command_name") and depth <= MAX_DEPTH:
            return self._joined(node, depth)
        if node.type == "command_substitution":
            return self._substituted(node)
        text = source(node)
        return Word(text[1:-1] if node.type == "raw_string" else text, node.start_point[0])

    def _joined(self, node: Node, depth: int) -> Word:
        """The parts; alone, one keeps the line on which it was written."""
        parts = [self.word(child, depth + 1) for child in node.named_children]
        if len(parts) == 1 and len(node.children) <= 3 and _alone(node):
            return parts[0]
        return Word(self._filled(node, depth), node.start_point[0])

    def _filled(self, node: Node, depth: int) -> str:
        """With what stands between the parts, which is not always a part itself."""
        raw = node.text or b""
        quoted = node.type == "string"
        place, end = (1, len(raw) - 1) if quoted else (0, len(raw))
        found = []
        for child in node.named_children:
            start = child.start_byte - node.start_byte
            found += [_bare(raw[place:start]), self.word(child, depth + 1).text]
            place = child.end_byte - node.start_byte
        return "".join([*found, _bare(raw[place:end])])

    def _expansion(self, node: Node, depth: int) -> Word:
        """`${NAME:-default}` has its default where the script sets nothing else."""
        name = next((c for c in node.named_children if c.type.endswith("variable_name")), None)
        known = self.variable(source(name)) if name is not None else None
        marks = {child.type for child in node.children} - {"${", "}", "$", "variable_name"}
        given = [c for c in node.named_children if c is not name and c.type != "variable_name"]
        if known and not marks - {":-", "-", ":=", "word", "string", "number", "simple_expansion"}:
            return known
        own = source(name) if name else ""
        free = own not in self._set or own in self._busy  # `NAME="${NAME:-default}"`
        if marks & {":-", "-"} and given and free:
            return self.word(given[-1], depth + 1)
        return Word(source(node), node.start_point[0])

    def _substituted(self, node: Node) -> Word:
        """A text in place (`$(cat <<EOF`) is that text."""
        inner = node.named_children
        if len(inner) == 1 and inner[0].type == "redirected_statement":
            body = self.heredoc(inner[0])
            command = inner[0].child_by_field_name("body")
            if body and command is not None and source(command).strip() == "cat":
                return body
        text = source(node)
        if '"' in text or "\n" in text:  # which would end the text that it stands in
            text = "$(" + " ".join(text.strip("$()`").split('"')[0].split()[:3]) + " …)"
        return Word(text, node.start_point[0])

    def heredoc(self, statement: Node) -> Word | None:
        """The text that is given to a statement in place, with lines as they are."""
        for redirect in statement.named_children:
            if redirect.type == "heredoc_redirect":
                return self._body(redirect)
        return None

    def _body(self, redirect: Node) -> Word | None:
        body = next((c for c in redirect.named_children if c.type == "heredoc_body"), None)
        start = next((c for c in redirect.named_children if c.type == "heredoc_start"), None)
        if body is None or start is None:
            return None
        literal = source(start)[:1] in ("'", '"', "\\")
        text = source(body) if literal else self._filled(body, 0)
        if any(child.type == "<<-" for child in redirect.children):
            text = re.sub(r"(?m)^\t+", "", text)
        return Word(text, body.start_point[0])


def _alone(node: Node) -> bool:
    """The only part is all that there is."""
    inner = node.named_children[0]
    edge = 1 if node.type == "string" else 0
    return inner.start_byte - node.start_byte == edge and node.end_byte - inner.end_byte == edge


def _bare(raw: bytes) -> str:
    return _ESCAPED.sub(_unescaped, raw.decode("utf-8", "replace"))


def _unescaped(found: re.Match[str]) -> str:
    """A line that goes on has no break; of other characters only those are escaped that mean
    something."""
    mark = found[1]
    return "" if mark == "\n" else mark if mark in "$`\"\\' ;&|()<>{}" else found[0]
