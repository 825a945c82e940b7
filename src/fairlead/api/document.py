"""The status document, as the API sends it and the CLI shows it.

`since` is seconds since the epoch. `problem` and `reason` say in words why something is not as
wanted; they are absent or empty when all is well.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class EndpointDoc(TypedDict):
    id: str
    node: str
    address: str
    port: int
    pid: int | None
    state: str
    in_flight: int
    requests: int
    failures: int
    since: float
    reason: NotRequired[str]


class ServiceDoc(TypedDict):
    """`strategy` is `dynamic` for services that are run, `fixed` for listed endpoints.

    `health_path` is the path of an HTTP health check, and absent for other checks. `given_up`: it
    crashed so often that no start is tried before a restart or apply.
    """

    name: str
    strategy: str
    desired: int
    ready: int
    routes: list[str]
    endpoints: list[EndpointDoc]
    problem: NotRequired[str]
    given_up: NotRequired[bool]
    health_path: NotRequired[str]


class ProxyDoc(TypedDict):
    kind: str
    generation: int
    reloads: int
    pid: int | None


class NodeDoc(TypedDict):
    id: str
    address: str
    state: str


class StatusDoc(TypedDict):
    cluster: str
    listen: list[str]
    proxy: ProxyDoc
    nodes: list[NodeDoc]
    services: list[ServiceDoc]


class EventDoc(TypedDict):
    seq: int
    at: float
    kind: str
    service: str
    message: str
    endpoint: str
