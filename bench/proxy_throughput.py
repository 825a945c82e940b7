"""Throughput and p99 through fairlead's nginx against a static upstream written by hand.

python -m bench.proxy_throughput [--quick] [--json FILE]

One nginx holds both: fairlead's rendered configuration and, beside it, servers with a fixed
`upstream` of the same size, the same keep-alive and the same headers to the endpoints. HAProxy
and Caddy come along where they are installed. All contenders take turns in every round; a number
is the median over the rounds, a ratio the median of the rounds' own ratios, so that a machine
whose speed changes meanwhile moves both sides. Load is wrk's, with 32 keep-alive connections, which
the kernel gives to one of nginx's workers or shares out among them as it likes: that alone moves a
round by several percent, hence the many rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import fairlead.proxies.nginx as package
from bench.row import Row, show
from fairlead.core.model import Front
from fairlead.proxies.nginx import machine
from fairlead.proxies.nginx.config import render

FEW, MANY = 3, 10_000
CONNECTIONS, SECONDS = 32, 1
ROUNDS, QUICK_ROUNDS = 41, 7
EVERY = 4  # rounds between those in which all take part; in the others only those compared
LEAST_THROUGHPUT, MOST_P99, FLAT = 0.97, 1.05, 0.95
COMPARED = ("static 3", "fairlead 3", "fairlead 9,999 on 3 sockets")
BODY = "x" * 100
LUA = Path(package.__file__).parent / "lua"


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    port: int
    host: str = "localhost"


@dataclass(frozen=True, slots=True)
class Run:
    """`rate` in requests a second, `p99` in milliseconds, `cpu` of nginx in microseconds each."""

    rate: float
    p99: float
    cpu: float


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _address(number: int) -> str:
    return f"127.1.{number // 250}.{number % 250 + 1}"


def _endpoints_config(folder: Path, port: int) -> str:
    return f"""
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log crit;
worker_rlimit_nofile 16384;
events {{ worker_connections 16000; }}
http {{
  access_log off; keepalive_requests 1000000; default_type text/plain;
  server {{ listen 0.0.0.0:{port} backlog=4096; location / {{ return 200 "{BODY}"; }} }}
}}
"""


def _static(name: str, listen: int, servers: list[str]) -> str:
    lines = "\n".join(f"    server {server};" for server in servers)
    return f"""
  upstream {name} {{
{lines}
    keepalive 256;
    keepalive_requests 1000000;
  }}
  server {{
    listen 127.0.0.1:{listen};
    location / {{
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header Connection $static_connection;
      proxy_set_header Upgrade $http_upgrade;
      proxy_pass http://{name};
    }}
  }}
"""


def _doc(service: str, servers: list[str], first_slot: int) -> bytes:
    entries = []
    for slot, server in enumerate(servers, first_slot):
        address, port = server.split(":")
        place = {"id": f"{service}-{slot}", "address": address, "port": int(port), "slot": slot}
        entries.append({**place, "state": "up", "weight": 1, "ready_at": 0.0})
    traffic = {"balance": "p2c", "hash_key": "ip", "sticky": "", "slow_start": 0.0, "hold": 10.0}
    limits = {"retries": 2, "connect_timeout": 1.0, "timeout": 60.0, "stream": False}
    routes = [{"host": f"{service}.localhost", "path": "/", "strip": False}]
    table = {"service": service, "routes": routes, "entries": entries}
    return json.dumps({**table, "traffic": traffic | limits}).encode()


@contextmanager
def _running(*command: str | Path) -> Iterator[int]:
    """A process's pid, from its start to its end."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([str(part) for part in command], stdout=quiet, stderr=quiet)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


def _endpoints(stack: ExitStack, folder: Path, nginx: Path) -> int:
    port = _free_port()
    folder.mkdir()
    (folder / "nginx.conf").write_text(_endpoints_config(folder, port))
    stack.enter_context(_running(nginx, "-p", folder, "-c", folder / "nginx.conf"))
    _wait_for(port)
    return port


def _fronts(
    stack: ExitStack, folder: Path, found: machine.Machine, port: int
) -> tuple[int, list[Contender]]:
    """The nginx that holds fairlead and the static servers: its pid, and who is in it."""
    for part in (folder, folder / "table", folder / "temp"):
        part.mkdir()
    listen, few_port, many_port = _free_port(), _free_port(), _free_port()
    few = [f"{_address(n)}:{port}" for n in range(FEW)]
    many = [f"{_address(n)}:{port}" for n in range(MANY)]
    for name, servers, slot in (("few", few, 0), ("many", many, 100), ("flat", few * 3333, 12000)):
        (folder / "table" / f"{name}.json").write_bytes(_doc(name, servers, slot))
    front = Front(listen=(f"127.0.0.1:{listen}",))
    user = "root" if os.geteuid() == 0 else ""
    text = render(front, folder, found.modules, LUA, "", user).rstrip().removesuffix("}")
    text += '  map $http_upgrade $static_connection { "" ""; default upgrade; }\n'
    text += _static("few", few_port, few) + _static("many", many_port, many) + "}\n"
    (folder / "nginx.conf").write_text(text)
    pid = stack.enter_context(_running(found.nginx, "-p", folder, "-c", folder / "nginx.conf"))
    _wait_for(listen)
    return pid, [
        Contender("static 3", few_port),
        Contender("fairlead 3", listen, "few.localhost"),
        Contender("static 10,000", many_port),
        Contender("fairlead 10,000", listen, "many.localhost"),
        Contender("fairlead 9,999 on 3 sockets", listen, "flat.localhost"),
    ]


def _haproxy(stack: ExitStack, folder: Path, port: int) -> list[Contender]:
    if not shutil.which("haproxy"):
        return []
    folder.mkdir()
    listen = _free_port()
    servers = "\n".join(f"  server s{n} {_address(n)}:{port}" for n in range(FEW))
    (folder / "haproxy.cfg").write_text(
        "global\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 1s\n"
        "  timeout client 60s\n  timeout server 60s\n  option forwardfor\n  http-reuse always\n"
        f"frontend front\n  bind 127.0.0.1:{listen}\n  default_backend all\n"
        f"backend all\n  balance leastconn\n{servers}\n"
    )
    stack.enter_context(_running("haproxy", "-f", folder / "haproxy.cfg"))
    _wait_for(listen)
    return [Contender("HAProxy 3", listen)]


def _caddy(stack: ExitStack, folder: Path, port: int) -> list[Contender]:
    if not shutil.which("caddy"):
        return []
    folder.mkdir()
    listen = _free_port()
    servers = " ".join(f"{_address(n)}:{port}" for n in range(FEW))
    (folder / "Caddyfile").write_text(
        f"{{\n  admin off\n  auto_https off\n}}\nhttp://:{listen} {{\n  bind 127.0.0.1\n"
        f"  reverse_proxy {servers} {{\n    lb_policy least_conn\n  }}\n}}\n"
    )
    stack.enter_context(
        _running("caddy", "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile")
    )
    _wait_for(listen)
    return [Contender("Caddy 3", listen)]


def _cpu(master: int) -> float:
    """Seconds of CPU that nginx's workers have used."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in children) / 1e9


_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def _load(contender: Contender, master: int) -> Run:
    before = _cpu(master)
    wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency"]
    host = ["-H", f"Host: {contender.host}", f"http://127.0.0.1:{contender.port}/"]
    shown = subprocess.run([*wrk, *host], capture_output=True, text=True, check=True).stdout
    spent = _cpu(master) - before
    count, rate = re.search(r"(\d+) requests in", shown), re.search(r"Requests/sec:\s+(\S+)", shown)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", shown)
    if "Non-2xx" in shown or "Socket errors" in shown or not (count and rate and p99):
        raise RuntimeError(f"{contender.name} did not answer every request:\n{shown}")
    return Run(float(rate[1]), float(p99[1]) * _UNITS[p99[2]], spent / int(count[1]) * 1e6)


def _rounds(contenders: list[Contender], master: int, rounds: int) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for contender in contenders:
        _load(contender, master)  # warms up
    for turn in range(rounds):
        taking = [c for c in contenders if turn % EVERY == 0 or c.name in COMPARED]
        for contender in taking if turn % 2 == 0 else reversed(taking):
            runs[contender.name].append(_load(contender, master))
    return runs


def _ratio(one: list[Run], other: list[Run], of: Callable[[Run], float]) -> float:
    return statistics.median(of(a) / of(b) for a, b in zip(one, other, strict=True))


def _rows(runs: dict[str, list[Run]]) -> list[Row]:
    rows = []
    for size in ("3", "10,000"):
        ours, static = runs[f"fairlead {size}"], runs[f"static {size}"]
        rate, p99 = _ratio(ours, static, lambda r: r.rate), _ratio(ours, static, lambda r: r.p99)
        name = f"against a static upstream of {size}"
        rows += [
            Row.at_least(f"throughput {name}", LEAST_THROUGHPUT, rate, ""),
            Row.at_most(f"p99 {name}", MOST_P99, p99, ""),
        ]
    flat = _ratio(runs["fairlead 9,999 on 3 sockets"], runs["fairlead 3"], lambda r: r.rate)
    rows.append(Row.at_least("throughput at 9,999 endpoints against 3", FLAT, flat, ""))
    for name, each in runs.items():
        rows.append(Row.compare(f"{name}: requests/s", statistics.median(r.rate for r in each), ""))
        rows.append(Row.compare(f"{name}: p99", statistics.median(r.p99 for r in each), "ms"))
    for name in ("static 3", "fairlead 3"):
        cpu = statistics.median(run.cpu for run in runs[name])
        rows.append(Row.compare(f"{name}: CPU of nginx a request", cpu, "us"))
    return rows


def measure(quick: bool = False) -> list[Row]:
    """Everything that is compared; needs nginx with Lua, and wrk."""
    found = machine.find()
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        port = _endpoints(stack, folder / "endpoints", found.nginx)
        master, contenders = _fronts(stack, folder / "front", found, port)
        contenders += _haproxy(stack, folder / "haproxy", port)
        contenders += _caddy(stack, folder / "caddy", port)
        return _rows(_rounds(contenders, master, QUICK_ROUNDS if quick else ROUNDS))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows = measure(given.quick)
    show(rows)
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
