"""Requests through the front door, and who answered them: the measuring half of `verify`.

nginx names the endpoints that it tried in X-Fairlead-Endpoint, to those who know its trace token.
"""

from __future__ import annotations

import http.client
import math
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Goal:
    """Where the front door is, and what is asked there: `host` goes into the Host header."""

    address: str
    port: int
    host: str
    path: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        names = {"Host": self.host, "User-Agent": "fairlead-verify"}
        return {**names, "Upgrade": f"fairlead-trace/{self.token}"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One request. `tried`: addresses in order, the last answered. `failure` is empty when well."""

    seconds: float
    status: int = 0
    tried: tuple[str, ...] = ()
    failure: str = ""


@dataclass(slots=True)
class Tally:
    """What one endpoint did. `seconds` are those of its good answers, `broken` counts attempts
    after which another endpoint was asked."""

    seconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    broken: int = 0


def ask(goal: Goal, requests: int, connections: int) -> list[Answer]:
    """All answers to `requests` requests over so many keep-alive connections."""
    stopped = threading.Event()
    shares = [len(range(i, requests, connections)) for i in range(connections)]
    with ThreadPoolExecutor(connections) as pool:
        try:
            parts = list(pool.map(lambda share: _ask_in_turn(goal, share, stopped), shares))
        finally:
            stopped.set()
    return [answer for part in parts for answer in part]


def _ask_in_turn(goal: Goal, requests: int, stopped: threading.Event) -> list[Answer]:
    connection = http.client.HTTPConnection(goal.address, goal.port, timeout=TIMEOUT)
    answers: list[Answer] = []
    try:
        while len(answers) < requests and not stopped.is_set():
            answers.append(_ask_once(connection, goal))
    finally:
        connection.close()
    return answers


def _ask_once(connection: http.client.HTTPConnection, goal: Goal) -> Answer:
    begin = time.perf_counter()
    try:
        connection.request("GET", goal.path, headers=goal.headers)
        response = connection.getresponse()
        while response.read(65536):
            pass
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return Answer(time.perf_counter() - begin, failure=_in_words(error))
    seconds = time.perf_counter() - begin
    tried = _addresses(response.getheader("X-Fairlead-Endpoint") or "")
    return Answer(seconds, response.status, tried, _judge(response.status, tried))


def _addresses(header: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in header.split(",") if part.strip())


def _judge(status: int, tried: Sequence[str]) -> str:
    if not tried:
        return f"answered {status} by nginx, without an endpoint"
    return f"answered {status}" if status >= 500 else ""


def _in_words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def tally(answers: Iterable[Answer]) -> dict[str, Tally]:
    """By address; failures that no endpoint had a part in are under the empty one."""
    tallies: dict[str, Tally] = {}
    for answer in answers:
        *broken, last = answer.tried or ("",)
        for address in broken:
            tallies.setdefault(address, Tally()).broken += 1
        of_last = tallies.setdefault(last, Tally())
        if answer.failure:
            of_last.failures[answer.failure] += 1
        else:
            of_last.seconds.append(answer.seconds)
    return tallies


def quantile(seconds: Sequence[float], share: float) -> float:
    """By nearest rank: the smallest value that `share` of all values do not exceed; 0 of none."""
    ordered = sorted(seconds)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0
