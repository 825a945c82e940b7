"""Functions on texts and numbers, all of whose arguments are known."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

MOST_TEXT = 1_000_000
_VERB = re.compile(r"%([-+ 0#]*\d*(?:\.\d+)?)([sdvqftbxXeg%])")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError("it is no text")


def _number(value: object) -> float | int:
    if isinstance(value, bool) or value is None:
        raise TypeError("it is no number")
    found = float(value) if isinstance(value, str) else value
    if not isinstance(found, int | float):
        raise TypeError("it is no number")
    return int(found) if float(found).is_integer() else found


def _truth(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    return {"true": True, "false": False}[_text(value)]


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("it is no list")
    return value


def formatted(form: str, *values: object) -> str:
    """As Terraform's `format`: %s %d %v %q %f %t %b %x and widths."""
    rest = iter(values)

    def one(match: re.Match[str]) -> str:
        flags, verb = match.groups()
        if verb == "%":
            return "%"
        value = next(rest, None)
        if any(int(digits) > 1000 for digits in re.findall(r"\d+", flags)):
            raise ValueError("its width is too large")
        return _verb(flags, verb, value)

    return _VERB.sub(one, form)


def _verb(flags: str, verb: str, value: object) -> str:
    if verb in "sv":
        return f"%{flags}s" % _text(value)
    if verb == "q":
        return '"' + _text(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    if verb == "t":
        return _text(_truth(value))
    if verb == "b":
        return format(int(_number(value)), "b")
    return f"%{flags}{verb}" % (int(_number(value)) if verb in "dxX" else _number(value))


def _formatlist(form: str, *values: object) -> list[str]:
    size = max((len(value) for value in values if isinstance(value, list)), default=1)
    rows = [[v[n] if isinstance(v, list) else v for v in values] for n in range(size)]
    return [formatted(form, *row) for row in rows]


def _replace(text: object, old: str, new: str) -> str:
    subject = _text(text)
    if len(old) > 1 and old.startswith("/") and old.endswith("/"):
        made = re.sub(r"\$\{?(\w+)\}?", r"\\g<\1>", new)
        replaced = _pattern(old[1:-1]).sub(made, subject)
    else:
        replaced = subject.replace(old, new) if old else subject
    return _bounded(replaced)


def _bounded(text: str) -> str:
    if len(text) > MOST_TEXT:
        raise ValueError("the text is too long")
    return text


def _pattern(text: str) -> re.Pattern[str]:
    """A pattern of RE2 as one of Python; one that could run for long is refused."""
    if len(text) > 200 or re.search(r"[+*}]\)?[+*{]|\)[+*{]", text):
        raise ValueError("its pattern is not evaluated")
    return re.compile(text)


def _regex(pattern: str, text: str) -> object:
    match = _pattern(pattern).search(text)
    if not match:
        raise ValueError("nothing matches")
    return match.groupdict() or (list(match.groups()) if match.groups() else match.group())


def _regexall(pattern: str, text: str) -> list[object]:
    found = _pattern(pattern).findall(text)
    return [list(item) if isinstance(item, tuple) else item for item in found]


def _substr(text: object, offset: int, length: int) -> str:
    whole = _text(text)
    start = offset if offset >= 0 else max(len(whole) + offset, 0)
    return whole[start:] if length < 0 else whole[start : start + length]


def _indent(spaces: int, text: str) -> str:
    if spaces > 100:
        raise ValueError("its indentation is too large")
    return _bounded(text.replace("\n", "\n" + " " * spaces))


def _title(text: object) -> str:
    return re.sub(r"(^|\s)(\S)", lambda m: m.group(1) + m.group(2).upper(), _text(text))


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *numbers: choose([_number(item) for item in numbers])


def _cidrsubnet(block: str, bits: int, position: int) -> str:
    network = ipaddress.ip_network(block, strict=False)
    length = network.prefixlen + int(bits)
    if not network.prefixlen <= length <= network.max_prefixlen or position >= 1 << int(bits):
        raise ValueError("there is no such subnet")
    size = 1 << (network.max_prefixlen - length)
    return f"{network.network_address + int(position) * size}/{length}"


def _cidrsubnets(block: str, *bits: int) -> list[str]:
    network = ipaddress.ip_network(block, strict=False)
    start, found = int(network.network_address), []
    for more in bits:
        size = 1 << (network.max_prefixlen - network.prefixlen - int(more))
        start = -(-start // size) * size
        found.append(f"{ipaddress.ip_address(start)}/{network.prefixlen + int(more)}")
        start += size
    return found


def _cidrhost(block: str, position: int) -> str:
    network = ipaddress.ip_network(block, strict=False)
    return str(network[int(position)])


def _split(separator: str, text: object) -> list[str]:
    whole = _text(text)
    if not separator:
        return list(whole)
    return whole.split(separator) if whole else [""]


SCALARS: dict[str, Callable[..., object]] = {
    "split": _split,
    "formatlist": _formatlist,
    "replace": _replace,
    "regex": _regex,
    "regexall": _regexall,
    "substr": _substr,
    "lower": lambda text: _text(text).lower(),
    "upper": lambda text: _text(text).upper(),
    "title": _title,
    "trim": lambda text, cut: _text(text).strip(cut),
    "trimprefix": lambda text, cut: _text(text).removeprefix(cut),
    "trimsuffix": lambda text, cut: _text(text).removesuffix(cut),
    "chomp": lambda text: _text(text).rstrip("\r\n"),
    "indent": _indent,
    "startswith": lambda text, start: _text(text).startswith(start),
    "endswith": lambda text, end: _text(text).endswith(end),
    "strcontains": lambda text, part: part in _text(text),
    "strrev": lambda text: _text(text)[::-1],
    "tostring": lambda value: None if value is None else _text(value),
    "tonumber": lambda value: None if value is None else _number(value),
    "tobool": _truth,
    "max": _extreme(max),
    "min": _extreme(min),
    "sum": lambda numbers: sum(_number(item) for item in _list(numbers)),
    "abs": lambda value: abs(_number(value)),
    "ceil": lambda value: math.ceil(_number(value)),
    "floor": lambda value: math.floor(_number(value)),
    "signum": lambda value: (_number(value) > 0) - (_number(value) < 0),
    "parseint": lambda text, base: int(_text(text)[:100], int(base)),
    "sort": lambda values: sorted(_text(item) for item in _list(values)),
    "alltrue": lambda values: all(_truth(item) for item in _list(values)),
    "anytrue": lambda values: any(_truth(item) for item in _list(values)),
    "basename": lambda path: PurePosixPath(_text(path)).name,
    "dirname": lambda path: str(PurePosixPath(_text(path)).parent),
    "cidrsubnet": _cidrsubnet,
    "cidrsubnets": _cidrsubnets,
    "cidrhost": _cidrhost,
    "cidrnetmask": lambda block: str(ipaddress.ip_network(block, strict=False).netmask),
}
