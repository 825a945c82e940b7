"""Whatever the text, the parser answers with a cluster or a SettingsError; and hostile text never
gets into a name, host, path, cookie or header."""

import contextlib
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.core.errors import SettingsError
from fairlead.core.model import (
    Balance,
    CheckKind,
    Cluster,
    FixedEndpoint,
    Front,
    HealthCheck,
    Locality,
    Roll,
    Route,
    Service,
    Traffic,
)
from fairlead.settings import parse, problems, tree
from fairlead.settings.keys import ROOT
from fairlead.settings.words import Statuses, merged

VALID = (Path(__file__).parents[2] / "docs/settings.md").read_text().split("```yaml\n")[2]
VALID = VALID.partition("```")[0]
PIECES = [
    *sorted(set(re.findall(r"\w+|\W", VALID))),
    *("&a", "*a", "!!x", "<<", "\t", "\0", "\x1b", "\x85", "\u2028", "\ufeff", "\ud800", "on", "~"),
    *(".nan", "1e999", "9" * 400, "0x", "1:30", "2001-01-01", "2001-99-99", "---", "...", "%YAML"),
    *('"\\x00"', '"\\ud800"', '"\\U0011FFFF"', "? ", "|", ">", "[" * 40, "{" * 40, "- " * 40),
]

relaxed = settings(deadline=None)  # other tests may have the machine


def _holds(text: str) -> None:
    """`parse` and `problems` agree, and nothing else is raised."""
    found = problems(text, "f")
    with contextlib.suppress(SettingsError):
        cluster = parse(text, "f")
        assert found == []
        assert all(service.revision for service in cluster.services)
        return
    assert found
    for problem in found:
        assert str(problem).startswith("f:")
        assert all(c.isprintable() for c in str(problem))


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def _either_loader(request, monkeypatch):
    monkeypatch.setattr(tree, "_LOADER", getattr(yaml, request.param))


@relaxed
@given(st.text())
def test_any_text(text: str) -> None:
    _holds(text)


@relaxed
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_pieces(text: str) -> None:
    _holds(text)


@relaxed
@given(
    st.lists(
        st.tuples(st.integers(0, len(VALID)), st.integers(0, 12), st.sampled_from(PIECES)),
        min_size=1,
        max_size=4,
    )
)
def test_any_damage_to_a_valid_file(cuts: list[tuple[int, int, str]]) -> None:
    text = VALID
    for start, length, piece in cuts:
        text = text[:start] + piece + text[start + length :]
    _holds(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
SERVICE_KEYS = sorted(key.name for key in ROOT.keys[-1].kind.value.keys)


@relaxed
@given(st.dictionaries(st.sampled_from(SERVICE_KEYS), VALUES, max_size=4))
def test_any_values_for_keys_that_exist(service: dict[str, object]) -> None:
    given_file = {"services": {"a": {"run": ["x"], **service}}}
    _holds(yaml.safe_dump(given_file, allow_unicode=True))


HOSTILE = st.text(max_size=12).flatmap(
    lambda text: st.sampled_from(" ;{}\"'\\$\n\r\0\t\x7f\x85<>|`^#\u2028é").map(
        lambda bad: f"a{text[: len(text) // 2]}{bad}{text[len(text) // 2 :]}"
    )
)
PLACES = (
    "cluster: {}\nservices: {{}}",
    "listen: {}\nservices: {{}}",
    "ports: {}\nservices: {{}}",
    "services: {{{}: {{run: [x]}}}}",
    "services: {{a: {{run: [x], routes: [{}]}}}}",
    "services: {{a: {{run: [x], routes: [{{host: {}}}]}}}}",
    "services: {{a: {{run: [x], routes: [{{host: a, path: {}}}]}}}}",
    "services: {{a: {{run: [x], health: {{path: {}}}}}}}",
    "services: {{a: {{run: [x], health: {{path: /, host: {}}}}}}}",
    "services: {{a: {{run: [x], sticky: {}}}}}",
    "services: {{a: {{run: [x], balance: {{kind: hash, key: {}}}}}}}",
    "services: {{a: {{run: [x], env: {{{}: x}}}}}}",
    "services: {{a: {{endpoints: [{}]}}}}",
)


@pytest.mark.parametrize("place", PLACES)
@relaxed
@given(text=HOSTILE, before=st.sampled_from(["", "/", "a/", "header:", "cookie:", "a.b:80"]))
def test_hostile_text_is_refused(place: str, text: str, before: str) -> None:
    with pytest.raises(SettingsError):
        parse(place.format(json.dumps(before + text)))


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
SEGMENT = st.text("abcXYZ019_~!&()*+,=:@-", min_size=1, max_size=6)
PATHS = st.lists(SEGMENT, max_size=3).map(lambda parts: "/" + "/".join(parts))
# Beyond U+FFFF JSON escapes in pairs, which YAML does not join.
WORDS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"], max_codepoint=0xFFFF),
    max_size=8,
)
ARGV = st.lists(WORDS, min_size=1, max_size=3).map(tuple)


def _seconds(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(int(low * 1000), int(high * 1000)).map(lambda value: value / 1000)


ROUTES = st.builds(Route, st.just("*") | NAMES | NAMES.map("*.{}".format), PATHS, st.booleans())
CHECKS = {
    "interval": _seconds(0.01, 3600),
    "timeout": _seconds(0.001, 300),
    "rise": st.integers(1, 100),
    "fall": st.integers(1, 100),
    "jitter": st.integers(0, 100).map(lambda share: share / 100),
}
RANGES = st.tuples(st.integers(100, 599), st.integers(0, 30)).map(
    lambda pair: (pair[0], min(sum(pair), 599))
)
HEALTH = st.one_of(
    st.builds(HealthCheck, **CHECKS),
    st.builds(HealthCheck, kind=st.just(CheckKind.COMMAND), command=ARGV, **CHECKS),
    st.builds(
        HealthCheck,
        kind=st.just(CheckKind.HTTP),
        path=PATHS,
        host=NAMES,
        statuses=st.lists(RANGES, min_size=1, max_size=9).map(merged),
        **CHECKS,
    ),
)
SPREADS = [(balance, Locality.ANY) for balance in Balance] + [(Balance.P2C, Locality.PREFER_NODE)]
TRAFFIC = st.builds(
    lambda spread, **rest: Traffic(balance=spread[0], locality=spread[1], **rest),
    st.sampled_from(SPREADS),
    sticky=st.just("") | st.from_regex(r"c[A-Za-z0-9_]{0,9}", fullmatch=True),
    slow_start=_seconds(0, 3600),
    hold=_seconds(0, 3600),
    retries=st.integers(0, 10),
    connect_timeout=_seconds(0.001, 60),
    timeout=_seconds(0.001, 86400),
    stream=st.booleans(),
)
ENV = st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), WORDS)
ANY = {"health": HEALTH, "traffic": TRAFFIC, "drain_timeout": _seconds(0, 86400)}
RUN = st.builds(
    Service,
    name=st.just(""),
    replicas=st.integers(0, 1000),
    run=ARGV,
    env=ENV.map(lambda variables: tuple(sorted(variables.items()))),
    cwd=st.just("/srv"),
    roll=st.builds(Roll, st.integers(1, 100), st.integers(1, 100)),
    stop_timeout=_seconds(0, 3600),
    **ANY,
)
FIXED = st.builds(
    Service,
    name=st.just(""),
    endpoints=st.lists(
        st.builds(FixedEndpoint, NAMES, st.integers(1, 65535), st.integers(1, 100)),
        min_size=1,
        max_size=3,
        unique_by=lambda endpoint: (endpoint.host, endpoint.port),
    ).map(tuple),
    **ANY,
)
FRONT = st.builds(
    Front,
    listen=st.integers(1, 65535).map(lambda port: (f"0.0.0.0:{port}",)),
    workers=st.integers(0, 64),
    max_body=st.integers(1, 1 << 40),
    keepalive=_seconds(0.001, 3600),
    access_log=st.booleans(),
)


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    routes = draw(st.lists(ROUTES, max_size=4, unique_by=str))
    services = draw(st.dictionaries(LABEL, RUN | FIXED, max_size=4))
    named = [_renamed(service, name, routes) for name, service in services.items()]
    front = draw(FRONT)
    return Cluster(draw(LABEL), front=front, ports=(10000, 19999), services=tuple(named))


def _renamed(service: Service, name: str, routes: list[Route]) -> Service:
    """The service under its name, with one route of those that are left."""
    return replace(service, name=name, routes=(routes.pop(),) if routes else ())


@relaxed
@given(clusters())
def test_what_is_written_is_read_back(cluster: Cluster) -> None:
    assert parse(json.dumps(_written(cluster)), "f", Path("/srv")) == cluster


def _written(cluster: Cluster) -> dict[str, object]:
    front = cluster.front
    return {
        "cluster": cluster.name,
        "listen": list(front.listen),
        "ports": "10000-19999",
        "proxy": {
            "workers": front.workers or "auto",
            "max_body": front.max_body,
            "keepalive": f"{front.keepalive * 1000:.0f}ms",
            "access_log": front.access_log,
        },
        "services": {service.name: _service(service) for service in cluster.services},
    }


def _service(service: Service) -> dict[str, object]:
    traffic = service.traffic
    common = {
        "routes": [{"host": r.host, "path": r.path, "strip": r.strip} for r in service.routes],
        "health": _health(service.health),
        "balance": traffic.balance.value,
        "locality": traffic.locality.value,
        "sticky": traffic.sticky or False,
        "slow_start": traffic.slow_start,
        "hold": traffic.hold,
        "retries": traffic.retries,
        "connect_timeout": traffic.connect_timeout,
        "timeout": traffic.timeout,
        "stream": traffic.stream,
        "drain": {"timeout": service.drain_timeout},
    }
    return common | (_fixed(service) if service.fixed else _run(service))


def _fixed(service: Service) -> dict[str, object]:
    return {
        "endpoints": [
            {"address": f"{e.host}:{e.port}", "weight": e.weight} for e in service.endpoints
        ]
    }


def _run(service: Service) -> dict[str, object]:
    return {
        "run": list(service.run),
        "replicas": service.replicas,
        "env": dict(service.env),
        "cwd": service.cwd,
        "roll": {"surge": service.roll.surge, "parallel": service.roll.parallel},
        "stop_timeout": service.stop_timeout,
    }


def _health(check: HealthCheck) -> dict[str, object]:
    names = ("interval", "timeout", "rise", "fall", "jitter")
    written: dict[str, object] = {name: getattr(check, name) for name in names}
    if check.kind is CheckKind.HTTP:
        status = [Statuses().write(each) for each in check.statuses]
        return written | {"path": check.path, "host": check.host, "status": status}
    if check.kind is CheckKind.COMMAND:
        return written | {"command": list(check.command)}
    return written | {"tcp": True}


@given(st.lists(RANGES, max_size=9))
def test_merged_ranges_hold_the_same_statuses_with_gaps_between(
    ranges: list[tuple[int, int]],
) -> None:
    made = merged(ranges)
    assert _held(made) == _held(ranges)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(made))


def _held(ranges: Iterable[tuple[int, int]]) -> set[int]:
    return {status for first, last in ranges for status in range(first, last + 1)}
