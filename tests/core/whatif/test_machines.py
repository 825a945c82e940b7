from __future__ import annotations

import pytest

from fairlead.core.costs.prices import Machine
from fairlead.core.errors import BadInput
from fairlead.core.whatif.machines import interfaces, size_of
from fairlead.prices.read import builtin


@pytest.mark.parametrize(
    ("kind", "cores", "mib"),
    [
        ("t2.micro", 1, 1024), ("t2.nano", 1, 512), ("t2.medium", 2, 4096), ("t3.xlarge", 4, 16384),
        ("t3a.small", 2, 2048), ("m5.large", 2, 8192), ("m6g.2xlarge", 8, 32768),
        ("c5.large", 2, 4096), ("r5.xlarge", 4, 32768),
    ],
)  # fmt: skip
def test_types_of_known_families(kind: str, cores: int, mib: int) -> None:
    found = size_of(kind, {})
    assert found.cpu == cores * 1024
    assert found.memory == Machine(cores, mib, "").offered < mib


@pytest.mark.parametrize("kind", ["z1d.large", "t9.micro", "micro", "", "m5.metal", "t2.8xlarge"])
def test_others_are_asked_for(kind: str) -> None:
    with pytest.raises(BadInput, match="give --node-memory"):
        size_of(kind, {})


def test_they_agree_with_the_price_file() -> None:
    for kind, machine in builtin().machines.items():
        alone = size_of(kind, {})
        assert alone.cpu == machine.vcpu * 1024
        assert alone.memory == Machine(machine.vcpu, machine.memory, "").offered


def test_interfaces() -> None:
    kinds = ("t3.micro", "t3.small", "t2.medium", "m5.large", "c6i.4xlarge", "m4.large", "p3.odd")
    assert [interfaces(kind) for kind in kinds] == [2, 3, 3, 3, 8, 2, None]
