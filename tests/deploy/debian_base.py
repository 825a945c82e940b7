"""What a Dockerfile's FROM names, where no hub can be reached: Debian from its own packages.

    debian_base(engine, "bookworm", "debian:bookworm-slim")

debootstrap makes the tree from the mirror that this machine's apt uses; what Debian's slim images
leave out is left out here. Where pip on this machine trusts authorities of its own (PIP_CERT,
SSL_CERT_FILE), so does pip in the image: through the base alone, no Dockerfile has to know.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.docker_engine import PrivateEngine, need_docker
from tests.ground import missing

MIRROR = "http://deb.debian.org/debian"
LEFT_OUT = (
    "./usr/share/doc/*", "./usr/share/man/*", "./usr/share/locale/*", "./usr/share/info/*",
    "./var/cache/apt/*", "./var/lib/apt/lists/*", "./var/log/*", "./proc/*", "./sys/*", "./dev/*",
)  # fmt: skip
THRIFT = """\
APT::Keep-Downloaded-Packages "false";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
"""In Debian's images apt keeps nothing that it downloaded either."""
AUTHORITIES = "etc/authorities-of-the-builder.pem"


def need_debootstrap() -> None:
    """As for the engine: a test skips without it at home, and fails in CI."""
    need_docker()
    if shutil.which("debootstrap", path=_path()):
        return
    missing("missing: debootstrap (apt-get install debootstrap)")


def debian_base(engine: PrivateEngine, release: str, name: str) -> None:
    with _tree(release) as tree:
        changes = ['CMD ["bash"]']
        (tree / "etc/apt/apt.conf.d/docker-clean").write_text(THRIFT)
        if source := os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE"):
            shutil.copy(source, tree / AUTHORITIES)
            changes.append(f"ENV PIP_CERT=/{AUTHORITIES}")
        _import(engine, tree, name, changes)


@contextmanager
def _tree(release: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fl-debian-") as directory:
        tree = Path(directory) / "tree"
        command = ["debootstrap", "--variant=minbase", release, tree, _mirror(release)]
        done = subprocess.run(
            command, env={**os.environ, "PATH": _path()}, capture_output=True, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()[-2000:]
        yield tree


def _mirror(release: str) -> str:
    """Where this machine's apt has the release from."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", f"Release: {release}"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return found[0] if found else MIRROR


def _import(engine: PrivateEngine, tree: Path, name: str, changes: list[str]) -> None:
    options = [f"--exclude={pattern}" for pattern in LEFT_OUT]
    words = [word for change in changes for word in ("--change", change)]
    pack = ["tar", "-C", tree, *options, "-c", "."]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
        done = subprocess.run(
            ["docker", "import", *words, "-", name],
            stdin=packing.stdout, env=engine.environment(), capture_output=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert packing.returncode == 0


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
