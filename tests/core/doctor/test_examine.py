"""All rules over set-ups by chance: they never fail, and what is unknown makes no finding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.doctor.examine import RULES, examine
from fairlead.core.doctor.finding import KINDS, SEVERITIES
from fairlead.core.setup import (
    At,
    Call,
    Container,
    DnsRecord,
    Fact,
    Ingress,
    Mount,
    NodeGroup,
    Port,
    ProxyTarget,
    SecurityGroup,
    ServiceSetup,
    Setup,
    Target,
    TargetGroup,
    TaskDefinition,
)

PLACES = st.builds(At, st.sampled_from(["a.tf", "b.conf", ""]), st.integers(0, 5))
KEYS = st.sampled_from(["a", "b", ""])
WORDS = st.sampled_from(["catalog", "nginx", "postgres", "", "${x}-a", "localhost:8083", "a:1:2"])


def facts(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Fact[Any]]:
    origin = st.tuples(PLACES)
    known = st.builds(Fact, values, origin)
    lost = st.builds(Fact, st.none(), origin, st.just("a variable without a value"))
    return st.one_of(st.just(Fact()), known, lost)


def several(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=3).map(tuple)


NUMBERS = facts(st.sampled_from([0, 1, 2, 60, 80, 100, 200, 300, 8083, 32768, 70000, -1]))
TEXTS = facts(st.sampled_from(["", "t3.micro", "bridge", "awsvpc", "ip", "EC2", "FARGATE", "x"]))
FLAGS = facts(st.booleans())
PORTS = st.builds(Port, NUMBERS, NUMBERS, st.sampled_from(["tcp", "udp"]), PLACES)
MOUNTS = st.builds(Mount, st.sampled_from(["host", "docker", "shared"]), WORDS, WORDS, at=PLACES)
ENVIRONMENT = st.dictionaries(
    st.sampled_from(["DB", "SHUTDOWN_TIMEOUT"]), st.sampled_from(["sqlite:///a", "45s", ""])
)
CONTAINERS = st.builds(
    Container, WORDS, TEXTS, several(PORTS), NUMBERS, NUMBERS, NUMBERS, NUMBERS, FLAGS,
    several(MOUNTS), ENVIRONMENT,
)  # fmt: skip
TASKS = st.builds(
    TaskDefinition, KEYS, WORDS, TEXTS, FLAGS, NUMBERS, NUMBERS, several(CONTAINERS),
    st.booleans(), PLACES,
)  # fmt: skip
TARGETS = st.builds(Target, KEYS, WORDS, NUMBERS, PLACES)
SERVICES = st.builds(
    ServiceSetup, WORDS, st.sampled_from(["ecs", "compose"]), KEYS, KEYS, NUMBERS, TEXTS,
    st.booleans(), NUMBERS, NUMBERS, several(TARGETS), at=PLACES, scaled=st.booleans(),
)  # fmt: skip
NODES = st.builds(
    NodeGroup, KEYS, TEXTS, NUMBERS, NUMBERS, KEYS, several(KEYS), st.booleans(), at=PLACES
)
RULES_IN = st.builds(Ingress, NUMBERS, NUMBERS, st.sampled_from(["tcp", "-1"]), KEYS)
GROUPS = st.builds(SecurityGroup, KEYS, several(RULES_IN), st.booleans(), PLACES)
TARGET_GROUPS = st.builds(TargetGroup, KEYS, TEXTS, at=PLACES)
RECORDS = st.builds(
    DnsRecord, WORDS, st.sampled_from(["A", "CNAME"]), NUMBERS, several(WORDS), several(KEYS)
)
PROXIES = st.builds(ProxyTarget, several(WORDS), several(WORDS), WORDS, at=PLACES)
CALLS = st.builds(
    Call,
    st.just("ecs"),
    st.sampled_from(["list-tasks", "update-service"]),
    st.dictionaries(st.sampled_from(["query", "service", "desired-count"]), WORDS),
    at=PLACES,
)
SETUPS = st.builds(
    Setup, several(TASKS), several(SERVICES), several(NODES), several(GROUPS),
    several(TARGET_GROUPS), several(RECORDS), several(PROXIES), several(CALLS),
    texts=st.just({"a.tf": ("hostPort = 1", "{", "}"), "b.conf": ("x",)}),
)  # fmt: skip


@given(SETUPS)
def test_every_set_up_can_be_examined(setup: Setup) -> None:
    report = examine(setup)
    ids = [each.id for each in report.findings]
    assert len(set(ids)) == len(ids)
    for each in report.findings:
        assert each.kind in KINDS
        assert each.severity in SEVERITIES
        assert each.message
        assert each.why
        assert each.fix


@given(SETUPS)
def test_one_kind_alone_is_that_part_of_the_whole(setup: Setup) -> None:
    whole = examine(setup).findings
    for kind in KINDS:
        part = examine(setup, [kind]).findings
        assert part == tuple(each for each in whole if each.kind == kind)


@given(SETUPS)
def test_an_empty_set_up_and_one_of_texts_alone_have_none(setup: Setup) -> None:
    assert not examine(Setup()).findings
    bare = replace(setup, tasks=(), services=(), records=(), proxies=(), calls=())
    assert not examine(bare).findings


def test_every_kind_has_its_rule() -> None:
    assert tuple(RULES) == KINDS
