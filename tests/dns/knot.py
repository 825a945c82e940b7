"""Real name servers for tests: Knot and BIND, with a zone that takes updates signed with its key.

with knot(directory) as server:
    server.port, server.key_file      # for fairlead
    await server.resolve("shop.example.com", "A")
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.asyncquery
import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.update

from fairlead.dns.rfc2136 import tsig_key
from tests.ground import PATIENCE, end_process, free_port, missing

ZONE = "example.com"
_ZONE_FILE = """\
$ORIGIN example.com.
$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 5
@ IN NS ns
ns IN A 192.0.2.53
"""
_CONFIG = """\
server:
    rundir: "{at}/run"
    listen: {address}@{port}
    pidfile: "{at}/pid"
log:
  - target: "{at}/log"
    any: info
database:
    storage: "{at}/db"
key:
  - id: fairlead
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: update
    key: fairlead
    action: update
zone:
  - domain: example.com
    storage: "{at}"
    file: zone
    acl: update
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
"""
_BIND = """\
options {{
    directory "{at}/run";
    pid-file "{at}/pid";
    session-keyfile "{at}/session.key";
    managed-keys-directory "{at}/db";
    listen-on port {port} {{ {address}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
}};
controls {{}};
key fairlead {{ algorithm hmac-sha256; secret "{secret}"; }};
zone "example.com" {{
    type primary;
    file "{at}/zone";
    allow-update {{ key fairlead; }};
}};
"""
_SECRET = "c2VjcmV0IG9mIGEgdGVzdCwgMzIgYnl0ZXMgbG9uZyE="


class Knot:
    program: tuple[str, ...] = ("knotd",)
    package = "knot"
    config = _CONFIG

    def __init__(self, directory: Path, address: str = "127.0.0.1") -> None:
        self.directory, self.address, self.port = directory, address, free_port()
        self.key_file = str(directory / "fairlead.key")
        Path(self.key_file).write_text(f"# hmac-sha256:fairlead:{_SECRET}\n")
        for inner in ("run", "db"):
            (directory / inner).mkdir()
        (directory / "zone").write_text(_ZONE_FILE)
        config = self.config.format(at=directory, address=address, port=self.port, secret=_SECRET)
        (directory / "conf").write_text(config)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers for the zone."""
        log = (self.directory / "output").open("ab")
        argv = [*self.program, "-c", str(self.directory / "conf")]
        self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        log.close()
        limit = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > limit:
                told = (self.directory / "output").read_text()
                raise AssertionError(f"{self.program[0]} does not come up: {told}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process:
            end_process(self._process)
        self._process = None

    async def resolve(self, name: str, kind: str) -> set[str]:
        answer = await dns.asyncquery.udp(
            dns.message.make_query(name, kind), self.address, PATIENCE, self.port
        )
        return {str(item).strip('"') for rrset in answer.answer for item in rrset}

    def put(self, name: str, kind: str, *values: str, ttl: int = 300) -> None:
        """As somebody else with the key: what is there is replaced."""
        update = dns.update.UpdateMessage(ZONE, keyring=tsig_key(self.key_file))
        update.delete(f"{name}.", kind)
        if values:
            update.add(f"{name}.", ttl, kind, *values)
        answer = dns.query.tcp(update, self.address, PATIENCE, self.port)
        assert answer.rcode() == dns.rcode.NOERROR

    def _answers(self) -> bool:
        query = dns.message.make_query(ZONE, "SOA")
        try:
            return bool(dns.query.tcp(query, self.address, 1, self.port).answer)
        except (OSError, EOFError):
            return False


class Bind(Knot):
    """In the foreground, with its words on stderr, and without a control channel."""

    program = ("named", "-g")
    package = "bind9"
    config = _BIND


@contextmanager
def knot(directory: Path, address: str = "127.0.0.1", kind: type[Knot] = Knot) -> Iterator[Knot]:
    """Skips at home where it is missing, fails in CI."""
    if not shutil.which(kind.program[0]):
        missing(f"missing: {kind.program[0]} (apt-get install {kind.package})")
    server = kind(directory, address)
    server.start()
    try:
        yield server
    finally:
        server.stop()
