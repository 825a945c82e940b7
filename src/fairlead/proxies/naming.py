"""The names of services, as proxies take them into paths and configurations."""

from __future__ import annotations

import re

from fairlead.core.errors import ProxyError

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def checked_name(service: str) -> str:
    """The name itself, as it becomes part of a path. ProxyError when it is none of a service."""
    if not is_name(service):
        raise ProxyError(f"refused {service!r}: no service has such a name")
    return service
