"""What a parsed HCL text consists of. Each part knows its line."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.core.setup import At


@dataclass(frozen=True, slots=True)
class Expression:
    at: At


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Text(Expression):
    """A literal stretch of a template. `broken`: its line breaks are those of the file, and not
    written as escapes."""

    text: str
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Template(Expression):
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class TemplateIf(Expression):
    condition: Expression
    then: tuple[Expression, ...]
    otherwise: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class TemplateFor(Expression):
    key: str
    name: str
    over: Expression
    body: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Name(Expression):
    name: str


@dataclass(frozen=True, slots=True)
class Attribute(Expression):
    of: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Index(Expression):
    of: Expression
    key: Expression


@dataclass(frozen=True, slots=True)
class Splat(Expression):
    """`each` is applied to every element, which it knows as the name `*`."""

    of: Expression
    each: Expression


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """`spread`: the last argument is a list of arguments."""

    name: str
    arguments: tuple[Expression, ...]
    spread: bool = False


@dataclass(frozen=True, slots=True)
class Conditional(Expression):
    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    operator: str
    of: Expression


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class ListOf(Expression):
    elements: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ObjectOf(Expression):
    members: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class For(Expression):
    """`[for …]`, or `{for …}` when `member` is given; `grouped` with `...`."""

    key: str
    name: str
    over: Expression
    member: Expression | None
    result: Expression
    condition: Expression | None
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class Wrong(Expression):
    """What could not be parsed, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Block:
    kind: str
    labels: tuple[str, ...]
    body: Body
    at: At


@dataclass(frozen=True, slots=True)
class Body:
    attributes: dict[str, Expression]
    blocks: tuple[Block, ...] = ()
    faults: tuple[Wrong, ...] = ()

    def of(self, kind: str) -> tuple[Block, ...]:
        return tuple(block for block in self.blocks if block.kind == kind)
