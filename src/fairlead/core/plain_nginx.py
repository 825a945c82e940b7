"""What an nginx without Lua can do with a service's traffic, and what it cannot."""

from __future__ import annotations

from fairlead.core.model import Balance, Locality, Traffic

INSTEAD = "proxy kind nginx, which runs nginx with Lua, can"


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


def _unnamable(key: str) -> bool:
    return key.startswith("cookie:") and "-" in key
