from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from fairlead.platforms.process import outputs as module
from fairlead.platforms.process.outputs import GONE_ENDPOINTS, Outputs
from tests.ground import until

SIZE = 1000


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    return Outputs(tmp_path / "logs", SIZE)


def write(outputs: Outputs, text: bytes, endpoint_id: str = "catalog-a") -> Path:
    descriptor = outputs.open("catalog", endpoint_id)
    os.write(descriptor, text)
    os.close(descriptor)
    return outputs.path("catalog", endpoint_id)


def test_files_are_for_the_owner_only_and_appended_to(outputs: Outputs) -> None:
    write(outputs, b"one\n")
    path = write(outputs, b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_holder_goes_on_at_the_beginning_of_a_rotated_file(outputs: Outputs) -> None:
    held = outputs.open("catalog", "catalog-a")
    path = outputs.path("catalog", "catalog-a")
    for number in range(6):
        os.write(held, b"%d" % number * SIZE)
        assert list(outputs.oversized([path])) == [path]
        outputs.rotate(path)
        assert list(outputs.oversized([path])) == []
    os.write(held, b"last")
    os.close(held)
    kept = {file.name: file.read_bytes()[:4] for file in path.parent.iterdir()}
    old = {"catalog-a.log.1": b"5555", "catalog-a.log.2": b"4444", "catalog-a.log.3": b"3333"}
    assert kept == {"catalog-a.log": b"last", **old}


def test_of_a_file_that_grew_far_beyond_the_size_the_end_is_kept(outputs: Outputs) -> None:
    path = write(outputs, b"a" * 5 * SIZE + b"z" * SIZE)
    outputs.rotate(path)
    assert (path.parent / "catalog-a.log.1").read_bytes() == b"z" * SIZE


def test_a_disk_that_takes_no_copy_still_gets_its_space_back(
    outputs: Outputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = write(outputs, b"a" * SIZE)
    monkeypatch.setattr(module, "_copy_end", full)
    outputs.rotate(path)
    assert path.stat().st_size == 0


async def test_living_files_are_kept_small(
    outputs: Outputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_EVERY", 0.01)
    big, small = write(outputs, b"a" * SIZE), write(outputs, b"b" * 10, "catalog-b")
    gone = outputs.path("catalog", "catalog-gone")
    task = asyncio.create_task(outputs.keep_small(lambda: [gone, big, small]))
    await until(lambda: big.stat().st_size == 0)
    task.cancel()
    await asyncio.wait([task])
    assert small.stat().st_size == 10


def test_of_gone_endpoints_the_newest_keep_their_last_file(outputs: Outputs) -> None:
    for number in range(GONE_ENDPOINTS + 3):
        path = write(outputs, b"a" * SIZE, f"catalog-{number}")
        outputs.rotate(path)
        os.utime(path, (number, number))
    outputs.prune("catalog", {"catalog-0"})
    left = sorted(path.name for path in (outputs.directory / "catalog").iterdir())
    newest = [f"catalog-{number}.log" for number in range(3, GONE_ENDPOINTS + 3)]
    assert left == ["catalog-0.log", "catalog-0.log.1", *newest]
    assert [path.name for path in outputs.files("catalog")] == ["catalog-0.log", *newest]


def test_a_service_without_files_has_none(outputs: Outputs) -> None:
    assert outputs.files("nothing") == []
    outputs.prune("nothing", ())


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("logs/catalog/catalog-abc.log", "catalog-abc"),
        ("logs/catalog/catalog-abc.log (deleted)", "catalog-abc"),
        ("logs/catalog/catalog-abc.log.1", ""),
        ("logs/catalog/other-abc.log", ""),
        ("logs/catalog-abc.log", ""),
        ("other/catalog/catalog-abc.log", ""),
        ("logs/catalog/deeper/catalog-abc.log", ""),
    ],
)
def test_files_name_their_endpoint(outputs: Outputs, path: str, owner: str) -> None:
    assert outputs.owner(outputs.directory.parent / path) == owner
