"""The directory that an nginx lives in, `<state>/nginx`: its configuration, table and record."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import shutil
from pathlib import Path

import msgspec

from fairlead.core.errors import ProxyError
from fairlead.files import write_atomically
from fairlead.proxies.nginx.machine import Machine
from fairlead.proxies.nginx.master import Identity

LUA = Path(__file__).parent / "lua"
LONGEST_SOCKET_PATH = 107
"""Bytes, from unix(7): sun_path holds 108 with the closing zero."""

_TEST_TIMEOUT = 10.0


class Record(msgspec.Struct, frozen=True):
    """What the next fairlead must know. `config` is the digest of what nginx was told last."""

    pid: int
    ticks: int
    listen: tuple[str, ...] = ()
    config: str = ""
    reloads: int = 0

    @property
    def identity(self) -> Identity:
        return Identity(self.pid, self.ticks)


class Prefix:
    """ProxyError where the disk refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.conf = path / "nginx.conf"
        self.socket = path / "control.sock"
        self.ear = path / "wake.sock"
        self.table = path / "table"
        self.error_log = path / "error.log"
        self._record = path / "master.json"
        self._token = path / "trace-token"

    def prepare(self) -> None:
        """ProxyError when the path is too long for a socket or cannot be written."""
        if len(bytes(self.socket)) > LONGEST_SOCKET_PATH:
            raise ProxyError(
                f"{self.socket} is too long for a unix socket ({LONGEST_SOCKET_PATH} bytes at "
                "most): set FAIRLEAD_STATE to a shorter directory"
            )
        try:
            for folder in (self.path, self.table, self.path / "temp"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
        except OSError as error:
            raise ProxyError(f"nginx cannot live in {self.path}: {error}") from error

    def trace_token(self) -> str:
        """A secret of this prefix: nginx tells who sends it which endpoint answered."""
        if not self._token.exists():
            _write(self._token, secrets.token_hex(16).encode())
        return self._token.read_text(encoding="ascii").strip()

    def read_record(self) -> Record | None:
        try:
            return msgspec.json.decode(self._record.read_bytes(), type=Record)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def write_record(self, record: Record) -> None:
        _write(self._record, msgspec.json.encode(record))

    async def install(self, machine: Machine, text: str) -> None:
        """Let nginx test a configuration, then put it in place. ProxyError when it does not pass,
        and the one in place stays."""
        candidate = self.conf.with_suffix(".candidate")
        _write(candidate, text.encode())
        try:
            await self._test(machine, candidate)
            candidate.replace(self.conf)
        finally:
            candidate.unlink(missing_ok=True)

    def argv(self, machine: Machine, conf: Path) -> list[str]:
        return [str(machine.nginx), "-p", str(self.path), "-c", str(conf)]

    def last_errors(self, lines: int = 3) -> str:
        """The end of nginx's error log in one line."""
        try:
            with self.error_log.open("rb") as log:
                log.seek(max(0, self.error_log.stat().st_size - 4096))
                text = log.read().decode(errors="replace")
        except OSError:
            return ""
        return " | ".join(text.splitlines()[-lines:])

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    async def _test(self, machine: Machine, conf: Path) -> None:
        process = await asyncio.create_subprocess_exec(
            *self.argv(machine, conf),
            "-t",
            "-q",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_TEST_TIMEOUT):
                _, told = await process.communicate()
        except BaseException as error:
            process.kill()
            await process.wait()
            if isinstance(error, TimeoutError):
                raise ProxyError(f"nginx -t did not end in {_TEST_TIMEOUT:g} s") from error
            raise
        if process.returncode:
            raise ProxyError(f"nginx refuses its configuration: {told.decode(errors='replace')}")


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise ProxyError(f"cannot write {path}: {error.strerror or error}") from error


def config_digest(text: str) -> str:
    """Of a configuration and the Lua files beside it: nginx reads both only when told to."""
    digest = hashlib.sha256(text.encode())
    for file in sorted(LUA.rglob("*.lua")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
