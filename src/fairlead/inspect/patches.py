"""Changes of files where a finding has a fix that needs no thought, and breaks nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import unified_diff
from pathlib import Path

from fairlead.core.doctor.dns_rules import LONGEST
from fairlead.core.doctor.finding import Finding
from fairlead.core.doctor.network_rules import open_to_dynamic
from fairlead.core.doctor.reach import port_of
from fairlead.core.errors import BadInput
from fairlead.core.setup import At, Setup
from fairlead.files import write_atomically

Lines = tuple[str, ...]
Edit = Callable[[Lines, Finding], Lines]
_HOST = r"""(?i)(["']?(?:host_?port|published)["']?\s*[:=]\s*["']?)"""
_TTL = r"""(?i)(["']?\bttl\\?["']?\s*[:=]\s*["']?)"""
_MINIMUM = r"""(?i)(["']?\w*minimum_?healthy_?percent["']?\s*[:=]\s*["']?)"""
_SERVICE = re.compile(r'\s*resource\s+"?aws_ecs_service"?\s')


def patched(setup: Setup, findings: Iterable[Finding]) -> dict[str, Lines]:
    """The new lines of each file that changes. Nothing changes a second time."""
    made: dict[str, Lines] = {}
    for each in sorted(findings, key=lambda f: _place(f).line, reverse=True):
        place = _place(each)
        lines = made.get(place.file) or tuple(setup.texts.get(place.file, ()))
        if each.old and each.kind in _EDITS and 0 < place.line <= len(lines) and _safe(setup, each):
            edited = _EDITS[each.kind](lines, each)
            if edited != lines:
                made[place.file] = edited
    return made


def difference(file: str, before: Sequence[str], after: Sequence[str]) -> str:
    """As `diff -u` has it."""
    name = file.removeprefix("./").lstrip("/")
    return "\n".join(unified_diff(before, after, f"a/{name}", f"b/{name}", lineterm=""))


def write(file: str, before: Sequence[str], after: Sequence[str]) -> None:
    """With the ends of lines that the file has. BadInput for one that is not as it was read."""
    path = Path(file)
    with path.open(encoding="utf-8", errors="replace", newline="") as opened:
        text = opened.read()
    if text.replace("\r\n", "\n") != "\n".join(before) or "\ufffd" in text:
        raise BadInput(f"{file} is not as it was read, or no UTF-8: nothing of it was changed")
    end = "\r\n" if "\r\n" in text else "\n"
    write_atomically(path, end.join(after).encode(), public=True)


def _place(finding: Finding) -> At:
    """Where the value itself stands; of a count the service."""
    if finding.kind == "desired-count-drift":
        return finding.at
    return finding.origin[-1] if finding.origin else finding.at


def _safe(setup: Setup, finding: Finding) -> bool:
    """A port that a proxy names, or that is not let in once it is dynamic, is changed by hand:
    requests would fail from the next deploy on."""
    if finding.kind != "fixed-host-port":
        return True
    servers = (server for proxy in setup.proxies for server in proxy.servers)
    if any(port_of(server) == int(finding.old) for server in servers):
        return False
    return open_to_dynamic(setup, finding.service)


def _free(lines: Lines, finding: Finding) -> Lines:
    number = re.escape(finding.old)
    named = _swapped(lines, finding, rf"{_HOST}{number}\b", r"\g<1>0")
    if named != lines:
        return named
    return _swapped(
        lines,
        finding,
        rf"^(\s*-\s*[\"']?(?:[\d.]+:(?=\d+:))?){number}:(?=\d+)",
        lambda found: found[1],
    )


def _brief(lines: Lines, finding: Finding) -> Lines:
    return _swapped(lines, finding, rf"{_TTL}{finding.old}\b", rf"\g<1>{LONGEST}")


def _whole(lines: Lines, finding: Finding) -> Lines:
    return _swapped(lines, finding, rf"{_MINIMUM}{finding.old}\b", r"\g<1>100")


def _swapped(
    lines: Lines, finding: Finding, pattern: str, new: str | Callable[[re.Match[str]], str]
) -> Lines:
    """With the one match in the line replaced; as it was where there is none, or several."""
    index = _place(finding).line - 1
    if len(re.findall(pattern, lines[index])) != 1:
        return lines
    return (*lines[:index], re.sub(pattern, new, lines[index]), *lines[index + 1 :])


def _ignoring(lines: Lines, finding: Finding) -> Lines:
    """A Terraform service whose count is somebody else's from now on."""
    start = next((i for i in range(finding.at.line - 1, -1, -1) if _SERVICE.match(lines[i])), None)
    end = None if start is None else _closing(lines, start)
    if start is None or end is None:
        return lines
    body = lines[start:end]
    held = next((i for i, line in enumerate(body) if re.match(r"\s*lifecycle\s*\{", line)), None)
    if held is None:
        indent = re.match(r"\s*", lines[start])[0] + "  "  # type: ignore[index]
        block = ("", f"{indent}lifecycle {{", f"{indent}  {_IGNORES}", f"{indent}}}")
        return (*lines[:end], *block, *lines[end:])
    return _within(lines, start + held)


_IGNORES = "ignore_changes = [desired_count]"


def _within(lines: Lines, start: int) -> Lines:
    """In the lifecycle block that is there."""
    end = _closing(lines, start)
    if end is None or end == start:
        return lines
    for index in range(start + 1, end):
        found = re.match(r"(\s*ignore_changes\s*=\s*\[)(.*)", lines[index])
        if found:
            rest = found[2].lstrip()
            comma = "" if rest.startswith("]") else ", " if rest else ","
            return (*lines[:index], f"{found[1]}desired_count{comma}{rest}", *lines[index + 1 :])
        if "ignore_changes" in lines[index]:
            return lines
    indent = re.match(r"\s*", lines[start])[0] + "  "  # type: ignore[index]
    return (*lines[: start + 1], f"{indent}{_IGNORES}", *lines[start + 1 :])


def _closing(lines: Lines, start: int) -> int | None:
    """The line that closes the block; None where braces cannot be told apart."""
    depth = 0
    for index in range(start, len(lines)):
        text = re.sub(r'"(?:\\.|[^"\\])*"|(#|//).*$', "", lines[index])
        if "<<" in text:
            return None
        depth += text.count("{") - text.count("}")
        if depth <= 0:
            return index
    return None


_EDITS: dict[str, Edit] = {
    "fixed-host-port": _free,
    "dns-ttl": _brief,
    "deploy-downtime": _whole,
    "desired-count-drift": _ignoring,
}
