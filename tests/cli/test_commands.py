from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest


def test_status_json_is_the_daemons_document(fairlead: Any, daemon: Any) -> None:
    result = fairlead("status", "--json")
    assert result.status == 0
    document = json.loads(result.out)
    assert document.keys() == {"cluster", "listen", "proxy", "nodes", "services"}
    assert document["listen"] == ["127.0.0.1:8080"]
    assert [service["name"] for service in document["services"]] == ["catalog", "frontend"]


def test_status_for_people(fairlead: Any, daemon: Any) -> None:
    daemon.control.stuck = "exited 3 times in 10 s: given up"
    daemon.control.start("catalog")
    result = fairlead("status")
    assert result.status == 0
    lines = result.out.splitlines()
    assert "shop  127.0.0.1:8080  nginx pid 4711, generation 7, 0 reloads" in lines[0]
    assert any(line.startswith("catalog  1 of 1 ready  catalog.localhost") for line in lines)
    assert "  ! exited 3 times in 10 s: given up" in lines
    ready = next(line for line in lines if "catalog-20001" in line)
    assert " ".join(ready.split()) == "catalog-20001 ready 127.0.0.1:20001 1234 0 10 0 1m 15s"
    assert any("catalog-20003" in line and "starting" in line for line in lines)
    assert "\x1b" not in result.out


def test_status_of_one_service(fairlead: Any, daemon: Any) -> None:
    result = fairlead("status", "frontend")
    assert "frontend-20002" in result.out
    assert "catalog-" not in result.out
    missing = fairlead("status", "nobody")
    assert missing.status == 2
    assert missing.err == "fairlead: no service 'nobody': there are catalog, frontend\n"


def test_scale(fairlead: Any, daemon: Any) -> None:
    daemon.control.lag = 5.0
    result = fairlead("scale", "catalog", 3)
    assert (result.status, result.out) == (
        0,
        "catalog: 3 wanted instead of 1; 1 ready, 2 starting\n",
    )
    assert daemon.control.desired["catalog"] == 3


def test_scale_waits_out_and_in(fairlead: Any, daemon: Any) -> None:
    daemon.control.lag = 0.3
    begin = time.monotonic()
    result = fairlead("scale", "catalog", 3, "--wait")
    assert (result.status, result.out) == (0, "catalog: 3 ready\n")
    assert fairlead("scale", "catalog", 3).out == "catalog: 3 ready, as before\n"
    result = fairlead("scale", "catalog", 1, "--wait", "--json")
    assert result.status == 0
    assert time.monotonic() - begin >= 0.6
    outcome = json.loads(result.out)
    assert (outcome["done"], outcome["ready"], len(outcome["endpoints"])) == (True, 1, 1)


def test_scale_that_is_not_done_in_time_says_what_is_missing(fairlead: Any, daemon: Any) -> None:
    daemon.control.stuck = "exited with 7"
    result = fairlead("scale", "catalog", 2, "--wait", "--timeout", "0.3")
    assert result.status == 1
    assert result.out == ""
    assert "catalog: 1 of 2 ready, 1 starting: exited with 7" in result.err
    outcome = json.loads(fairlead("scale", "catalog", 2, "--wait", "--timeout", 0, "--json").out)
    assert outcome["done"] is False
    assert "exited with 7" in outcome["lacking"]
    assert "2 wanted as before; 1 ready, 1 starting" in fairlead("scale", "catalog", 2).out


def test_scale_does_not_wait_for_what_a_later_command_changed(fairlead: Any, daemon: Any) -> None:
    daemon.control.stuck = "never ready"
    later = threading.Timer(0.3, lambda: daemon.do(daemon.control.scale("catalog", 1)))
    later.start()
    result = fairlead("scale", "catalog", 3, "--wait", "--timeout", 60)
    later.join()
    assert result.status == 1
    assert "given up: catalog: 1 of 3 ready" in result.err
    assert "1 wanted by a later command" in result.err


def test_drain_says_what_follows(fairlead: Any, daemon: Any) -> None:
    daemon.control.lag = 5.0
    result = fairlead("drain", "catalog/catalog-20001")
    assert result.out == "catalog/catalog-20001: is drained as soon as another is ready\n"
    daemon.control.lag = 0.0
    assert fairlead("scale", "frontend", 2, "--wait").status == 0
    result = fairlead("drain", "frontend/frontend-20002")
    assert "gets no new request, and is stopped after its last one" in result.out


def test_drain_waits_until_the_endpoint_is_gone(fairlead: Any, daemon: Any) -> None:
    daemon.control.lag = 0.4
    begin = time.monotonic()
    result = fairlead("drain", "catalog/catalog-20001", "--wait")
    assert (result.status, result.out) == (0, "catalog/catalog-20001: gone\n")
    assert time.monotonic() - begin >= 0.4
    daemon.control.lag = 60
    result = fairlead("drain", "frontend/frontend-20002", "--wait", "--timeout", 0.2)
    assert result.status == 1
    assert "frontend-20002 is draining" in result.err


def test_drain_and_restart(fairlead: Any, daemon: Any) -> None:
    assert fairlead("drain", "catalog/catalog-20001").status == 0
    assert fairlead("restart", "frontend").status == 0
    happened = [(e.kind, e.service, e.endpoint) for e in daemon.control.log]
    assert happened == [("drain", "catalog", "catalog-20001"), ("restart", "frontend", "")]
    result = fairlead("drain", "catalog/nobody")
    assert (result.status, result.err) == (
        2,
        "fairlead: service catalog has no endpoint 'nobody'\n",
    )


def test_apply(fairlead: Any, daemon: Any) -> None:
    assert fairlead("apply").out == "catalog: replicas 1 to 2\n"
    assert json.loads(fairlead("apply", "--json").out) == {"changes": ["catalog: replicas 1 to 2"]}
    daemon.control.bad_file = "unknown key 'rotues', did you mean routes?"
    result = fairlead("apply")
    assert result.status == 2
    assert result.err == ("fairlead: fairlead.yaml:3: unknown key 'rotues', did you mean routes?\n")


def test_events(fairlead: Any, daemon: Any) -> None:
    daemon.do(daemon.control.happen("ready", "catalog", "passed a check", "catalog-1"))
    daemon.do(daemon.control.happen("apply", "", "the file was read"))
    lines = fairlead("events").out.splitlines()
    assert lines[0].split()[1:] == ["ready", "catalog/catalog-1", "passed", "a", "check"]
    assert lines[1].split()[1:] == ["apply", "-", "the", "file", "was", "read"]
    first, second = map(json.loads, fairlead("events", "--json").out.splitlines())
    assert (first["seq"], first["endpoint"], second["seq"]) == (1, "catalog-1", 2)
    assert fairlead("events", "-n", 1).out.splitlines() == lines[1:]
    assert fairlead("events", "-n", 0).out == ""


def test_events_of_the_past_need_no_daemon(fairlead: Any, state: Path) -> None:
    state.mkdir()
    event = {"seq": 7, "at": 86400.0, "kind": "down", "service": "", "message": "all stopped"}
    (state / "events.jsonl").write_text(json.dumps(event) + "\n")
    result = fairlead("events")
    assert result.status == 0
    day, _, kind, *_ = result.out.split()
    assert (day[:8], kind) == ("1970-01-", "down")
    assert fairlead("events", "--follow").status == 1


def test_followed_events_end_with_the_daemon(fairlead: Any, daemon: Any) -> None:
    daemon.do(daemon.control.happen("test", "catalog", "long before"))
    daemon.do(daemon.control.happen("test", "catalog", "before"))

    def end() -> None:
        daemon.do(daemon.control.happen("test", "catalog", "after"))
        daemon._loop.call_soon_threadsafe(daemon._end.set)

    timer = threading.Timer(0.5, end)
    timer.start()
    result = fairlead("events", "--follow", "-n", 1)
    timer.join()
    assert result.status == 0
    assert [line.split()[-1] for line in result.out.splitlines()] == ["before", "after"]


def test_what_comes_from_outside_cannot_steer_the_terminal(fairlead: Any, daemon: Any) -> None:
    daemon.control.stuck = "evil \x1b]0;title\x07 \x9b2J \u202e text"
    daemon.do(daemon.control.happen("te\x1b[st", "catalog", "evil\r\x1b[2J"))
    shown = fairlead("status").out + fairlead("events").out
    for bad in "\x1b\x07\x9b\u202e\r":
        assert bad not in shown
    assert r"evil \x1b]0;title\x07 \x9b2J \u202e text" in shown
    assert r"evil\r\x1b[2J" in shown


@pytest.mark.parametrize("shell", ["zsh", "fish", "bash"])
def test_completion_script(fairlead: Any, shell: str) -> None:
    result = fairlead("completion", shell)
    assert result.status == 0
    assert "_FAIRLEAD_COMPLETE" in result.out


def test_the_shell_completes_commands_services_and_endpoints(
    fairlead: Any, daemon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def complete(words: str, index: int) -> list[str]:
        monkeypatch.setenv("_FAIRLEAD_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(index))
        return [line.partition(",")[2] for line in fairlead().out.splitlines()]

    assert complete("fairlead sta", 1) == ["status"]
    assert complete("fairlead scale c", 2) == ["catalog"]
    assert complete("fairlead drain fr", 2) == ["frontend/frontend-20002"]


def test_completion_without_a_daemon_is_silent(
    fairlead: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_FAIRLEAD_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "fairlead scale ")
    monkeypatch.setenv("COMP_CWORD", "2")
    result = fairlead()
    assert (result.out.strip(), result.err) == ("", "")
