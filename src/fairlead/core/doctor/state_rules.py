"""State that a copy keeps for itself, where the next copy does not find it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fairlead.core.doctor.finding import ERROR, WARNING, Finding, Said, first
from fairlead.core.doctor.images import is_database, is_tool, keeps_data
from fairlead.core.doctor.workloads import Workload, workloads
from fairlead.core.setup import Container, Mount, Setup, Unknown

_SYSTEM = re.compile(
    r"/(proc|sys|dev|run|var/run|cgroup|etc|var/log|tmp|usr|lib|boot|var/lib/docker|var/lib/ecs|"
    r"var/cache/ecs|sbin|bin)(/.*)?|/"
)
_NETWORK = re.compile(r"(?i)(^|[/_.-])(efs|nfs|fsx|shared|gluster\w*|ceph\w*|s3\w*)($|[/_.-])")
_LOGS = re.compile(r"(?i)/?(.*/)?(logs?|tmp|cache|certs?|ssl|config|conf(\.d)?|agent|bin)(/.*)?")
_FILES = re.compile(r"(?i)^(sqlite[\w+]*:|jdbc:(sqlite|h2|hsqldb|derby):|file:.*\.(db|sqlite3?)\b)")
_NAMED = {
    "SESSION_DRIVER": ("file", "array"),
    "SESSION_STORE": ("file", "memory"),
    "DB_CONNECTION": ("sqlite",),
    "DB_ENGINE": ("sqlite", "sqlite3", "django.db.backends.sqlite3"),
    "DATABASE_CLIENT": ("sqlite", "sqlite3", "better-sqlite3"),
    "DB_TYPE": ("sqlite", "sqlite3"),
}


def local_state(setup: Setup) -> Said:
    for each in workloads(setup):
        if each.daemon or not each.app:
            continue
        yield from _beside(each)
        for box in each.task.containers:
            if not keeps_data(box):
                yield from _mounted(setup, each, box)
                yield from _configured(each, box)


def _beside(each: Workload) -> Iterator[Finding]:
    """A database in the task of the application: each copy comes with one of its own."""
    boxes = () if each.compose else each.task.containers
    held = [box for box in boxes if is_database(box) and box.essential and not _kept_apart(box)]
    apps = [box for box in boxes if box.ports and not keeps_data(box) and not is_tool(box)]
    for box in held if apps else ():
        yield Finding(
            "local-state",
            ERROR,
            first(box.at, each.at),
            each.name,
            f"each copy of {each.name} has a database of its own: {box.name} runs in the same task",
            "What one copy writes the others do not find, and a deploy starts with an empty one.",
            "run the database as a service of its own, or use RDS, and give all copies its address",
            box.name,
        )


def _kept_apart(box: Container) -> bool:
    return any(mount.kind == "shared" for mount in box.mounts)


def _mounted(setup: Setup, each: Workload, box: Container) -> Said:
    """Copies in Compose share the one engine's volumes; those of ECS are on several nodes."""
    for mount in () if each.compose else box.mounts:
        if mount.kind not in ("host", "docker") or mount.read_only or _harmless(mount):
            continue
        if mount.kind == "host" and _may_be_shared(setup, mount):
            at = first(mount.at, box.at)
            yield Unknown(f"whose {mount.source} of {each.name} is", "a network mount?", at)
        else:
            yield _found(each, box, mount)


def _may_be_shared(setup: Setup, mount: Mount) -> bool:
    """A path of the node where a file system of the network is mounted, by its name or by what the
    node runs when it starts."""
    if _NETWORK.search(mount.source):
        return True
    top = "/".join(mount.source.split("/")[:3])
    return any(
        top in node.user_data and re.search(r"\b(efs|nfs4?)\b", node.user_data)
        for node in setup.nodes
    )


def _harmless(mount: Mount) -> bool:
    if mount.kind == "host" and _SYSTEM.fullmatch(mount.source):
        return True
    return bool(_LOGS.fullmatch(mount.path) or _SYSTEM.fullmatch(mount.path))


def _found(each: Workload, box: Container, mount: Mount) -> Finding:
    where = "the node's" if mount.kind == "host" else "the node's Docker volume"
    return Finding(
        "local-state",
        WARNING,
        first(mount.at, box.at, each.at),
        each.name,
        f"{each.name} writes to {mount.path or 'a volume'}, which is {where} {mount.source}",
        "A copy on another node has other data there, and a copy that moves leaves its data behind:"
        " what a client sees depends on the copy that answers.",
        "keep it in EFS, S3 or a database, or mount it readOnly if it is only read",
        f"{box.name}{mount.path}",
    )


def _configured(each: Workload, box: Container) -> Iterator[Finding]:
    for name, value in box.environment.items():
        plain = value.strip().lower()
        if _FILES.match(plain) or plain in _NAMED.get(name.upper(), ()):
            yield Finding(
                "local-state",
                ERROR if _FILES.match(plain) else WARNING,
                first(box.at, each.at),
                each.name,
                f"{each.name} keeps its data within each copy: {name}={_shown(value)}",
                "Each copy has data of its own: what one writes the other does not find.",
                "use a database (or a session store) that all copies share",
                f"{box.name}/{name}",
            )


def _shown(value: str) -> str:
    return re.sub(r"//[^/@]*@", "//***@", value)
