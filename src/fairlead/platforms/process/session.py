"""The processes of one endpoint: a session, its leader watched through a pidfd.

A pidfd (pidfd_open(2)) becomes readable when its process ends, whoever its parent is, so that own
and adopted leaders are watched alike, and no SIGCHLD handler is needed. An own leader is left a
zombie until its session is empty: so long the kernel gives its number to nobody else.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from fairlead import procfs

UNKNOWN = "ended (adopted, status unknown)"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1


class Session:
    """Calls `ended` once, with how the leader ended, when the endpoint is over.

    A leader that ends unasked takes the rest of its session with it at once (SIGKILL). After `stop`
    the others have until the timeout, and the endpoint is over when none of them lives.
    """

    def __init__(self, leader: int, ended: Callable[[str], None]) -> None:
        """OSError when the leader cannot be watched."""
        self._loop = asyncio.get_running_loop()
        self._leader, self._ended = leader, ended
        self._pidfd = os.pidfd_open(leader)
        self._loop.add_reader(self._pidfd, self._leader_ended)
        self._kill_timer: asyncio.TimerHandle | None = None
        self._settle_timer: asyncio.TimerHandle | None = None
        self._killing = False

    def stop(self, timeout: float) -> None:
        """SIGTERM now, SIGKILL after `timeout` seconds; asked again, the earlier time holds."""
        when = self._loop.time() + timeout
        if self._kill_timer is None:
            self._signal(signal.SIGTERM)
        elif self._kill_timer.when() <= when:
            return
        else:
            self._kill_timer.cancel()
        self._kill_timer = self._loop.call_at(when, self._kill)

    def let_go(self) -> None:
        """Watch no more; the processes go on."""
        self._loop.remove_reader(self._pidfd)
        for timer in (self._kill_timer, self._settle_timer):
            if timer:
                timer.cancel()
        os.close(self._pidfd)

    def _signal(self, number: signal.Signals) -> None:
        """To the leader's process group as one, then to the session's members outside of it."""
        members = self._members()
        if not self._recycled():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._leader, number)
        for pid in members:
            with suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) != self._leader:
                    os.kill(pid, number)

    def _members(self) -> list[int]:
        return [] if self._recycled() else procfs.session_members(self._leader)

    def _recycled(self) -> bool:
        """Whether the leader's number is another's by now; its session is empty then.

        That takes an adopted leader, reaped by its parent, and a fairlead that slept meanwhile.
        """
        try:
            signal.pidfd_send_signal(self._pidfd, 0)
        except ProcessLookupError:
            return procfs.stat(self._leader) is not None
        except PermissionError:
            pass
        return False

    def _kill(self) -> None:
        self._killing = True
        self._signal(signal.SIGKILL)

    def _leader_ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        if self._kill_timer is None:
            self._kill()
            self._finish()
        else:
            self._settle(_FIRST_PAUSE)

    def _settle(self, pause: float) -> None:
        if not self._members():
            self._finish()
            return
        if self._killing:  # again: one of them may have forked meanwhile
            self._kill()
        later = min(2 * pause, _LONGEST_PAUSE)
        self._settle_timer = self._loop.call_later(pause, self._settle, later)

    def _finish(self) -> None:
        how = _reap(self._pidfd)
        self.let_go()
        self._ended(how)


def _reap(pidfd: int) -> str:
    try:
        result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    except ChildProcessError:  # adopted: its status went to its parent
        return UNKNOWN
    if result is None:
        return UNKNOWN
    kind = "exit" if result.si_code == os.CLD_EXITED else "signal"
    return f"{kind} {result.si_status}"
