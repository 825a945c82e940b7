"""The settings of a plain nginx: what it has and what it cannot do is said by the file's line."""

from __future__ import annotations

import pytest

from fairlead.core.errors import SettingsError
from fairlead.core.model import Plain
from fairlead.settings import parse

SERVICE = 'services:\n  a:\n    endpoints: ["10.0.0.5:80"]\n'


def test_all_of_it() -> None:
    cluster = parse(
        "proxy:\n  kind: plain\n  upstreams: /srv/x.conf\n  binary: [sudo, nginx]\n"
        "  reload: [systemctl, reload, nginx]\n  confirm: 127.0.0.2:99\n  servers: false\n"
        f"  debounce: 2s\n  max_body: 1m\n{SERVICE}"
    )
    assert cluster.proxy == "plain"
    assert cluster.front.max_body == 1 << 20
    assert cluster.plain == Plain(
        "/srv/x.conf",
        ("sudo", "nginx"),
        ("systemctl", "reload", "nginx"),
        "127.0.0.2:99",
        servers=False,
        debounce=2.0,
    )


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ("kind: lua", "expected nginx or plain"),
        ("upstreams: /x.conf", "upstreams is of use only with kind: plain"),
        ("debounce: 1s", "debounce is of use only with kind: plain"),
        ("kind: plain, workers: 2", "workers is the plain nginx's own"),
        ("kind: plain, access_log: true", "access_log is the plain nginx's own"),
        ("kind: plain, upstreams: x.conf", "an absolute path"),
        ('kind: plain, upstreams: "/x\\u0007"', "an absolute path"),
        ("kind: plain, upstreams: /x/", "an absolute path"),
        ('kind: plain, confirm: "0.0.0.0:80"', "a loopback address"),
        ('kind: plain, confirm: "127.0.0.1:80; x"', "a loopback address"),
        ("kind: plain, binary: nginx", "a list"),
    ],
)
def test_what_is_refused(proxy: str, told: str) -> None:
    with pytest.raises(SettingsError, match=r"^x:1: ") as caught:
        parse(f"proxy: {{{proxy}}}\n{SERVICE}", "x")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "traffic",
    [
        "sticky: true",
        "slow_start: 5s",
        "locality: prefer-node",
        "balance: least-time",
        "balance: {kind: hash, key: cookie:a-b}",
    ],
)
def test_what_only_lua_can_do_is_refused_with_the_services_line(traffic: str) -> None:
    with pytest.raises(SettingsError, match=r"^x:3: services.a: .*nginx") as caught:
        parse(f"proxy: {{kind: plain}}\n{SERVICE}    {traffic}\n", "x")
    assert caught.value.line == 3
    assert parse(f"{SERVICE}    {traffic}\n").services


def test_what_cannot_hold_requests_lets_no_service_sleep() -> None:
    service = "services:\n  a:\n    run: [x]\n    scale: {min: 0}\n"
    with pytest.raises(
        SettingsError, match=r"^x:3: services.a: scale.min 0 .*plain nginx"
    ) as caught:
        parse(f"proxy: {{kind: plain}}\n{service}", "x")
    assert caught.value.line == 3
    assert parse(service).services
