"""Shell scripts: calls of the AWS CLI, DNS records that they write, and texts that they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fairlead.core.setup import At, Call, DnsRecord, Setup, Unknown, merged
from fairlead.inspect.bash_tree import Word, Words, below, functions, parse, source
from fairlead.inspect.command_options import docker_options, options_of
from fairlead.inspect.dns_batches import cloudflare_record, route53_records
from fairlead.inspect.document_kinds import read_kinds
from fairlead.inspect.nginx import is_nginx, read_nginx
from fairlead.inspect.shell_loops import Loops

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_DEPTH = 4
_WORTH = re.compile(r"\baws\b|\bcurl\b|\bdocker\b|\{\s*\n|containerDefinitions|services:|#!")
_BEFORE = ("sudo", "time", "exec", "env", "nohup", "command", "then", "!")
_RUNNERS = ("xargs", "watch", "timeout", "flock", "parallel", "nice", "retry")
_SHELLS = ("bash", "sh", "/bin/bash", "/bin/sh")
_DATA = ("-d", "--data", "--data-raw", "--data-binary", "--json")
_TEXTS = ("raw_string", "string", "concatenation")
_NO_WORDS = ("file_redirect", "herestring_redirect", "variable_assignment", "comment")


def is_script(file: str, text: str) -> bool:
    return file.endswith((".sh", ".bash")) or bool(
        re.match(r"#!\s*\S*/(?:env\s+)?(?:ba|da|a|z|k)?sh\b", text)
    )


def read_shell(file: str, text: str, first_line: int = 1) -> Setup:
    """What a script, which begins on this line of a file, calls and writes. Never raises for a
    text; Missing where tree-sitter-bash is."""
    return _read(file, text, first_line, 0)


def _read(file: str, text: str, first_line: int, depth: int) -> Setup:
    if depth > MAX_DEPTH or not _WORTH.search(text):
        return Setup()
    return _Script(file, text, first_line, depth).setup()


class _Script:
    def __init__(self, file: str, text: str, first_line: int, depth: int) -> None:
        self._file, self._first, self._depth = file, first_line, depth
        self._root = parse(text)
        self._words, self._loops = Words(self._root), Loops(self._root)
        self._wrappers = {*_BEFORE, *functions(self._root)}
        self._files: dict[str, Word] = {}
        self._found: list[Setup] = []
        self._known = {"aws": self._aws, "curl": self._curl, "docker": self._docker}

    def setup(self) -> Setup:
        for node in below(self._root):
            if node.type == "redirected_statement":
                self._redirected(node)
            elif node.type == "command":
                self._command(node)
            elif node.type in _TEXTS and (not node.parent or node.parent.type not in _TEXTS):
                self._text(self._words.word(node))
        found = merged(tuple(self._found))
        return replace(found, records=tuple(dict.fromkeys(found.records)))

    def _line(self, row: int) -> int:
        return self._first + row

    def _redirected(self, node: Node) -> None:
        """What is written to a file is known there; what it is, is read."""
        body = self._words.heredoc(node)
        if body:
            self._text(body, fed=_fed(node))
        text = body or self._echoed(node)
        for name in _written_to(node, self._words) if text else ():
            self._files[name] = text or Word("", 0)

    def _echoed(self, node: Node) -> Word | None:
        command = node.child_by_field_name("body")
        words = self._argv(command) if command is not None and command.type == "command" else []
        if not words or words[0].text not in ("echo", "printf"):
            return None
        return max(words[1:], key=lambda word: len(word.text), default=None)

    def _text(self, word: Word, fed: bool = False) -> None:
        """A text of several lines that is a script, a configuration of nginx or a document."""
        text, line = word.text, self._line(word.row)
        if text.count("\n") < 2:
            return
        if fed or is_script("", text.lstrip()):
            self._found.append(_read(self._file, text, line, self._depth + 1))
        elif is_nginx(text):
            self._found.append(read_nginx(self._file, text, line))
        else:
            kinds = read_kinds(self._file, "\n" * (line - 1) + text)
            self._found.extend(setup for _, setup in kinds)

    def _argv(self, node: Node) -> list[Word]:
        """The words of a command, without what only runs it."""
        parts = [c for c in node.named_children if c.type not in _NO_WORDS]
        words = [self._words.word(part) for part in parts]
        while words and (words[0].text in self._wrappers or "=" in words[0].text.split("/")[0]):
            words = words[1:]
            while words and words[0].text.startswith("-"):
                words = words[1:]
        texts = [word.text for word in words]
        return words[texts.index("aws") :] if "aws" in texts and texts[0] in _RUNNERS else words

    def _command(self, node: Node) -> None:
        words = self._argv(node)
        name = words[0].text.rpartition("/")[2] if words else ""
        inner = _script_in(words)
        if name in self._known:
            at = At(self._file, self._line(node.start_point[0]))
            self._known[name](words[1:], at, self._loops.over_answers(node))
        if inner:
            line = self._line(inner.row)
            self._found.append(_read(self._file, inner.text, line, self._depth + 1))

    def _aws(self, words: Sequence[Word], at: At, loops: bool) -> None:
        named, options = options_of(words)
        if len(named) < 2:
            return
        texts = {name: word.text for name, word in options.items()}
        self._found.append(Setup(calls=(Call(named[0], named[1], texts, loops, at),)))
        if named[1] == "change-resource-record-sets":
            batch = options.get("change-batch", options.get("cli-input-json", Word("", 0)))
            self._records(batch, at)

    def _records(self, batch: Word, at: At) -> None:
        if batch.text.startswith("file://"):
            batch = self._files.get(batch.text.removeprefix("file://"), Word("", 0))
        records = route53_records(self._file, batch.text, self._line(batch.row))
        lost = Unknown("change-resource-record-sets", "its batch is not in the script", at)
        self._found.append(Setup(records=records, unknown=() if records else (lost,)))

    def _curl(self, words: Sequence[Word], at: At, loops: bool) -> None:
        """A record that is made (POST) for each of several answers is one of several."""
        texts = [word.text for word in words]
        if not any("/client/v4/zones/" in text and "dns_records" in text for text in texts):
            return
        if not {"GET", "DELETE"}.isdisjoint(texts):
            return
        several = loops and "POST" in " ".join(texts[:6])
        bodies = [body for name, body in zip(texts, words[1:], strict=False) if name in _DATA]
        for body in bodies:
            record = self._cloudflare(body, several)
            lost = Unknown("the record of a request to Cloudflare", "it is not in the script", at)
            found = Setup(records=(record,)) if record else Setup(unknown=(lost,))
            self._found.append(found)

    def _cloudflare(self, body: Word, several: bool) -> DnsRecord | None:
        if body.text.startswith("@"):
            body = self._files.get(body.text[1:], Word("", 0))
        return cloudflare_record(self._file, body.text, self._line(body.row), several)

    def _docker(self, words: Sequence[Word], at: At, loops: bool) -> None:
        texts = [word.text for word in words]
        if "run" not in texts[:2]:
            return
        options = {name: " ".join(given) for name, given in docker_options(texts).items()}
        self._found.append(Setup(calls=(Call("docker", "run", options, loops, at),)))


def _script_in(words: Sequence[Word]) -> Word | None:
    """The script that a command has among its words: `sh -c`, or what ssh is to run."""
    for shell, option, script in zip(words, words[1:], words[2:], strict=False):
        if shell.text in _SHELLS and re.fullmatch(r"-[a-z]*c", option.text):
            return script
    ssh = words and words[0].text == "ssh" and " " in words[-1].text
    return words[-1] if ssh else None


def _fed(node: Node) -> bool:
    """A shell, here or on another machine, is given the text."""
    command = node.child_by_field_name("body")
    first = source(command).split() if command is not None else []
    return bool(first) and first[0] in (*_SHELLS, "ssh")


def _written_to(node: Node, words: Words) -> Iterator[str]:
    """Files that a statement writes: by redirection, or through tee."""
    for inner in below(node):
        if inner.type == "file_redirect" and inner.named_children:
            yield words.word(inner.named_children[-1]).text
        elif inner.type == "command":
            parts = [words.word(child).text for child in inner.named_children]
            if "tee" in parts[:2]:
                yield from (part for part in parts[parts.index("tee") + 1 :] if part[0:1] != "-")
