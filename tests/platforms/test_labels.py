from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.errors import BadInput
from fairlead.core.model import CheckKind, HealthCheck, Route
from fairlead.platforms.labels import KNOWN, Labelled, read_labels


def test_labels_of_others_make_no_service() -> None:
    assert read_labels({"com.docker.compose.service": "catalog"}) is None


def test_all_labels_together() -> None:
    labels = {
        "fairlead.service": "catalog",
        "fairlead.host": "catalog.example.com, Shop.example.com",
        "fairlead.path": "/api/catalog/",
        "fairlead.strip": "true",
        "fairlead.port": "8080",
        "fairlead.health": "/actuator/health?full=1",
        "other": "; rm -rf /",
    }
    hosts = ("catalog.example.com", "shop.example.com")
    assert read_labels(labels) == Labelled(
        "catalog",
        tuple(Route(host, "/api/catalog", True) for host in hosts),
        8080,
        HealthCheck(kind=CheckKind.HTTP, path="/actuator/health?full=1"),
    )


def test_the_name_of_the_container_stands_in_for_a_missing_one() -> None:
    found = read_labels({"fairlead.host": "*"}, "catalog")
    assert found == Labelled("catalog", (Route("*"),))


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({"service": "Bad_Name"}, "fairlead.service: 'Bad_Name' is not lower-case"),
        ({"service": ""}, "fairlead.service"),
        ({"service": "a" * 64}, "fairlead.service"),
        ({"host": "a b"}, "fairlead.host"),
        ({"host": "shop.example.com,"}, "fairlead.host: ''"),
        ({"host": "a;b"}, "fairlead.host"),
        ({"host": "a\nb.example"}, "fairlead.host"),
        ({"host": "a", "path": "/../x"}, "fairlead.path"),
        ({"host": "a", "path": "/x\\"}, "fairlead.path"),
        ({"host": ",".join(["a"] * 33)}, "over 32"),
        ({"path": "/x"}, "only with fairlead.host"),
        ({"host": "a", "strip": "yes"}, "neither true nor false"),
        ({"port": "0"}, "fairlead.port"),
        ({"port": "65536"}, "65536"),
        ({"port": "٣"}, "fairlead.port"),
        ({"health": "/x y"}, "fairlead.health"),
        ({"health": "http"}, "fairlead.health"),
        ({"hosts": "a"}, "hosts.* is unknown; known are fairlead.service"),
    ],
)
def test_a_wrong_label_is_named(labels: dict[str, str], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        read_labels({f"fairlead.{key}": value for key, value in labels.items()}, "catalog")


SAFE = re.compile(r"[A-Za-z0-9._~!&()*+,=:@/?%-]*")


@given(
    st.dictionaries(st.sampled_from(KNOWN), st.text(max_size=80) | st.from_regex(r"[/a-z.*]{1,20}"))
)
def test_what_passes_is_harmless(own: dict[str, str]) -> None:
    try:
        found = read_labels({f"fairlead.{key}": value for key, value in own.items()}, "catalog")
    except BadInput as error:
        told = str(error)
    else:
        told = ""
        _check(found)
    assert told.isprintable()


def _check(found: Labelled | None) -> None:
    if found is not None:
        texts = [found.service, found.health.path, *(str(route) for route in found.routes)]
        assert all(SAFE.fullmatch(text) for text in texts)
        assert 0 <= found.port <= 65535
