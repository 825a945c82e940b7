"""Images that are missing, pulled from a registry of this machine's own."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fairlead.core.errors import PlatformError
from fairlead.platforms.docker import images
from fairlead.platforms.docker.images import pull_error, split_tag
from tests.docker_engine import SERVE, busybox_files, tar
from tests.ground import until
from tests.platforms.docker.ground import Harbour, answers

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """Serves one image, as the distribution API (v2) says; it can be held up for a while."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.blobs: dict[str, bytes] = {}
        layer = tar(busybox_files())
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["sh", "-c", SERVE], "ExposedPorts": {"8080/tcp": {}}},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
        self.manifest = json.dumps({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob("container.image.v1+json", json.dumps(config).encode()),
            "layers": [self._blob("image.rootfs.diff.tar.gzip", gzip.compress(layer))],
        }).encode()  # fmt: skip

    def _blob(self, kind: str, content: bytes) -> dict[str, object]:
        self.blobs[_digest(content)] = content
        return {
            "mediaType": f"application/vnd.docker.{kind}",
            "size": len(content),
            "digest": _digest(content),
        }

    def find(self, path: str) -> bytes | None:
        if path == "/v2/":
            return b"{}"
        if "/manifests/" in path:
            return self.manifest if path.endswith(("/1", _digest(self.manifest))) else None
        return self.blobs.get(path.rpartition("/")[2])


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def registry() -> Iterator[tuple[Registry, str]]:
    served = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.open.wait(60)
            content = served.find(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", MANIFEST if "/manifests/" in self.path else "a/b")
            self.send_header("Content-Length", str(len(content or b"")))
            self.send_header("Docker-Content-Digest", _digest(content or b""))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content or b"")

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield served, f"127.0.0.1:{server.server_address[1]}"
        finally:
            served.open.set()
            server.shutdown()
            thread.join()


async def test_a_missing_image_is_pulled(harbour: Harbour, registry: tuple[Registry, str]) -> None:
    served, place = registry
    served.open.set()
    endpoint = await harbour.platform().start(harbour.service(image=f"{place}/shop:1", port=0))
    await until(lambda: answers(endpoint), "an answer")


async def test_a_long_pull_holds_nobody_up_and_its_end_is_notified(
    harbour: Harbour, registry: tuple[Registry, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "PATIENCE", 0.05)
    served, place = registry
    platform, service = harbour.platform(), harbour.service(image=f"{place}/slow:1")
    for _ in range(2):
        with pytest.raises(PlatformError, match="slow:1' is being pulled"):
            await platform.start(service)
    assert "catalog" not in [name for _, name in harbour.notified]
    served.open.set()
    await until(lambda: "catalog" in [name for _, name in harbour.notified], "a notice")
    await platform.start(service)


async def test_what_the_registry_does_not_have_is_told(
    harbour: Harbour, registry: tuple[Registry, str]
) -> None:
    served, place = registry
    served.open.set()
    with pytest.raises(PlatformError, match=r"cannot pull it \(.*\): run `docker pull .*shop:2`"):
        await harbour.platform().start(harbour.service(image=f"{place}/shop:2"))


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", ("nginx", "latest")),
        ("nginx:1.27", ("nginx", "1.27")),
        ("host:5000/a/b", ("host:5000/a/b", "latest")),
        ("host:5000/a/b:2", ("host:5000/a/b", "2")),
        ("nginx@sha256:abc", ("nginx@sha256:abc", "")),
    ],
)
def test_tags_of_images(image: str, parts: tuple[str, str]) -> None:
    assert split_tag(image) == parts


def test_a_pull_tells_its_failure_in_a_line_of_progress() -> None:
    assert pull_error(b'{"status": "Pulling"}\r\n{"error": "no route"}\r\n') == "no route"
    assert pull_error(b'{"status": "Pulling"}\r\n}{\r\n[]\r\n') == ""
