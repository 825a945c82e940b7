"""Dynamic updates (RFC 2136) of any name server that takes them, signed with TSIG (RFC 8945).

dnspython knows the protocol. One message a name, which the server makes whole or not at all; its
prerequisites (§2.4) say what must be there, so that nothing changed meanwhile is overwritten (all
but a TTL, which a prerequisite cannot hold). Everything goes over TCP: no size is too large, and no
lost answer leaves open whether an update was made.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.update

from fairlead.core.dns import Change, Problem, Record, owner_name
from fairlead.core.errors import DnsError
from fairlead.ports import Fence

_TIMEOUT = 10.0
_KINDS = ("A", "AAAA", "CNAME")
_BIND = re.compile(
    r'key\s+"?(?P<name>[^\s"{]+)"?\s*\{'
    r'(?=[^}]*\balgorithm\s+"?(?P<algorithm>[\w-]+)"?)(?=[^}]*\bsecret\s+"(?P<secret>[^"]+)")'
)
_COLONS = re.compile(
    r"^[#\s]*(?P<algorithm>hmac-[\w-]+):(?P<name>[^\s:]+):(?P<secret>[\w+/=]+)\s*$", re.MULTILINE
)
_STALE = {dns.rcode.NXRRSET, dns.rcode.YXRRSET, dns.rcode.YXDOMAIN, dns.rcode.NXDOMAIN}
_BUSY = {dns.rcode.SERVFAIL}
_WHAT_TO_DO = {
    dns.rcode.REFUSED: ": allow the key to update the zone",
    dns.rcode.NOTAUTH: ": allow the key to update the zone, and check that it is the server's",
    dns.rcode.NOTZONE: ": the name is in no zone of this server",
    dns.rcode.NOTIMP: ": this server takes no updates",
}


@dataclass(frozen=True, slots=True)
class Server:
    """`address` is an IP address. `key_file` holds a TSIG key, or is empty for unsigned updates."""

    address: str
    port: int = 53
    key_file: str = ""


class Rfc2136Provider:
    """Implements ports.DnsProvider."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._zones: dict[str, dns.name.Name] = {}

    async def read(self, names: Collection[str]) -> tuple[Record, ...]:
        wanted = [(name, kind) for name in names for kind in _KINDS]
        wanted += [(owner_name(name), "TXT") for name in names]
        return tuple([r for name, kind in wanted if (r := await self._record(name, kind))])

    async def apply(self, changes: Collection[Change], fence: Fence) -> tuple[Problem, ...]:
        problems = []
        for host in dict.fromkeys(change.host for change in changes):
            await fence()
            update = await self._update(host, [c for c in changes if c.host == host])
            code = (await self._ask(update)).rcode()
            if code in _BUSY:
                raise DnsError(f"{self._told()} failed to update {host}: {_text(code)}")
            if code != dns.rcode.NOERROR:
                problems.append(Problem(host, self._why(host, code)))
        return tuple(problems)

    async def close(self) -> None:
        """Each message has a connection of its own."""

    async def _record(self, name: str, kind: str) -> Record | None:
        answer = await self._query(name, kind)
        rrset = answer.get_rrset(
            dns.message.ANSWER, dns.name.from_text(name), dns.rdataclass.IN, _type(kind)
        )
        if rrset is None:
            return None
        values = tuple(sorted(map(_value, rrset)))
        return Record(name, kind, values, rrset.ttl)

    async def _query(self, name: str, kind: str) -> dns.message.Message:
        query = dns.message.make_query(name, kind)
        query.flags &= ~dns.flags.RD  # it is asked for what it knows itself
        answer = await self._ask(query)
        if answer.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
            raise DnsError(f"{name} {kind} cannot be read: {self._why(name, answer.rcode())}")
        if not answer.flags & dns.flags.AA:
            raise DnsError(f"{self._told()} is not the name server of {name}: see dns.rfc2136")
        return answer

    async def _update(self, host: str, changes: Iterable[Change]) -> dns.update.UpdateMessage:
        update = dns.update.UpdateMessage(await self._zone(host))
        for change in changes:
            record = change.record
            name, kind = dns.name.from_text(record.name), record.kind
            if change.before is None:
                update.absent(name, kind)
            else:
                update.present(name, kind, *_texts(change.before))
                update.delete(name, kind)
            if change.after is not None:
                update.add(name, change.after.ttl, kind, *_texts(change.after))
        return update

    async def _zone(self, name: str) -> dns.name.Name:
        """The owner of the SOA that answers for the name: in the answer, or among what is not."""
        if name not in self._zones:
            answer = await self._query(name, "SOA")
            sections = (*answer.answer, *answer.authority)
            soas = [rrset.name for rrset in sections if rrset.rdtype == dns.rdatatype.SOA]
            if not soas:
                raise DnsError(f"{self._told()} does not say which zone {name} is in")
            self._zones[name] = soas[0]
        return self._zones[name]

    async def _ask(self, message: dns.message.Message) -> dns.message.Message:
        server = self._server
        if key := tsig_key(server.key_file):
            message.use_tsig(key)
        try:
            return await dns.asyncquery.tcp(message, server.address, _TIMEOUT, server.port)
        except dns.tsig.PeerError as error:
            raise DnsError(f"{self._told()} does not accept the key: {_brief(error)}") from error
        except (dns.exception.Timeout, OSError, EOFError) as error:
            raise DnsError(f"{self._told()} does not answer: {_brief(error)}") from error
        except dns.exception.DNSException as error:
            todo = "it must be the zone's primary, and know the key"
            raise DnsError(f"{self._told()}: {_brief(error)}: {todo}") from error

    def _why(self, host: str, code: dns.rcode.Rcode) -> str:
        if code in _STALE:
            return f"{host} has changed since it was read"
        return f"{self._told()} says {_text(code)}{_WHAT_TO_DO.get(code, '')}"

    def _told(self) -> str:
        return f"the name server {self._server.address} port {self._server.port}"


def tsig_key(file: str) -> dns.tsig.Key | None:
    """The key in a file as BIND's `tsig-keygen` or Knot's `keymgr -t` write it. DnsError."""
    if not file:
        return None
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DnsError(f"the key file {file} cannot be read: {error}") from error
    found = _BIND.search(text) or _COLONS.search(text)
    if found is None:
        raise DnsError(f"{file} holds no TSIG key: write one with tsig-keygen or keymgr -t")
    try:
        secret = base64.b64decode(found["secret"], validate=True)
        key = dns.tsig.Key(found["name"], secret, found["algorithm"])
    except (ValueError, dns.exception.DNSException) as error:
        raise DnsError(f"the TSIG key in {file} is of no use: {_brief(error)}") from error
    if key.algorithm not in dns.tsig.mac_sizes:
        raise DnsError(f"the TSIG key in {file} is of no use: no algorithm {found['algorithm']}")
    return key


def _texts(record: Record) -> Iterator[str]:
    """Texts in quotes; an owner's holds none itself."""
    for value in record.values:
        yield f'"{value}"' if record.kind == "TXT" else value


def _value(rdata: object) -> str:
    strings = getattr(rdata, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("utf-8", "replace")
    return str(rdata).removesuffix(".")


def _type(kind: str) -> dns.rdatatype.RdataType:
    return dns.rdatatype.from_text(kind)


def _text(code: dns.rcode.Rcode) -> str:
    return dns.rcode.to_text(code)


def _brief(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
