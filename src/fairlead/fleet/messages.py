"""What controller and agents say to each other: JSON messages of a WebSocket, one union each way.

A message is decoded whole or not at all. Members that are not known are passed over, so that a
newer side may say more; what changes the meaning of the rest raises PROTOCOL.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import msgspec

from fairlead.core.errors import WireError
from fairlead.core.health import Health
from fairlead.core.model import Counters, Endpoint, HealthCheck, ServiceTable, Waits

PROTOCOL = 1
MOST_REPORT = 8 << 20
"""Bytes of a message that a controller takes."""
MOST_ORDER = 64 << 20
"""Bytes of a message that an agent takes."""


class Watched(msgspec.Struct, frozen=True):
    """An endpoint to probe, and how."""

    endpoint: Endpoint
    check: HealthCheck


class Assignment(msgspec.Struct, frozen=True):
    """All that an agent needs of one service. `generation` is that of its last change."""

    service: str
    generation: int
    table: ServiceTable
    watched: tuple[Watched, ...] = ()


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """The first message of a controller. `epoch` is that of its lease, `life` names this start of
    it: generations of another life mean nothing."""

    protocol: int
    version: str
    life: str
    epoch: int


class Orders(msgspec.Struct, frozen=True, tag="orders"):
    """Services that have changed, and ended, up to `generation`."""

    generation: int
    services: tuple[Assignment, ...] = ()
    gone: tuple[str, ...] = ()


class Farewell(msgspec.Struct, frozen=True, tag="farewell"):
    """Nobody is sent to the node any more: it may end."""


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The first message of an agent: who it is, what it serves, how healthy that is, and up to
    which generation of which life it knows the tables."""

    protocol: int
    version: str
    node: str
    life: str = ""
    generation: int = 0
    serves: dict[str, ServiceTable] = {}
    health: dict[str, Health] = {}


class Report(msgspec.Struct, frozen=True, tag="report"):
    """What has changed at an agent since its last report.

    `applied` is the generation that its proxy follows with all services, `tried` the one that it
    follows with all but those that are `refused`, by service with the reason: 0 from an agent that
    does not tell them apart. `in_flight` holds what is in flight on each draining endpoint, looked
    at after that; `counters` by service and endpoint, now and then. `serving` says whether its
    proxy answers; `leaving` that it is about to end; `ended` that its proxy has ended, after the
    last request in flight: an agent says nothing more after it. `waits` comes with the counters;
    `wakes` are services that are asleep and that a request waits for.
    """

    applied: int
    health: dict[str, Health] = {}
    in_flight: dict[str, int] = {}
    counters: dict[str, dict[str, Counters]] = {}
    serving: bool = True
    leaving: bool = False
    problem: str = ""
    tried: int = 0
    refused: dict[str, str] = {}
    ended: bool = False
    waits: dict[str, Waits] = {}
    wakes: tuple[str, ...] = ()

    def followed(self, service: str) -> int:
        """The generation that the proxy follows with this service."""
        return self.applied if service in self.refused else max(self.applied, self.tried)


ToAgent: TypeAlias = Welcome | Orders | Farewell
ToController: TypeAlias = Hello | Report

_to_agent: msgspec.json.Decoder[ToAgent] = msgspec.json.Decoder(Welcome | Orders | Farewell)
_to_controller: msgspec.json.Decoder[ToController] = msgspec.json.Decoder(Hello | Report)
_encoder = msgspec.json.Encoder()
_T = TypeVar("_T")


def encode(message: ToAgent | ToController) -> bytes:
    return _encoder.encode(message)


def from_controller(raw: str | bytes) -> ToAgent:
    """WireError when it is no message of a controller."""
    return _decoded(_to_agent, raw)


def from_agent(raw: str | bytes) -> ToController:
    """WireError when it is no message of an agent."""
    return _decoded(_to_controller, raw)


def _decoded(decoder: msgspec.json.Decoder[_T], raw: str | bytes) -> _T:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"not a message of protocol {PROTOCOL}: {error}") from error
