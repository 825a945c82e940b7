"""Values of configuration languages, with where each comes from.

A value is resolved, or it says why it is not. References to resources stay visible also where
their value is only known after they were made: they link services to what they use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fairlead.core.setup import NOWHERE, At, Fact

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Value:
    """`data` is a scalar, a tuple of values or a mapping of names to values; None with `unknown`
    where it cannot be resolved. `origin` has each step, the use first. `refers` are the addresses
    of the resources that it comes from (`aws_ecs_cluster.main`, `module.web.aws_lb.this[0]`), and
    of variables without a value (`var.stage`)."""

    data: Scalar | tuple[Value, ...] | Mapping[str, Value] = None
    origin: tuple[At, ...] = ()
    unknown: str = ""
    refers: tuple[str, ...] = ()

    @property
    def at(self) -> At:
        """Where it is used."""
        return self.origin[0] if self.origin else NOWHERE

    @property
    def given(self) -> bool:
        """Something is said, be it known or not."""
        return bool(self.unknown) or self.data is not None

    def get(self, *names: str) -> Value:
        """The member of the first of these names that is there; else a value that is not given, or
        unknown where this is."""
        if self.unknown:
            return Value(origin=self.origin, unknown=self.unknown, refers=self.refers)
        members = self.data if isinstance(self.data, Mapping) else {}
        return next((members[name] for name in names if name in members), Value())

    def items(self) -> tuple[Value, ...]:
        """Those of a list, or the value itself as the only one; none where it is not given."""
        if isinstance(self.data, tuple):
            return self.data
        return (self,) if self.given and not self.unknown else ()

    def members(self) -> Iterator[tuple[str, Value]]:
        yield from (self.data.items() if isinstance(self.data, Mapping) else ())

    def texts(self) -> Iterator[tuple[str, str]]:
        """The members whose value is a known text."""
        for name, value in self.members():
            if (text := value.text().value) is not None:
                yield name, text

    def text(self) -> Fact[str]:
        data = self.data
        if isinstance(data, bool):
            return Fact(str(data).lower(), self.origin)
        if isinstance(data, str | int | float):
            return Fact(str(data), self.origin)
        return self._unread("a text")

    def number(self) -> Fact[int]:
        data = self.data
        if isinstance(data, str) and data.strip().lstrip("-").isdecimal():
            return Fact(int(data), self.origin)
        if isinstance(data, int | float) and not isinstance(data, bool):
            return Fact(int(data), self.origin)
        return self._unread("a number")

    def flag(self) -> Fact[bool]:
        data = self.data
        if isinstance(data, bool):
            return Fact(data, self.origin)
        if isinstance(data, str) and data.lower() in {"true", "false"}:
            return Fact(data.lower() == "true", self.origin)
        return self._unread("true or false")

    def _unread(self, wanted: str) -> Fact:  # type: ignore[type-arg]
        if not self.given:
            return Fact()
        return Fact(None, self.origin, self.unknown or f"it is not {wanted}")


@dataclass(frozen=True, slots=True)
class Resource:
    """A thing that a file declares: `kind` is Terraform's (`aws_ecs_service`) or CloudFormation's
    (`AWS::ECS::Service`), `address` what others refer to it by, `settings` a mapping."""

    kind: str
    address: str
    settings: Value = field(default_factory=Value)
    at: At = NOWHERE
