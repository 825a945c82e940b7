"""DNS that names one of several nodes, or is kept by caches for too long."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fairlead.core.doctor.finding import ERROR, WARNING, Finding, Said, first
from fairlead.core.doctor.reach import service_of
from fairlead.core.doctor.workloads import most
from fairlead.core.setup import At, Call, DnsRecord, NodeGroup, ProxyTarget, Setup, Unknown

LONGEST = 60
"""Seconds that a record of nodes may be kept: so long a node that is gone is still asked."""

_FIRST = re.compile(
    r"(taskArns|containerInstanceArns|tasks|containerInstances|Reservations|Instances)"
    r"(\[\])?\s*(\[0\]|\|\s*\[0\]|\[:1\])"
)
_FIRST_LINE = re.compile(
    r"\|\s*(head\s+-n?\s*1\b|awk\s+'?\{?\s*print\s+\$1|jq\s.*(Arns|nstances|asks)\[0\])"
)
_PICKED = re.compile(r"jq\b.*\.taskArns\[0\]|\$\{TASK\w*\[0\]\}", re.IGNORECASE)
_WRITES = re.compile(
    r"(?i)change-resource-record-sets|nsupdate|api\.cloudflare\.com|dns_records|duckdns|dnsimple"
    r"|(dynamic|updates?|updating|set|point)[ _-](the )?dns\b|\bdns[ _-](record|update|script)"
)
_FOR_DNS = re.compile(r"(?i)(^|[^a-z])(dns|route53)([^a-z]|$)")
_LISTS = {"list-tasks", "list-container-instances", "describe-instances", "describe-tasks"}
_OWN = re.compile(r"169\.254\.169\.254|ec2-metadata|cloud-init query")
_COPY = re.compile(r"ECS_CONTAINER_METADATA_URI|169\.254\.170\.2\b")
_KNOWS = {"ecs", "ec2"}


def dns_single_target(setup: Setup) -> Said:
    for call in setup.calls:
        if call.operation in _LISTS and _takes_first(setup, call) and _names(setup, call):
            yield _script(setup, call)
    for record in setup.records:
        yield from _record(setup, record)


def _takes_first(setup: Setup, call: Call) -> bool:
    if call.operation in ("describe-tasks", "describe-instances") and _of_one(call):
        return False
    if _FIRST.search(call.options.get("query", "")) or call.options.get("max-items") == "1":
        return True
    return any(map(_FIRST_LINE.search, _lines(setup, call))) or bool(_later(setup, call))


def _later(setup: Setup, call: Call) -> int:
    """The line after the call on which the first of its list is taken; 0 for none."""
    lines = setup.texts.get(call.at.file, ())
    after = range(call.at.line, min(len(lines), call.at.line + 20))
    listed = call.operation == "list-tasks" and "query" not in call.options
    return next((n + 1 for n in after if listed and _PICKED.search(lines[n])), 0)


def _of_one(call: Call) -> bool:
    """It was asked for one that was chosen before."""
    return any(name in call.options for name in ("tasks", "instance-ids"))


def _lines(setup: Setup, call: Call) -> Iterator[str]:
    """The call's own, on as many lines as it goes on for."""
    for line in setup.texts.get(call.at.file, ())[max(0, call.at.line - 1) :][:12]:
        text = line.split(" #")[0].rstrip()
        yield text
        if not text.endswith(("\\", "|")):
            return


def _names(setup: Setup, call: Call) -> bool:
    """What it finds gets into DNS."""
    writes = (c.at.file for c in setup.calls if c.operation == "change-resource-record-sets")
    if call.operation == "describe-instances":
        return call.at.file in {*writes, *(record.at.file for record in setup.records)}
    lines = setup.texts.get(call.at.file, ())
    place = "/".join(call.at.file.split("/")[-2:])
    return bool(_FOR_DNS.search(place)) or any(map(_WRITES.search, lines))


def _script(setup: Setup, call: Call) -> Finding:
    service = call.options.get("service-name", "")
    what = "nodes" if "nstance" in call.operation else "tasks"
    return Finding(
        "dns-single-target",
        ERROR,
        _line_of_first(setup, call),
        service if "$" not in service else "",
        f"DNS is set from the first of the {what} that {call.operation} gives: one node is named",
        "The nodes of all other copies get no request, and which is the first may change at any"
        " time.",
        "name the node of every running task: one record with all addresses, or multivalue records"
        " (fairlead dns)",
        f"{call.operation}/{service}",
        (call.at,),
    )


def _line_of_first(setup: Setup, call: Call) -> At:
    for offset, line in enumerate(_lines(setup, call)):
        if _FIRST.search(line) or _FIRST_LINE.search(line):
            return At(call.at.file, call.at.line + offset)
    return At(call.at.file, _later(setup, call) or call.at.line)


def _record(setup: Setup, record: DnsRecord) -> Said:
    if record.alias or record.routing != "simple" or record.type not in ("A", "AAAA", "CNAME"):
        return
    named = [group for group in setup.nodes if group.key in record.nodes]
    others = _beside(setup, named, record)
    if "$" in "".join(record.addresses):
        yield from _self_named(setup, record)
        return
    if not others:
        return
    if not record.whole:
        yield Unknown(f"the addresses of {record.name}", "not all of them are known", record.at)
    elif None in others:
        yield Unknown(f"how many nodes {record.name} should name", "their number", record.at)
    elif len(record.nodes) + len(record.addresses) == 1 and sum(c or 0 for c in others) > 1:
        yield _one_of(setup, record, sum(c or 0 for c in others))


def _self_named(setup: Setup, record: DnsRecord) -> Said:
    """Each node, or each copy, that starts writes the one record over."""
    lines = _lines_of(setup, record)
    if len(record.addresses) == 1 and any(map(_COPY.search, lines)):
        yield _overwritten(setup, record)
    if not _by_itself(setup, record) or record.type == "CNAME":
        return
    counts = [most(group) for group in setup.nodes if group.cluster]
    if counts and None in counts:
        yield Unknown(f"how many nodes {record.name} should name", "their number", record.at)
    elif sum(count or 0 for count in counts) > 1:
        yield _one_of(setup, record, sum(count or 0 for count in counts))


def _beside(setup: Setup, named: list[NodeGroup], record: DnsRecord) -> list[int | None]:
    """How many nodes there are of each group of the cluster that it names."""
    clusters = {group.cluster for group in named if group.cluster}
    if clusters:
        return [most(group) for group in setup.nodes if group.cluster in clusters]
    if named and not any(group.cluster for group in setup.nodes):
        return [most(group) for group in named] if _serves(setup, record) else []
    if record.addresses and not named and _serves(setup, record) and proxied(setup, record):
        return [most(group) for group in setup.nodes if group.cluster]
    return []


def _serves(setup: Setup, record: DnsRecord) -> bool:
    return bool(setup.services or setup.proxies) and not _admin(record)


def _admin(record: DnsRecord) -> bool:
    """It is for those who run the set-up."""
    return bool(_ADMIN.search(record.name.split(".")[0]))


_ADMIN = re.compile(r"(?i)bastion|jump|ssh|vpn|^db|^mail|^smtp|^mx|^ns\d|jenkins|^git")


def proxied(setup: Setup, record: DnsRecord) -> list[ProxyTarget]:
    """Those for hosts of that name."""
    name = record.name.rstrip(".")
    return [proxy for proxy in setup.proxies if name in proxy.hosts]


def _one_of(setup: Setup, record: DnsRecord, nodes: int) -> Finding:
    return Finding(
        "dns-single-target",
        ERROR,
        record.at,
        service_of(setup, record.name),
        f"{record.name} names one of {nodes} nodes",
        "The other nodes get no request, and when that one fails the name answers with nothing"
        " that works.",
        "name every node that serves: one record with all addresses, or multivalue records"
        " (fairlead dns)",
        f"{record.type}/{record.name}",
    )


def _overwritten(setup: Setup, record: DnsRecord) -> Finding:
    return Finding(
        "dns-single-target",
        ERROR,
        record.at,
        service_of(setup, record.name),
        f"each copy that starts writes its own address over {record.name}",
        "The name leads to the copy that started last: all others get no request, and when that one"
        " stops nothing answers.",
        "name every copy: multivalue records with a set identifier each, service discovery, or a"
        " proxy in front",
        f"{record.type}/{record.name}",
    )


def dns_ttl(setup: Setup) -> Said:
    for record in setup.records:
        if not record.alias and _names_nodes(setup, record):
            yield from _kept(setup, record)


def _names_nodes(setup: Setup, record: DnsRecord) -> bool:
    if record.type not in ("A", "AAAA", "CNAME"):
        return False
    named = [group for group in setup.nodes if group.key in record.nodes]
    if any(group.cluster for group in named):
        return True
    if named:
        return not any(group.cluster for group in setup.nodes) and not _admin(record)
    if any("$" in address for address in record.addresses):
        return _of_nodes(setup, record)
    return bool(record.addresses) and bool(proxied(setup, record))


def _of_nodes(setup: Setup, record: DnsRecord) -> bool:
    """A script found the address by asking AWS, or the node itself."""
    files = _written_by(setup, record)
    asked = any(c.at.file in files and c.service in _KNOWS for c in setup.calls)
    return record.type != "CNAME" and (asked or _by_itself(setup, record))


def _by_itself(setup: Setup, record: DnsRecord) -> bool:
    """The node that runs the script writes its own address."""
    lines = _lines_of(setup, record)
    return len(record.addresses) == 1 and any(_OWN.search(line) for line in lines)


def _lines_of(setup: Setup, record: DnsRecord) -> list[str]:
    return [line for file in _written_by(setup, record) for line in setup.texts.get(file, ())]


def _written_by(setup: Setup, record: DnsRecord) -> set[str]:
    """The record's own file, and where that is a batch with gaps the scripts beside it that fill
    them: those that name the file, and change DNS."""
    folder, _, name = record.at.file.rpartition("/")
    writes = {c.at.file for c in setup.calls if c.operation == "change-resource-record-sets"}
    beside = {file for file in writes if file.rpartition("/")[0] == folder}
    named = {f for f in beside if any(name in line for line in setup.texts.get(f, ()))}
    return {record.at.file, *named}


def _kept(setup: Setup, record: DnsRecord) -> Said:
    if record.ttl.unknown:
        at = first(record.ttl.origin, record.at)
        yield Unknown(f"TTL of {record.name}", record.ttl.unknown, at)
    elif (record.ttl.value or 0) > LONGEST:
        seconds = record.ttl.value or 0
        at = first(record.ttl.origin, record.at)
        yield _long(record.name, service_of(setup, record.name), seconds, at, record)


def _long(name: str, service: str, seconds: int, at: At, record: DnsRecord) -> Finding:
    return Finding(
        "dns-ttl",
        WARNING,
        at,
        service,
        f"{name or 'the record'} names nodes, and may be kept for {seconds} s",
        f"For {seconds} s after a node came or went clients go on asking those that they know: the"
        " new one idles, the gone one fails.",
        f"set the TTL to {LONGEST} or less",
        f"{record.type}/{name}",
        record.ttl.origin,
        old=str(seconds),
    )
