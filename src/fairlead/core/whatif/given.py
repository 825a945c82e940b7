"""What is given beside the files, and what was taken for granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairlead.core.costs.prices import Machine
from fairlead.core.whatif.model import Naming


@dataclass(frozen=True, slots=True)
class Given:
    """None and 0 where nothing is given. `addresses` are the nodes', the first's first; `memory`
    is in MiB by service; `machines` are the instance types that are known."""

    nodes: int | None = None
    kind: str = ""
    node_memory: int = 0
    node_cpu: int = 0
    interfaces: int = 0
    addresses: tuple[str, ...] = ()
    naming: Naming | None = None
    memory: Mapping[str, int] = field(default_factory=dict)
    machines: Mapping[str, Machine] = field(default_factory=dict)


@dataclass(slots=True)
class Notes:
    """Sentences on what was taken for granted, each once."""

    said: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        if text not in self.said:
            self.said.append(text)
