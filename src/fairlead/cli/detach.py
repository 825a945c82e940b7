"""Starts a daemon of its own session and waits until it serves, or says why it does not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import click

from fairlead.cli.client import Client
from fairlead.cli.place import Place
from fairlead.cli.status import show
from fairlead.cli.text import printable
from fairlead.cli.wait import lacking_ready, until
from fairlead.core.errors import BadInput, Busy, DaemonError, FairleadError
from fairlead.settings import load

DAEMON = (sys.executable, "-m", "fairlead.daemon")
START_TIMEOUT = 30.0
TAIL_BYTES = 2000
PAUSE = 0.02
AFTERWARDS = "the daemon goes on with the rest; to end it: fairlead down"


def start_and_wait(place: Place, timeout: float) -> int:
    """Exit status 0 when every service has its endpoints ready within `timeout` seconds."""
    load(place.file)  # a mistake in it leaves no trace
    _refuse_second(place)
    start(place)
    client = Client(place)
    end = until(
        lambda: client.status()["services"],
        lambda services: "; ".join(lacking_ready(services)),
        timeout,
    )
    show(client.status())
    if end.word:
        raise DaemonError(f"{end.told} ({AFTERWARDS})")
    return 0


def start(place: Place) -> None:
    """Returns when the daemon's API answers. The daemon's own error and status when it ended."""
    log = _open_log(place.state)
    begin = log.stat().st_size
    process = _spawn(place, log)
    client, end = Client(place, timeout=5.0), time.monotonic() + START_TIMEOUT
    while time.monotonic() < end:
        if (status := process.poll()) is not None:
            raise _ended(log, begin, status)
        try:
            if client.pid() == process.pid and client.status():
                return  # and not a daemon that was started at the same time
        except DaemonError:
            pass
        time.sleep(PAUSE)
    raise DaemonError(f"the daemon does not answer after {START_TIMEOUT:g} s; its words: {log}")


def _refuse_second(place: Place) -> None:
    try:
        pid = Client(place).pid()
    except DaemonError:
        return
    raise Busy(f"a daemon is already running for {place.state} (pid {pid}); see: fairlead status")


def _open_log(state: Path) -> Path:
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = state / "daemon.log"
        log.touch(mode=0o600)
        with log.open("a") as head:  # a disk that is full shows here, not in silence
            head.write(time.strftime("-- started %Y-%m-%d %H:%M:%S\n"))
    except OSError as error:
        hint = "free it, or name another directory with FAIRLEAD_STATE"
        message = f"cannot use {state} for state: {error.strerror}; {hint}"
        raise FairleadError(message) from error
    return log


def _spawn(place: Place, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [*DAEMON, str(place.file), str(place.state)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )


def _ended(log: Path, begin: int, status: int) -> FairleadError:
    """What the daemon said last as the reason; what it said before goes to stderr."""
    with log.open("rb") as reader:
        reader.seek(max(begin, log.stat().st_size - TAIL_BYTES))
        text = reader.read().decode(errors="replace").strip()
    before, _, last = f"\n{text}".partition("\nfairlead: ")
    if not last:
        before, _, last = f"\n{text}".rpartition("\n")
    for line in before.splitlines():
        if line:
            click.echo(printable(line), err=True)
    reason = last.replace("\nfairlead: ", "\n") or f"no word in {log}"
    message = reason if status in (1, 2) else f"the daemon ended with {status}: {reason}"
    return BadInput(message) if status == 2 else DaemonError(message)
