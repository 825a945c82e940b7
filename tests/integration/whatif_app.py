"""Says over HTTP in which container of the local ECS it runs: whatif_app.py HOST PORT."""

import os
import socket
import sys

NAME = os.environ["ECS_CONTAINER_METADATA_URI_V4"].rpartition("/")[2].encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(NAME), NAME)

with socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=64) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            asked = b""
            while b"\r\n\r\n" not in asked and (more := connection.recv(4096)):
                asked += more
            if asked:
                connection.sendall(ANSWER)
