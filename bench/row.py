"""A measured number beside its goal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`goal` is in words ("at most 5 ms"); a row without a goal is for comparison, `ok` is None."""

    name: str
    goal: str
    measured: str
    ok: bool | None
    value: float

    @classmethod
    def at_most(cls, name: str, goal: float, value: float, unit: str) -> Row:
        return cls(name, f"<= {goal:g} {unit}".strip(), _shown(value, unit), value <= goal, value)

    @classmethod
    def at_least(cls, name: str, goal: float, value: float, unit: str) -> Row:
        return cls(name, f">= {goal:g} {unit}".strip(), _shown(value, unit), value >= goal, value)

    @classmethod
    def compare(cls, name: str, value: float, unit: str) -> Row:
        return cls(name, "", _shown(value, unit), None, value)


def _shown(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{number} {unit}".strip()


VERDICT = {True: "yes", False: "**no**", None: ""}


def table(rows: list[Row]) -> str:
    """In Markdown, goal and measured side by side."""
    lines = [f"| {row.name} | {row.goal} | {row.measured} | {VERDICT[row.ok]} |" for row in rows]
    return "\n".join(["| what | goal | measured | met |", "| --- | --- | --- | --- |", *lines])


def show(rows: list[Row]) -> None:
    print(table(rows), flush=True)
