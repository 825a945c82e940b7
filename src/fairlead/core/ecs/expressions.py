"""The cluster query language of `memberOf`, the part of it that rules out nodes. Pure.

attribute:NAME == VALUE   != in [A, B] not_in [A, B] exists !exists =~ REGEX !~ REGEX
ec2InstanceId in [i-1, i-2]     task:group == service:catalog     with and, or, not, (...)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from fairlead.core.ecs.model import Instance
from fairlead.core.errors import BadInput

Test = Callable[[Instance, str], bool]
_TOKEN = re.compile(
    r"\s*(&&|\|\||==|!=|=~|!~|!exists|!in\b|!|[\[\](),]|\"[^\"]*\"|'[^']*'|[^\s\[\](),!=]+)"
)
_SAME = {
    "equals": "==",
    "not_equals": "!=",
    "matches": "=~",
    "not_matches": "!~",
    "not_exists": "!exists",
    "!in": "not_in",
    "&&": "and",
    "||": "or",
    "!": "not",
}
_MOST = 2000


class Unreadable(BadInput):
    """An expression that is not of that language."""


def is_met(expression: str, instance: Instance, group: str) -> bool:
    """Whether the node is a member. Unreadable when the expression is no such one."""
    return compiled(expression)(instance, group)


@lru_cache(maxsize=256)
def compiled(expression: str) -> Test:
    """Unreadable when the expression is no such one."""
    if len(expression) > _MOST:
        raise Unreadable(f"The expression is longer than {_MOST} characters.")
    reader = _Reader(list(_tokens(expression)), expression)
    test = reader.either(0)
    reader.end()
    return test


def _tokens(expression: str) -> Iterator[str]:
    at, end = 0, len(expression.rstrip())
    while at < end:
        match = _TOKEN.match(expression, at)
        if match is None:
            raise _unreadable(expression)
        yield _SAME.get(match[1], match[1])
        at = match.end()


def _unreadable(expression: str) -> Unreadable:
    return Unreadable(f"Invalid expression: {expression[:200]!r} cannot be read.")


class _Reader:
    """Recursive descent: or, and, not, one comparison."""

    _DEEP = 50

    def __init__(self, tokens: list[str], expression: str) -> None:
        self._tokens, self._expression, self._at = tokens, expression, 0

    def either(self, depth: int) -> Test:
        if depth > self._DEEP:
            raise _unreadable(self._expression)
        found = [self._both(depth)]
        while self._skip("or"):
            found.append(self._both(depth))
        return lambda instance, group: any(test(instance, group) for test in found)

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise _unreadable(self._expression)

    def _both(self, depth: int) -> Test:
        found = [self._one(depth)]
        while self._skip("and"):
            found.append(self._one(depth))
        return lambda instance, group: all(test(instance, group) for test in found)

    def _one(self, depth: int) -> Test:
        if depth > self._DEEP:
            raise _unreadable(self._expression)
        if self._skip("not"):
            inner = self._one(depth + 1)
            return lambda instance, group: not inner(instance, group)
        if self._skip("("):
            inner = self.either(depth + 1)
            self._need(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Test:
        subject, operator = self._next(), self._next()
        value = _subject(subject, self._expression)
        if operator in ("exists", "!exists"):
            return lambda i, g: (value(i, g) is not None) is (operator == "exists")
        if operator in ("in", "not_in"):
            listed = self._list()
            return lambda i, g: (value(i, g) in listed) is (operator == "in")
        operand = _bare(self._next())
        if operator in ("==", "!="):
            return lambda i, g: (value(i, g) == operand) is (operator == "==")
        if operator in ("=~", "!~"):
            pattern = self._pattern(operand)
            return lambda i, g: bool(pattern.search(value(i, g) or "")) is (operator == "=~")
        raise _unreadable(self._expression)

    def _pattern(self, text: str) -> re.Pattern[str]:
        try:
            return re.compile(text)
        except re.error:
            raise _unreadable(self._expression) from None

    def _list(self) -> frozenset[str]:
        self._need("[")
        found = []
        while not self._skip("]"):
            found.append(_bare(self._next()))
            self._skip(",")
        return frozenset(found)

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise _unreadable(self._expression)
        self._at += 1
        return self._tokens[self._at - 1]

    def _skip(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return True
        return False

    def _need(self, token: str) -> None:
        if not self._skip(token):
            raise _unreadable(self._expression)


def _bare(token: str) -> str:
    return token[1:-1] if token[:1] in ("'", '"') else token


def _subject(token: str, expression: str) -> Callable[[Instance, str], str | None]:
    if token.startswith("attribute:"):
        name = token.removeprefix("attribute:")
        return lambda instance, _: dict(instance.attributes).get(name)
    if token in _SUBJECTS:
        return _SUBJECTS[token]
    raise _unreadable(expression)


_SUBJECTS: Mapping[str, Callable[[Instance, str], str | None]] = {
    "ec2InstanceId": lambda instance, _: instance.machine,
    "task:group": lambda _, group: group,
}
