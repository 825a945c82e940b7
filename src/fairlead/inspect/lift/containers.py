"""Containers of a task definition: the same words in Terraform and in ECS's own JSON."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.core.setup import Container, Fact, Mount, Port
from fairlead.inspect.hcl.texts import shown
from fairlead.inspect.lift.links import block, blocks
from fairlead.inspect.values import Value

_SHARED = (
    "efs_volume_configuration",
    "efsVolumeConfiguration",
    "fsx_windows_file_server_volume_configuration",
    "fsxWindowsFileServerVolumeConfiguration",
)


def containers(definitions: Value, volumes: Value) -> tuple[Container, ...]:
    """Those that are known; `volumes` are the task definition's."""
    kinds = _volumes(volumes)
    known = (item for item in blocks(definitions) if isinstance(item.data, Mapping))
    return tuple(_container(item, kinds) for item in known)


def all_known(definitions: Value) -> bool:
    """Each container is at least there to be read."""
    items = blocks(definitions)
    return bool(items) and all(isinstance(item.data, Mapping) for item in items)


def _container(of: Value, volumes: Mapping[str, Mount]) -> Container:
    return Container(
        shown(of.get("name")),
        of.get("image").text(),
        tuple(_port(item) for item in blocks(of.get("portMappings"))),
        of.get("memory").number(),
        of.get("memoryReservation").number(),
        of.get("cpu").number(),
        of.get("stopTimeout").number(),
        _checked(of.get("healthCheck")),
        tuple(_mount(item, volumes) for item in of.get("mountPoints").items()),
        _environment(of.get("environment")),
        of.get("essential").flag().value is not False,
        dict(of.get("dockerLabels").texts()),
        of.at,
    )


def _port(of: Value) -> Port:
    if of.unknown:
        lost: Fact[int] = Fact(None, of.origin, of.unknown)
        return Port(lost, lost, at=of.at)
    protocol = of.get("protocol").text().value or "tcp"
    return Port(of.get("containerPort").number(), of.get("hostPort").number(), protocol, of.at)


def _checked(of: Value) -> Fact[bool]:
    if of.unknown:
        return Fact(None, of.origin, of.unknown)
    return Fact(True, of.origin) if of.given else Fact()


def _environment(of: Value) -> dict[str, str]:
    """Those whose value is known."""
    pairs = ((item.get("name").text().value, item.get("value").text().value) for item in of.items())
    return {name: value for name, value in pairs if name is not None and value is not None}


def _mount(of: Value, volumes: Mapping[str, Mount]) -> Mount:
    name = of.get("sourceVolume").text().value or ""
    volume = volumes.get(name, Mount("ephemeral", name, ""))
    read_only = of.get("readOnly").flag().value or False
    return Mount(volume.kind, volume.source, shown(of.get("containerPath")), read_only, of.at)


def _volumes(of: Value) -> dict[str, Mount]:
    found = (_volume(item) for item in of.items())
    return dict(found)


def _volume(of: Value) -> tuple[str, Mount]:
    """Its name, and what kind it is; a path of the node, when one is given."""
    name = of.get("name").text().value or ""
    path = of.get("host_path")
    if not path.given:
        path = block(of, "host").get("sourcePath", "source_path")
    if path.given:
        source = shown(path)
        return name, Mount("socket" if source.endswith("docker.sock") else "host", source, "")
    if any(of.get(kind).given for kind in _SHARED):
        return name, Mount("shared", name, "")
    docker = blocks(of.get("docker_volume_configuration", "dockerVolumeConfiguration"))
    return name, Mount(_docker(docker[0]), name, "") if docker else Mount("ephemeral", name, "")


def _docker(of: Value) -> str:
    """A volume of the engine is the node's own, unless its driver keeps it elsewhere."""
    driver = of.get("driver").text()
    options = shown(block(of, "driver_opts", "type")) + shown(block(of, "driverOpts", "type"))
    if driver.unknown or driver.value not in (None, "local") or options.startswith("nfs"):
        return "shared"
    return "docker" if of.get("scope").text().value == "shared" else "ephemeral"
