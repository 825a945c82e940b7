"""A service that listens within milliseconds, and that SIGTERM does not end.

    stubborn.py HOST PORT

It answers every request with HOST:PORT. As it goes on answering while it is asked to end, that it
is withdrawn cannot come from a check or a request that fails. A thread a connection: what it is
asked by is few.
"""

from __future__ import annotations

import signal
import socket
import sys
from _thread import start_new_thread


def serve(connection: socket.socket, answer: bytes) -> None:
    rest = b""
    with connection:
        while got := connection.recv(65536):
            *requests, rest = (rest + got).split(b"\r\n\r\n")
            connection.sendall(answer * len(requests))


def main(host: str, port: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    name = f"{host}:{port}".encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name)
    listener = socket.create_server((host, int(port)), backlog=128)
    while True:
        start_new_thread(serve, (listener.accept()[0], answer))


main(*sys.argv[1:])
