"""Which nginx this machine has, and whether it can run Lua."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fairlead.core.errors import Missing

INSTALL = "apt-get install -y nginx-light libnginx-mod-http-lua"

_PROGRAMS = (
    "nginx",
    "/usr/sbin/nginx",
    "/usr/local/sbin/nginx",
    "openresty",
    "/usr/local/openresty/nginx/sbin/nginx",
)
_MODULE_FILES = ("ndk_http_module.so", "ngx_http_lua_module.so")
_MODULE_FOLDERS = (Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"))
_LUA_FOLDERS = (Path("/usr/share/lua/5.1"), Path("/usr/local/share/lua/5.1"))


@dataclass(frozen=True, slots=True)
class Machine:
    """`modules` holds the loadable Lua modules; it is None where nginx has Lua built in."""

    nginx: Path
    version: str
    modules: Path | None


def find(
    programs: Iterable[str] = _PROGRAMS,
    module_folders: Iterable[Path] = _MODULE_FOLDERS,
    lua_folders: Iterable[Path] = _LUA_FOLDERS,
) -> Machine:
    """The first nginx that can run Lua. Missing, with the command that installs it, otherwise."""
    found = [Path(path) for path in map(shutil.which, programs) if path]
    if not found:
        raise Missing(f"nginx is not installed; run: {INSTALL}")
    described = [(path, _describe(path)) for path in dict.fromkeys(found)]
    for path, text in described:
        if "ngx_lua" in text or "lua-nginx-module" in text or "openresty/" in text:
            return Machine(path, _version(text), None)
    return _loadable(*described[0], module_folders, lua_folders)


def check_machine() -> list[str]:
    """What is missing on this machine, one sentence each; empty when nginx can be used."""
    try:
        find()
    except Missing as missing:
        return [str(missing)]
    return []


def _loadable(
    nginx: Path, text: str, module_folders: Iterable[Path], lua_folders: Iterable[Path]
) -> Machine:
    named = re.search(r"--modules-path=(\S+)", text)
    folders = ([Path(named[1])] if named else []) + list(module_folders)
    modules = next(filter(_has_modules, folders), None)
    if modules is None:
        raise Missing(f"{nginx} has no Lua module ({', '.join(_MODULE_FILES)}); run: {INSTALL}")
    if not any((folder / "resty" / "core.lua").is_file() for folder in lua_folders):
        raise Missing(f"lua-resty-core, which nginx's Lua module needs, is missing; run: {INSTALL}")
    return Machine(nginx, _version(text), modules)


def _describe(nginx: Path) -> str:
    try:
        shown = subprocess.run(
            [nginx, "-V"], capture_output=True, text=True, timeout=10, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{nginx} does not run ({error}); run: {INSTALL}") from error
    return shown.stderr + shown.stdout


def _version(text: str) -> str:
    named = re.search(r"version: \S+?/(\S+)", text)
    return named[1] if named else "unknown"


def _has_modules(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _MODULE_FILES)
