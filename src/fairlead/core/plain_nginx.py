"""What an nginx without Lua can do for a service, and what it cannot."""

from __future__ import annotations

from fairlead.core.model import Balance, Locality, Traffic
from fairlead.core.scaling.policy import Scale, Source
from fairlead.core.scaling.schedules import may_sleep

INSTEAD = "proxy kind nginx, which runs nginx with Lua, can"
_COUNTED = f"not with a plain nginx, which counts no requests: give targets such as cpu; {INSTEAD}"
_OF_PROXY = {Source.REQUESTS, Source.IN_FLIGHT, Source.LATENCY, Source.ERRORS}


def lacking(traffic: Traffic) -> str:
    """What of it an nginx without Lua has not, in words; empty when it has everything.

    Its commercial edition has least_time, sticky and slow_start, the open one has not
    (ngx_http_upstream_module's documentation).
    """
    if traffic.balance is Balance.LEAST_TIME:
        return f"balance {traffic.balance} needs more than a plain nginx: {INSTEAD}"
    if traffic.locality is not Locality.ANY:
        return f"locality {traffic.locality} needs more than a plain nginx: {INSTEAD}"
    for name in ("sticky", "slow_start"):
        if getattr(traffic, name):
            return f"{name} needs more than a plain nginx: {INSTEAD}"
    if traffic.balance is Balance.HASH and _unnamable(traffic.hash_key):
        return f"hash key {traffic.hash_key}: nginx has no variable for a cookie's name with a -"
    return ""


def unseen(scale: Scale | None) -> str:
    """What of it needs requests held or counted, in words; empty when nothing does."""
    if scale is None:
        return ""
    if may_sleep(scale):
        return f"scale.min 0 needs more than a plain nginx, which holds no requests: {INSTEAD}"
    if scale.objective:
        return f"scale by an objective, {_COUNTED}"
    counted = (each.name for each in scale.targets if each.metric.source in _OF_PROXY)
    return next((f"scale by {name}, {_COUNTED}" for name in counted), "")


def _unnamable(key: str) -> bool:
    return key.startswith("cookie:") and "-" in key
