"""The keys of `ecs: nodes:`, the auto scaling group that the nodes are of."""

from __future__ import annotations

from fairlead.core.scaling.nodes_model import NodeScale
from fairlead.settings.numbers import Duration, Integer
from fairlead.settings.sections import Fields, Key, Section
from fairlead.settings.texts import Flag, Text

_DEFAULT = NodeScale()
_MOST, _DAY = 100, 86400.0
_NAME = Text("the name of an auto scaling group", r"[A-Za-z0-9][A-Za-z0-9_./@+=-]*", 255)


def _bounds_in_order(nodes: Fields) -> str:
    low, high = nodes.get("ecs.nodes.min", _DEFAULT.min), nodes.get("ecs.nodes.max", _DEFAULT.max)
    return f"min: {low} is above max: {high}" if low > high else ""


NODES = Section(
    (
        Key("asg", _NAME, "The group's name; nobody else may move it.", "ecs.nodes.asg",
            required=True),
        Key("min", Integer(1, _MOST), "Never fewer nodes.", "ecs.nodes.min"),
        Key("max", Integer(1, _MOST), "Never more.", "ecs.nodes.max"),
        Key("headroom", Integer(0, _MOST), "So many copies more of the service that takes most "
            "room are to find a place at once.", "ecs.nodes.headroom"),
        Key("settle", Duration(1, _DAY), "How long fewer nodes have to suffice before one is "
            "given up.", "ecs.nodes.settle"),
        Key("dry_run", Flag(), "Tell what would be done, as events, and do nothing.",
            "ecs.nodes.dry_run"),
    ),
    rule=_bounds_in_order,
)  # fmt: skip
