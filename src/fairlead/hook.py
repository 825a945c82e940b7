"""The drain sidecar of an ECS task: the program behind `fairlead hook`.

ECS honours `dependsOn` in reverse when it stops a task: a container that depends on the app is
stopped first, and the app gets its SIGTERM only after that container has exited. This one waits for
SIGTERM, asks fairlead to send nothing more to its task, and exits when nothing is in flight there.

It runs beside every copy, so it imports nothing that costs memory, and it never fails its task:
whatever goes wrong, it says so and exits with 0 when the time is up.
"""

import os
import signal
import socket
import sys
import time

PORT = 7171
TIMEOUT = 25.0
"""Seconds; below ECS's default stopTimeout of 30, after which it kills the container."""
LOOK = 5.0
"""Seconds that the metadata endpoint has to say which task this is."""
PAUSE = 0.05
MOST = 65536


def say(text: str) -> None:
    sys.stderr.write(f"fairlead hook: {text}\n")
    sys.stderr.flush()


def gateway() -> str:
    """The address of the default route: of the host, for a container in bridge mode."""
    try:
        with open("/proc/net/route", encoding="ascii") as routes:  # noqa: PTH123
            rows = [line.split() for line in routes]
    except OSError:
        return "127.0.0.1"
    found = [row[2] for row in rows[1:] if len(row) > 2 and row[1] == "00000000"]
    if not found:
        return "127.0.0.1"
    return ".".join(str(byte) for byte in bytes.fromhex(found[0])[::-1])


def place(url: str) -> tuple[str, int, str]:
    """Host, port and path of an http URL. ValueError."""
    scheme, slashes, rest = url.partition("://")
    authority, _, path = rest.partition("/")
    host, _, port = authority.partition(":")
    if scheme != "http" or not slashes or not host:
        raise ValueError(f"{url!r} is no http:// URL")
    return host, int(port or 80), "/" + path


def exchange(method: str, url: str, token: str = "", timeout: float = 2.0) -> str:
    """The body of a 200 answer. OSError or ValueError for anything else, and when the whole answer
    is not there in time (seconds)."""
    host, port, path = place(url)
    until = time.monotonic() + timeout
    secret = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"{method} {path} HTTP/1.0\r\nHost: {host}\r\n{secret}Content-Length: 0\r\n\r\n"
    with socket.create_connection((host, port), timeout) as connection:
        connection.sendall(head.encode())
        answer = b""
        while len(answer) < MOST and (part := connection.recv(MOST)):
            answer += part
            connection.settimeout(left(until))
    head, _, body = answer.decode("utf-8", "replace").partition("\r\n\r\n")
    status = head.partition("\r\n")[0]
    if " 200" not in status[:13]:
        raise ValueError(f"{url} answered {status[:80]!r}")
    return body


def left(until: float) -> float:
    """Seconds until then (monotonic). TimeoutError when there are none."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def patience(until: float) -> float:
    """Seconds for one exchange: the last one, too, has time for an answer."""
    return max(0.2, min(2.0, until - time.monotonic()))


def text_of(document: str, key: str) -> str:
    """A text value of a flat part of a JSON document, without the module that reads JSON."""
    rest = document.partition(f'"{key}"')[2].lstrip().removeprefix(":").lstrip()
    if not rest.startswith('"'):
        raise ValueError(f"no {key} in {document[:80]!r}")
    return rest[1:].partition('"')[0]


def task_of(metadata: str, until: float) -> str:
    """The task's id, from the metadata endpoint that ECS gives every container.

    OSError or ValueError when it does not say until then (monotonic), or within some seconds.
    """
    until = min(until, time.monotonic() + LOOK)
    while True:
        try:
            answer = exchange("GET", f"{metadata}/task", timeout=patience(until))
            return text_of(answer, "TaskARN").rpartition("/")[2]
        except (OSError, ValueError):
            if time.monotonic() + PAUSE >= until:
                raise
            time.sleep(PAUSE)


def is_done(answer: str) -> bool:
    return '"done":true' in answer.replace(" ", "")


def drain(url: str, token: str, task: str, until: float) -> str:
    """Asks until nothing is in flight or the time (monotonic) is up; says in words how it ended."""
    problem = "nothing was asked"
    while time.monotonic() < until:
        try:
            asked = f"{url}/v1/tasks/{task}/leave"
            if is_done(exchange("POST", asked, token, patience(until))):
                return "nothing is in flight"
            problem = "requests are in flight still"
        except (OSError, ValueError) as error:
            problem = str(error)
        time.sleep(PAUSE)
    return f"the time is up: {problem}"


def timeout() -> float:
    """Seconds from SIGTERM to the end; what is no number counts as none given."""
    given = os.environ.get("FAIRLEAD_HOOK_TIMEOUT", "")
    try:
        return float(given or TIMEOUT)
    except ValueError:
        say(f"FAIRLEAD_HOOK_TIMEOUT {given!r} is no number of seconds: it is {TIMEOUT:g}")
        return TIMEOUT


def main() -> None:
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    url = os.environ.get("FAIRLEAD_HOOK_URL") or f"http://{gateway()}:{PORT}"
    token = os.environ.get("FAIRLEAD_HOOK_TOKEN", "")
    seconds = timeout()
    say(f"waits for SIGTERM, then asks {url}")
    signal.sigwait(stops)
    until = time.monotonic() + seconds
    try:
        metadata = os.environ.get("ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4")
        task = os.environ.get("FAIRLEAD_TASK") or task_of(metadata, until)
        say(f"{task}: {drain(url, token, task, until)}")
    except (OSError, ValueError) as error:
        say(f"cannot tell which task this is: {error}")


if __name__ == "__main__":
    main()
