"""Inspect answers of a real engine (20.10, shortened), and ways to break them."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

ID = "f0489f28facf4961aa098420c1834fffd5be038f4a776311b693c074975523e0"
INSPECT: dict[str, Any] = {
    "Id": ID,
    "Created": "2026-11-24T12:23:40.052802402Z",
    "State": {
        "Status": "running",
        "Running": True,
        "Paused": False,
        "OOMKilled": False,
        "Pid": 1316,
        "ExitCode": 0,
        "Error": "",
        "StartedAt": "2026-11-24T12:23:40.25Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
        "Health": {
            "Status": "unhealthy",
            "FailingStreak": 2,
            "Log": [
                {"ExitCode": 0, "Output": "fine"},
                {"ExitCode": 1, "Output": "no\n\x1b[31mluck"},
            ],
        },
    },
    "Name": "/shop-catalog-1",
    "Config": {
        "ExposedPorts": {"8080/tcp": {}, "9090/tcp": {}, "53/udp": {}},
        "Labels": {"fairlead.service": "catalog", "fairlead.host": "catalog.localhost"},
        "StopSignal": "SIGQUIT",
    },
    "HostConfig": {"PortBindings": {"8080/tcp": [{"HostIp": "", "HostPort": ""}]}},
    "NetworkSettings": {
        "Ports": {
            "8080/tcp": [
                {"HostIp": "0.0.0.0", "HostPort": "32768"},
                {"HostIp": "::", "HostPort": "32769"},
            ],
            "9090/tcp": None,
        },
        "Networks": {"bridge": {"IPAddress": "10.213.7.2"}, "none": {"IPAddress": ""}},
    },
}

ABSURD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.just("x" * 100_000)
    | st.just("9" * 100)
    | st.just({})
    | st.just([])
    | st.just([{"HostIp": 7, "HostPort": "99999"}, None, 3])
    | st.lists(st.integers(), max_size=3)
    | st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9), max_size=3)
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        inner = [place for key, each in value.items() for place in _places(each, (*path, key))]
    elif isinstance(value, list):
        inner = [place for n, each in enumerate(value) for place in _places(each, (*path, n))]
    else:
        inner = []
    return [path, *inner]


def changed(place: tuple[Any, ...], value: Any, source: dict[str, Any] = INSPECT) -> Any:
    """A copy of the answer with another value at one place; None removes it."""
    if not place:
        return value
    answer = copy.deepcopy(source)
    inside: Any = answer
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    if value is None and isinstance(inside, dict):
        del inside[place[-1]]
    return answer


@st.composite
def broken(draw: st.DrawFn) -> Any:
    """The answer with one to three places changed."""
    answer: Any = INSPECT
    for _ in range(draw(st.integers(1, 3))):
        if isinstance(answer, dict):
            answer = changed(draw(st.sampled_from(_places(answer))), draw(ABSURD), answer)
    return answer
