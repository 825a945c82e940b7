from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.core.errors import Missing
from fairlead.proxies.nginx import machine
from fairlead.proxies.nginx.machine import INSTALL, check_machine, find

DEBIAN = "nginx version: nginx/1.22.1\nconfigure arguments: --modules-path={modules}"
OPENRESTY = "nginx version: openresty/1.27.1.1\nwith --add-module=../ngx_lua-0.10.27"


def program(folder: Path, text: str) -> str:
    path = folder / "nginx"
    path.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{text}\nEND\n")
    path.chmod(0o755)
    return str(path)


def modules(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    return folder


def lua(folder: Path) -> Path:
    (folder / "resty").mkdir(parents=True)
    (folder / "resty" / "core.lua").touch()
    return folder


BOTH = ("ndk_http_module.so", "ngx_http_lua_module.so")


def test_debian_keeps_the_modules_where_nginx_says(tmp_path: Path) -> None:
    folder = modules(tmp_path / "m", *BOTH)
    nginx = program(tmp_path, DEBIAN.format(modules=folder))
    found = find([nginx], [], [lua(tmp_path / "lua")])
    assert (str(found.nginx), found.version, found.modules) == (nginx, "1.22.1", folder)


def test_openresty_has_lua_built_in(tmp_path: Path) -> None:
    found = find([program(tmp_path, OPENRESTY)], [], [])
    assert (found.version, found.modules) == ("1.27.1.1", None)


def test_no_nginx(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=f"nginx is not installed; run: {INSTALL}"):
        find([str(tmp_path / "nginx")], [], [])


def test_an_nginx_that_does_not_run(tmp_path: Path) -> None:
    nginx = tmp_path / "nginx"
    nginx.write_text("#!/nonexistent/interpreter\n")
    nginx.chmod(0o755)
    with pytest.raises(Missing, match="does not run"):
        find([str(nginx)], [], [])


@pytest.mark.parametrize("names", [(), BOTH[:1], BOTH[1:]])
def test_no_lua_module(tmp_path: Path, names: tuple[str, ...]) -> None:
    folder = modules(tmp_path / "m", *names)
    with pytest.raises(Missing, match=f"no Lua module .*; run: {INSTALL}"):
        find([program(tmp_path, DEBIAN.format(modules=folder))], [], [lua(tmp_path / "lua")])


def test_no_lua_library(tmp_path: Path) -> None:
    folder = modules(tmp_path / "m", *BOTH)
    with pytest.raises(Missing, match=f"lua-resty-core.*; run: {INSTALL}"):
        find([program(tmp_path, DEBIAN.format(modules=folder))], [], [tmp_path / "lua"])


def test_findings_are_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise Missing("nginx is not installed")

    monkeypatch.setattr(machine, "find", missing)
    assert check_machine() == ["nginx is not installed"]
    monkeypatch.setattr(machine, "find", lambda: None)
    assert check_machine() == []
