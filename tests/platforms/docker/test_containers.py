from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given

from fairlead.core.errors import BadInput
from fairlead.platforms.docker.containers import Binding, Container, exit_in_words, read_container
from fairlead.platforms.docker.fleet import Fleet
from fairlead.platforms.docker.kept import Kept
from fairlead.platforms.docker.labels import read_role
from fairlead.platforms.docker.place import find_place
from tests.platforms.docker.shapes import ABSURD, ID, INSPECT, broken, changed


def read(answer: Any = INSPECT) -> Container:
    found = read_container(answer)
    assert isinstance(found, Container), found
    return found


def test_an_answer_of_a_real_engine() -> None:
    found = read()
    assert (found.id, found.name, found.pid) == (ID, "shop-catalog-1", 1316)
    assert found.started == 1795523020.25
    assert found.bindings == (Binding(8080, "127.0.0.1", 32768), Binding(8080, "127.0.0.1", 32769))
    assert found.exposed == (8080, 9090)
    assert found.to_publish == (8080,)
    assert found.networks == {"bridge": "10.213.7.2", "none": ""}
    assert (found.health, found.health_output) == ("unhealthy", "no ?[31mluck")
    assert found.stop_signal == "QUIT"
    assert (found.running, found.exit) == (True, "")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"ExitCode": 0}, "exit 0"),
        ({"ExitCode": 3}, "exit 3"),
        ({"ExitCode": 137}, "signal 9"),
        ({"ExitCode": 137, "OOMKilled": True}, "signal 9 (out of memory)"),
        ({"ExitCode": 143}, "signal 15"),
        ({"ExitCode": 255}, "exit 255"),
        ({"ExitCode": "soon"}, "exit 0"),
    ],
)
def test_exits_in_words(state: dict[str, Any], words: str) -> None:
    assert exit_in_words(state) == words


def test_restarting_is_no_running() -> None:
    found = read(changed(("State", "Status"), "restarting"))
    assert not found.running
    assert found.exit == "exit 0"


def test_a_container_without_id_is_skipped_with_the_reason() -> None:
    assert read_container(changed(("Id",), None)) == "a container without a usable id (None)"


@pytest.mark.parametrize(
    ("where", "value", "lacking"),
    [
        (("State",), None, "state"),
        (("State", "Status"), "levitating", "state"),
        (("State", "StartedAt"), "0001-01-01T00:00:00Z", "start time"),
        (("NetworkSettings",), None, "network settings"),
        (("NetworkSettings", "Networks"), [], "network settings"),
        (("NetworkSettings", "Ports"), None, "network settings"),
    ],
)
def test_a_living_one_does_not_seem_dead_or_moved(
    where: tuple[str, ...], value: Any, lacking: str
) -> None:
    told = f"the description of container {ID[:12]} has no usable {lacking}"
    assert read_container(changed(where, value)) == told


@given(broken())
def test_a_broken_answer_is_read_or_skipped_and_harms_nobody(answer: Any) -> None:
    found = read_container(answer)
    if isinstance(found, str):
        assert found.isprintable()
        return
    told: list[str] = []
    fleet = Fleet("test", lambda _: None, lambda _, text: told.append(text))
    healthy = read(changed(("Id",), "a" * 64))
    fleet.put(healthy, 1)
    fleet.put(found, 2)
    assert fleet.find(f"catalog-{'a' * 12}") is not None
    assert fleet.services()
    assert all(text.isprintable() for text in told)
    for kept in (fleet.find(f"catalog-{found.id[:12]}"),):
        if kept:
            assert_sound(kept)


def assert_sound(kept: Kept) -> None:
    endpoint = kept.endpoint
    assert 0 <= endpoint.port < 65536
    if endpoint.address:
        ipaddress.IPv4Address(endpoint.address)
    assert 0 < endpoint.weight <= 100
    assert endpoint.exit.isprintable()
    assert kept.gate.isprintable()


@given(ABSURD)
def test_anything_at_all_is_no_container(answer: Any) -> None:
    assert isinstance(read_container(answer), str)


UNTOLD = "which of its ports takes requests is not told (it has 8080, 9090): name it"
ELSEWHERE = [{"HostIp": "10.0.0.7", "HostPort": "80"}]


@pytest.mark.parametrize(
    ("changes", "asked", "network", "place"),
    [
        ([], 8080, "", ("127.0.0.1", 32768)),
        ([], 0, "", ("127.0.0.1", 32768)),
        ([], 9090, "", ("10.213.7.2", 9090)),
        ([], 8080, "bridge", ("10.213.7.2", 8080)),
        ([], 8080, "none", "it has no address on network none yet"),
        ([(("NetworkSettings", "Ports"), {})], 8080, "", "port 8080 is not published yet"),
        ([(("HostConfig",), None)], 0, "", UNTOLD),
        ([(("NetworkSettings", "Networks"), {"host": {}})], 9090, "", ("127.0.0.1", 9090)),
        ([(("NetworkSettings", "Networks"), {})], 9090, "", "it is on no network yet"),
        (
            [(("NetworkSettings", "Ports", "8080/tcp"), ELSEWHERE)],
            8080,
            "",
            ("10.0.0.7", 80),
        ),
    ],
)  # fmt: skip
def test_where_it_is_reached(changes: list[Any], asked: int, network: str, place: object) -> None:
    answer = INSPECT
    for where, value in changes:
        answer = changed(where, value, answer)
    assert find_place(read(answer), asked, network) == place


OWN = {
    "fairlead.managed": "true",
    "fairlead.cluster": "test",
    "fairlead.service": "catalog",
    "fairlead.endpoint": "shop-catalog-1",
    "fairlead.revision": "abc123",
    "fairlead.port": "8080",
}


def labelled(**labels: str | None) -> Container:
    own = {f"fairlead.{k}": v for k, v in labels.items() if v is not None}
    return read(changed(("Config", "Labels"), own))


def test_our_own_are_told_by_their_labels_and_name() -> None:
    own = {**OWN, "fairlead.endpoint": "catalog-abcdef"}
    answer = changed(("Name",), "/catalog-abcdef", changed(("Config", "Labels"), own))
    role = read_role(read(answer), "test")
    assert role
    assert role.managed
    assert (role.service, role.endpoint, role.revision, role.asked) == (
        "catalog", "catalog-abcdef", "abc123", 8080,
    )  # fmt: skip
    assert read_role(read(answer), "other") is None


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (OWN, "do not name one of fairlead's containers"),
        ({**OWN, "fairlead.endpoint": "catalog-abcdef"}, "under another name"),
        ({**OWN, "fairlead.managed": "yes"}, "fairlead"),
        ({"fairlead.service": "catalog", "fairlead.weight": "101"}, "from 1 to 100"),
        ({"fairlead.service": "catalog", "fairlead.weight": "-1"}, "from 1 to 100"),
        ({"fairlead.host": "a.localhost"}, "fairlead.service is missing"),
    ],
)
def test_labels_that_cannot_be_followed(labels: dict[str, str], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        read_role(read(changed(("Config", "Labels"), labels)), "test")


def test_composes_name_stands_in_and_is_made_a_name() -> None:
    labels = {"com.docker.compose.service": "Text_Search", "fairlead.host": "a.localhost"}
    role = read_role(read(changed(("Config", "Labels"), labels)), "test")
    assert role
    assert role.service == "text-search"
    assert role.endpoint == f"text-search-{ID[:12]}"
