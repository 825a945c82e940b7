"""Every error that fairlead raises on purpose.

    FairleadError
    ├── BadInput            exit status 2: what the user gave cannot be used; nothing was changed
    │   ├── SettingsError   a settings file: carries file and line
    │   ├── UnknownName     no such service or endpoint
    │   └── Refusal         rehearsal/faults.py: the local ECS refuses a request
    ├── Busy                another daemon holds the state directory, a port is taken
    ├── Missing             a program or module that must be installed first
    ├── PlatformError       endpoints could not be read, started or stopped
    ├── ProxyError          the proxy could not be reached, or refused a table
    ├── LeaseError          another controller leads, or the lease could not be read or written
    ├── DnsError            DNS records could not be read or changed
    ├── MeterError          a metric has no value that is of use; says why
    ├── WireError           an HTTP exchange failed; adapters make their own error of it
    ├── DaemonError         the CLI could not reach the daemon, or it answered with an error
    └── WrongAnswer         rehearsal/faults.py: an answer of the local ECS is wrong

A module may have kinds of its own below these, for what it tells apart itself.

A message says what happened, to what, and what to do.
"""


class FairleadError(Exception):
    """Base of the tree; exit status 1."""

    exit_status = 1


class BadInput(FairleadError):
    """What the user gave cannot be used; nothing was changed."""

    exit_status = 2


class SettingsError(BadInput):
    """A settings file is wrong. `file` and `line` (1-based, 0 when unknown) name the place."""

    def __init__(self, message: str, file: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.message, self.file, self.line = message, file, line

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return place + self.message


class UnknownName(BadInput):
    """A service or endpoint of that name does not exist."""


class Busy(FairleadError):
    """Something that must be exclusive is held by another."""


class Missing(FairleadError):
    """A program or module must be installed first; the message holds the command."""


class PlatformError(FairleadError):
    """Endpoints could not be read, started or stopped."""


class ProxyError(FairleadError):
    """The proxy could not be reached, or refused a table."""


class LeaseError(FairleadError):
    """Another controller leads, or the lease's record could not be read or written."""


class DnsError(FairleadError):
    """DNS records could not be read or changed. `retry_after`: seconds to wait, if it was told."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class MeterError(FairleadError):
    """A metric has no value that is of use now: the message says why."""


class WireError(FairleadError):
    """An HTTP exchange got no whole answer; adapters make their own error of it."""


class DaemonError(FairleadError):
    """The daemon could not be reached, or answered with an error."""
