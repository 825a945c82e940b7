"""A real name server for tests: Knot, with one zone that takes updates signed with its key.

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
_SECRET = "c2VjcmV0IG9mIGEgdGVzdCwgMzIgYnl0ZXMgbG9uZyE="


class Knot:
    def __init__(self, directory: Path, address: str = "127.0.0.1") -> None:
        self.directory, self.address, self.port = directory, address, free_port()
        self.key_file = str(directory / "fairlead.key")
        Path(self.key_file).write_text(f"# hmac-sha256:fairlead:{_SECRET}\n")
        for inner in ("run", "db"):
            (directory / inner).mkdir()
        (directory / "zone").write_text(_ZONE_FILE)
        config = _CONFIG.format(at=directory, address=address, port=self.port, secret=_SECRET)
        (directory / "knot.conf").write_text(config)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers for the zone."""
        log = (self.directory / "output").open("ab")
        argv = ["knotd", "-c", str(self.directory / "knot.conf")]
        self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        log.close()
        limit = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > limit:
                told = (self.directory / "output").read_text()
                raise AssertionError(f"knotd does not come up: {told}")
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


@contextmanager
def knot(directory: Path, address: str = "127.0.0.1") -> Iterator[Knot]:
    """Skips at home where it is missing, fails in CI."""
    if not shutil.which("knotd"):
        missing("missing: knotd (apt-get install knot)")
    server = Knot(directory, address)
    server.start()
    try:
        yield server
    finally:
        server.stop()
