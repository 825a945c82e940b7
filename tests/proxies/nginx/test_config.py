"""The rendered configuration: pure text, and nothing in it that nginx could misread."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.errors import BadInput
from fairlead.core.model import Front
from fairlead.proxies.nginx.config import render

FRONT = Front(listen=("127.0.0.1:8080",))
PREFIX, MODULES, LUA = Path("/p"), Path("/m"), Path("/l")


def text(front: Front = FRONT, token: str = "t", user: str = "") -> str:
    return render(front, PREFIX, MODULES, LUA, token, user)


def test_it_says_what_it_was_given() -> None:
    front = Front(("0.0.0.0:80", "[::1]:8080"), workers=3, max_body=5, keepalive=1.5)
    shown = render(front, PREFIX, MODULES, LUA, "secret", "www-data")
    for line in (
        "daemon off;",
        "user www-data;",
        "worker_processes 3;",
        "pid /p/nginx.pid;",
        "error_log /p/error.log warn;",
        "load_module /m/ngx_http_lua_module.so;",
        'lua_package_path "/l/?.lua;;";',
        "listen 0.0.0.0:80;",
        "listen [::1]:8080;",
        "listen unix:/p/control.sock;",
        "client_max_body_size 5;",
        "keepalive_timeout 1500ms;",
        '"fairlead-trace/secret" $upstream_addr;',
        "access_log off;",
    ):
        assert line in shown


def test_what_is_not_asked_for_is_left_out() -> None:
    plain = render(FRONT, PREFIX, None, LUA, "", "")
    assert "load_module" not in plain
    assert "\nuser " not in plain
    assert "$upstream_addr" not in plain
    assert "worker_processes auto;" in plain
    assert "access_log /p/access.log" in render(
        replace(FRONT, access_log=True), PREFIX, None, LUA, "", ""
    )


@pytest.mark.parametrize(
    "listen",
    ["", "8080", "host:80", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:80;",
     "::1:80", "[127.0.0.1]:80", "[::1]", "127.0.0.1:80 ssl", "127.0.0.1:+80", "[fe80::1%lo]:80",
     "127.0.0.1:80\n", "127.0.0.1:8\uff10"],
)  # fmt: skip
def test_a_listener_that_is_none(listen: str) -> None:
    with pytest.raises(BadInput, match="address:port"):
        text(replace(FRONT, listen=(listen,)))


@pytest.mark.parametrize(
    "folder", ["relative", "/a b", "/a;b", "/a{b", '/a"b', "/a\nb", "/a/../b", "/$x"]
)
def test_a_folder_that_nginx_could_misread(folder: str) -> None:
    for prefix, modules, lua in ((folder, "/m", "/l"), ("/p", folder, "/l"), ("/p", "/m", folder)):
        with pytest.raises(BadInput):
            render(FRONT, Path(prefix), Path(modules), Path(lua), "t", "")


@pytest.mark.parametrize(
    "front",
    [
        replace(FRONT, listen=()),
        replace(FRONT, workers=-1),
        replace(FRONT, workers=1000),
        replace(FRONT, max_body=0),
        replace(FRONT, keepalive=0.0),
    ],
)
def test_numbers_out_of_bounds(front: Front) -> None:
    with pytest.raises(BadInput):
        text(front)


@given(st.text(min_size=1, max_size=20))
def test_no_token_or_user_breaks_out(word: str) -> None:
    try:
        shown = text(token=word, user=word)
    except BadInput:
        return
    assert word.isascii()
    assert not set(word) & set(" \t\r\n;{}\"'$\\#")
    assert f'"fairlead-trace/{word}" $upstream_addr;' in shown
