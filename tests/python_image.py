"""The files of an image that holds one Python program: this machine's own Python, and no more of it
than the program loads. Nothing is downloaded, and whatever distribution Python comes from will do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

PYTHON: str = os.path.realpath(sys._base_executable)  # type: ignore[attr-defined]
_PROBE = """
import ast, asyncio, importlib, json, signal, sys

for node in ast.walk(ast.parse(open(sys.argv[1]).read())):
    if isinstance(node, ast.Import):
        names = [each.name for each in node.names]
    else:
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
    for name in names:
        importlib.import_module(name)

async def met(reader, writer):
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()

async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)
    server = await asyncio.start_server(met, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"x\\n")
    await reader.read()
    writer.close()
    server.close()

asyncio.run(main())
print(json.dumps([m.__file__ for m in sys.modules.values() if getattr(m, "__file__", None)]))
"""
"""Loads what the program imports, and does what a server on asyncio does, so that what is loaded
late is loaded too."""


def python_files(program: Path) -> dict[str, bytes | str]:
    """By path in the image: the interpreter, what it loads, and the program as `app.py`."""
    sources = _loaded(program)
    binaries = [PYTHON, *(path for path in sources if path.endswith(".so"))]
    paths = {*sources, PYTHON, *_libraries(binaries)}
    found: dict[str, bytes | str] = {path.lstrip("/"): Path(path).read_bytes() for path in paths}
    return {**found, "app.py": program.read_bytes(), "tmp/.keep": b""}


def python_changes(port: int) -> tuple[str, ...]:
    """The lines of a Dockerfile that run it: it is told to listen at this port everywhere."""
    command = json.dumps([PYTHON, "-S", "-B", "/app.py", str(port)])
    places = ":".join(sorted({str(Path(path).parent) for path in _libraries([PYTHON])}))
    return (
        f"ENV PYTHONHOME={sys.base_prefix}",
        f"ENV LD_LIBRARY_PATH={places}",
        "ENV HOST=0.0.0.0",
        f"EXPOSE {port}",
        f"CMD {command}",
    )


def _loaded(program: Path) -> list[str]:
    probe = [PYTHON, "-I", "-S", "-W", "ignore", "-c", _PROBE, str(program)]
    done = subprocess.run(probe, capture_output=True, check=True)
    return list(json.loads(done.stdout))


def _libraries(binaries: Iterable[str]) -> set[str]:
    """What the dynamic linker would load for these, and the linker itself, as ldd(1) tells."""
    done = subprocess.run(["ldd", *binaries], capture_output=True, check=True, text=True)
    words = (word for line in done.stdout.splitlines() for word in line.split())
    return {word for word in words if word.startswith("/") and not word.endswith(":")}
