from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from fairlead.cli.status_view import view
from fairlead.cli.wait import lacking


def endpoint(name: str, **more: Any) -> Any:
    place = {"id": name, "node": "local", "address": "127.0.0.1", "port": 20001, "pid": None}
    counts = {"in_flight": 0, "requests": 0, "failures": 0, "since": 100.0}
    return {**place, "state": "ready", **counts, **more}


def service(*endpoints: Any, **more: Any) -> Any:
    ready = sum(e["state"] == "ready" for e in endpoints)
    base = {"name": "catalog", "strategy": "dynamic", "desired": 1, "ready": ready, "routes": []}
    return {**base, "endpoints": list(endpoints), **more}


def shown(*services: Any, **more: Any) -> str:
    document: Any = {
        "cluster": "shop",
        "listen": ["127.0.0.1:8080"],
        "proxy": {"kind": "nginx", "generation": 1, "reloads": 1, "pid": None},
        "nodes": [{"id": "local", "address": "127.0.0.1", "state": "ready"}],
        "services": list(services),
        **more,
    }
    Console(file=(out := io.StringIO()), width=200).print(view(document, 160.0))
    return out.getvalue()


def test_a_proxy_that_does_not_run_and_a_node_that_is_lost() -> None:
    text = shown(nodes=[{"id": "n2", "address": "10.0.0.2", "state": "lost"}])
    assert "nginx pid none, generation 1, 1 reload" in text
    assert "node n2 is lost" in text


def test_the_use_of_an_api_and_what_nodes_have_left() -> None:
    nodes = [{"id": f"i-{n}", "address": f"10.0.0.{n}", "state": "ready"} for n in range(12)]
    room = [{**node, "cpu": 512, "memory": 300} for node in nodes]
    api = {"per_second": 1.234, "bound": 10.0, "throttled": 0, "actions": {"ecs:ListTasks": 5}}
    lines = shown(api=api, nodes=room).splitlines()
    polled = "API  1.2 calls a second, at most 10; no queue of events, the cluster is polled"
    assert lines[1].rstrip() == polled
    assert lines[2].rstrip() == "node i-0  10.0.0.0  512 CPU units and 300 MiB left"
    assert lines[10].rstrip() == "and 4 nodes more (--json has them all)"
    assert "CPU units" not in shown(nodes=nodes)


@pytest.mark.parametrize(
    ("problem", "throttled", "words"),
    [
        ("", 0, "at most 0.625; 1 event heard"),
        ("", 3, "at most 0.625, 3 throttled; 1 event heard"),
        ("no such\nqueue", 0, "; no events: no such\\nqueue"),
    ],
)
def test_whether_events_are_heard(problem: str, throttled: int, words: str) -> None:
    events = {"queue": "u", "received": 1, "taken": 1, "malformed": 0, "problem": problem}
    api = {"per_second": 1.0, "bound": 0.625, "throttled": throttled, "actions": {}}
    assert words in shown(api={**api, "events": events})


def test_columns_stand_in_line_over_all_services() -> None:
    text = shown(service(endpoint("a")), service(endpoint("a-much-longer-name"), name="second"))
    lines = [line for line in text.splitlines() if "ENDPOINT" in line or "127.0.0.1:2" in line]
    assert [line.split()[0] for line in lines] == ["ENDPOINT", "a", "a-much-longer-name"]
    assert lines[0].index("ADDRESS") == lines[1].index("127") == lines[2].index("127")


def test_fixed_endpoints_and_reasons() -> None:
    sick = endpoint("a", state="unhealthy", reason="connection refused [bold]x[/bold]")
    text = shown(service(sick, strategy="fixed"))
    assert "catalog  0 of 1 ready  fixed endpoints" in text
    assert "1m 0s  connection refused [bold]x[/bold]" in text


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (service(endpoint("a")), ""),
        (service(endpoint("a"), endpoint("b", state="stopped")), ""),
        (service(endpoint("a"), endpoint("b", state="draining")), "1 of 1 ready, 1 draining"),
        (service(), "0 of 1 ready"),
        (service(endpoint("a"), desired=4), "1 of 1 ready, 4 wanted by a later command"),
        (service(endpoint("a", state="unhealthy", reason="refused")), "1 unhealthy: refused"),
        (service(problem="given up"), "0 of 1 ready: given up"),
    ],
)
def test_what_is_lacking(found: Any, words: str) -> None:
    word = lacking(found, 1)
    assert words in word
    assert bool(word) == bool(words)


def test_a_controller_says_which_agents_serve() -> None:
    away = {"node": "n2", "version": "1", "state": "broken", "generation": 3, "problem": "no nginx"}
    agents = [{**away, "node": "n1", "state": "serves", "problem": ""}, away]
    proxy = {"kind": "fleet", "generation": 5, "reloads": 0, "pid": None}
    text = shown(agents=agents, proxy=proxy)
    assert "shop  controller, generation 5\n1 of 2 agents serve\n  ! n2 is broken: no nginx" in text


def test_an_agent_says_whom_it_follows() -> None:
    followed = {"url": "ws://10.0.1.100:7700", "generation": 5, "problem": ""}
    assert "follows ws://10.0.1.100:7700, generation 5" in shown(controller=followed)
    assert "! no controller: refused" in shown(controller={**followed, "problem": "refused"})


def test_what_endpoints_use_where_it_is_known() -> None:
    busy = endpoint("a", cpu=1.284, memory=345 << 20)
    lines = shown(service(busy, endpoint("b"))).splitlines()
    head, first, second = lines[-3:]
    assert first[head.index("PID") + 3 :].split()[:3] == ["128%", "345", "MiB"]
    assert second.split()[4:6] == ["-", "-"]
    assert head.index("MEMORY") + len("MEMORY") == first.index("MiB") + 3 == second.rindex("-") + 1
    assert "MEMORY" not in shown(service(endpoint("b")))
