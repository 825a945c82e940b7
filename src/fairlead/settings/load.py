"""fairlead.yaml -> core.model.Cluster."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from fairlead.core.dns_names import kept_twice
from fairlead.core.dns_settings import Dns
from fairlead.core.errors import SettingsError
from fairlead.core.model import AgentPlace, Cluster, ControllerPlace, Hooks, Service
from fairlead.core.plain_nginx import lacking, unseen
from fairlead.core.scaling.policy import Scale, Target
from fairlead.settings.keys import ROOT
from fairlead.settings.place import At, Document, Problems
from fairlead.settings.sections import Fields, fill
from fairlead.settings.tree import MAX_BYTES, read_tree
from fairlead.settings.tree import Mapping as Entries

P = TypeVar("P", Hooks, ControllerPlace, AgentPlace)


def load(path: Path) -> Cluster:
    """The settings in a file. SettingsError: the first problem, or that it cannot be read."""
    return parse(_text(path), str(path), path.parent)


def parse(text: str, file: str = "", base: Path = Path()) -> Cluster:
    """The settings in `text`; `base` is the directory that `cwd` is relative to.

    SettingsError names the first problem in file order.
    """
    at = At(Document(file), read_tree(text, file))
    return _cluster(ROOT.read(at), at, base)


def problems(text: str, file: str = "", base: Path = Path()) -> list[SettingsError]:
    """All problems that can be seen at once, in file order; none when `parse` would pass."""
    try:
        parse(text, file, base)
    except Problems as several:
        return several.found
    except SettingsError as problem:
        return [problem]
    return []


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1).decode()
    except UnicodeDecodeError as error:
        raise SettingsError(f"the file is not UTF-8 at byte {error.start}", str(path)) from None
    except FileNotFoundError:
        raise SettingsError("there is no such file; name one with -f", str(path)) from None
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror}", str(path)) from None


def _cluster(fields: Fields, at: At, base: Path) -> Cluster:
    given = fields.pop("services", ())
    services = tuple(_service(name, inner, base) for name, inner in given)
    cluster = _placed(fill(Cluster(services=services), fields), base)
    _check_platform(cluster, at)
    if cluster.platform != "process":
        return cluster
    first, last = cluster.ports
    wanted = sum(service.replicas for service in services if not service.fixed)
    if wanted > (ports := last - first + 1):
        message = f"ports: {first}-{last} are {ports} ports for {wanted} replicas; widen the range"
        raise SettingsError(message, at.document.file, _line_of("ports", at, at.line))
    return cluster


_RUNS = {"process": "run", "docker": "image", "ecs": "service"}


def _check_platform(cluster: Cluster, at: At) -> None:
    """What runs a service must be what the cluster's platform can run."""
    if cluster.platform == "process" and not _line_of("services", at, 0):
        raise SettingsError('"services" is missing', at.document.file, at.line)
    for name, platform in (("docker", "docker"), ("ecs", "ecs"), ("hooks", "ecs")):
        line = _line_of(name, at, 0)
        if line and platform != cluster.platform:
            message = f"{name}: is of use only with platform: {platform}"
            raise SettingsError(message, at.document.file, line)
    _check_proxy(cluster, at)
    _check_dns(cluster, at)
    for service in cluster.services:
        wanted, given = _RUNS[cluster.platform], _run_by(service)
        if given not in (wanted, "endpoints"):
            message = (
                f"services.{service.name}: {given} is of no use on platform {cluster.platform}; "
                f"give {wanted} or endpoints, or another platform"
            )
            raise SettingsError(message, at.document.file, _line_of_service(service.name, at))


def _check_proxy(cluster: Cluster, at: At) -> None:
    """What is asked for a service's traffic must be what the proxy can do."""
    for service in cluster.services if cluster.proxy == "plain" else ():
        if problem := lacking(service.traffic) or unseen(service.scale):
            line = _line_of_service(service.name, at)
            raise SettingsError(f"services.{service.name}: {problem}", at.document.file, line)


def _check_dns(cluster: Cluster, at: At) -> None:
    """Each of its places, and that none of them keeps what another one does."""
    _check_addresses(cluster, cluster.dns, "dns", _line_of("dns", at, at.line), at)
    for service in cluster.services:
        where = f"services.{service.name}.dns"
        _check_addresses(cluster, service.dns, where, _line_of_service(service.name, at), at)
    if name := kept_twice(cluster):
        told = f"dns: two sections of one provider would both keep {name}; name it in one of them"
        raise SettingsError(told, at.document.file, _line_of("dns", at, at.line))


def _check_addresses(cluster: Cluster, dns: Dns, where: str, line: int, at: At) -> None:
    """Nodes' addresses come from the platform, where it has nodes."""
    own = cluster.platform in {"process", "docker"}
    if dns.provider and own and not dns.address:
        told = f"address is missing: platform {cluster.platform} does not know this machine's"
        raise SettingsError(f"{where}: {told}", at.document.file, line)
    if dns.address and not own:
        told = f"address is of no use on platform {cluster.platform}, which knows its nodes'"
        raise SettingsError(f"{where}: {told}", at.document.file, line)


def _run_by(service: Service) -> str:
    """The key that says what runs its copies."""
    if service.endpoints:
        return "endpoints"
    if service.container.task_service:
        return "service"
    return "image" if service.container.image else "run"


def _line_of_service(name: str, at: At) -> int:
    entries = at.node.entries if isinstance(at.node, Entries) else ()
    services = next((node for key, node in entries if key.text == "services"), None)
    inner = services.entries if isinstance(services, Entries) else ()
    return next((key.line for key, _ in inner if key.text == name), at.line)


def _placed(cluster: Cluster, base: Path) -> Cluster:
    """Files are named relative to the settings file."""
    return replace(
        cluster,
        hooks=_token_placed(cluster.hooks, base),
        controller=_token_placed(cluster.controller, base),
        agent=_token_placed(cluster.agent, base),
        dns=_dns_placed(cluster.dns, base),
    )


def _dns_placed(dns: Dns, base: Path) -> Dns:
    if not dns.provider:
        return dns
    hosts, zone, updates, cloudflare = dns.hosts, dns.zone, dns.rfc2136, dns.cloudflare
    return replace(
        dns,
        hosts=replace(hosts, file=_beside(base, hosts.file)),
        zone=replace(zone, file=_beside(base, zone.file)),
        rfc2136=replace(updates, key_file=_beside(base, updates.key_file)),
        cloudflare=replace(cloudflare, token_file=_beside(base, cloudflare.token_file)),
    )


def _beside(base: Path, file: str) -> str:
    return os.path.abspath(base / file) if file else ""  # noqa: PTH100


def _token_placed(section: P, base: Path) -> P:
    placed: P = replace(section, token_file=_beside(base, section.token_file))
    return placed


def _line_of(name: str, at: At, otherwise: int) -> int:
    entries = at.node.entries if isinstance(at.node, Entries) else ()
    return next((key.line for key, _ in entries if key.text == name), otherwise)


def _service(name: str, fields: Fields, base: Path) -> Service:
    service = fill(Service(name), fields)
    cookie = service.traffic.sticky.replace("{service}", name)
    cwd = "" if service.fixed else os.path.abspath(base / service.cwd)  # noqa: PTH100
    traffic, dns = replace(service.traffic, sticky=cookie), _dns_placed(service.dns, base)
    scale = service.scale and _scale_placed(service.scale, base)
    return replace(service, cwd=cwd, traffic=traffic, dns=dns, scale=scale)


def _scale_placed(scale: Scale, base: Path) -> Scale:
    return replace(scale, targets=tuple(_target_placed(one, base) for one in scale.targets))


def _target_placed(target: Target, base: Path) -> Target:
    file = _beside(base, target.metric.token_file)
    return replace(target, metric=replace(target.metric, token_file=file))
