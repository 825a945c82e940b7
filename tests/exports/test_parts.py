"""What services are to those who run them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from fairlead.core.errors import BadInput
from fairlead.exports.parts import Given, images, numbers, pairs, parts_of
from tests.exports.ground import cluster, parts


def test_settings_and_what_is_given_make_a_part() -> None:
    catalog, api = parts()
    assert (catalog.image, catalog.port, catalog.memory, catalog.count) == (
        "catalog:1",
        8080,
        384,
        1,
    )
    assert (catalog.health, api.health) == ("/actuator/health", "")
    assert [str(route) for route in api.routes] == ["www.example.com/api"]


def test_all_that_is_missing_is_told_at_once() -> None:
    given = Given(image={"catalog": "c"}, memory={"api": 64})
    with pytest.raises(BadInput) as told:
        parts_of(cluster(), given)
    assert str(told.value) == (
        "the settings do not say all that is needed; give --port catalog=PORT"
        " --memory catalog=MIB --image api=IMAGE --port api=PORT"
    )


def test_docker_settings_say_image_and_port_themselves() -> None:
    text = "platform: docker\nservices: {a: {image: a:1, port: 80, routes: [a.example.com]}}"
    (part,) = parts(text, Given(memory={"a": 64}))
    assert (part.image, part.port) == ("a:1", 80)


def test_a_name_that_no_service_has_is_refused() -> None:
    with pytest.raises(BadInput, match=r"--memory nobody=…: no service 'nobody' \(there are: api"):
        parts(given=Given(memory={"nobody": 1}))


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (lambda: pairs("cpu", ["a"]), "--cpu a: expected SERVICE=VALUE"),
        (lambda: pairs("cpu", ["a=1", "a=2"]), "a is given twice"),
        (lambda: numbers("port", ["a=0"]), "expected a number from 1 to 65535"),
        (lambda: numbers("port", ["a=65536"]), "from 1 to 65535"),
        (lambda: numbers("memory", ["a=٣"]), "expected a number"),
        (lambda: numbers("cpu", ["a=" + "9" * 5000]), "expected a number"),
        (lambda: images(["a=x y"]), "no name of an image"),
        (lambda: images(["a=${HOME}"]), "no name of an image"),
        (lambda: images(["a=x\nRUN rm"]), "no name of an image"),
    ],
)
def test_what_cannot_be_meant_is_refused(read: Callable[[], object], told: str) -> None:
    with pytest.raises(BadInput, match=re.escape(told)):
        read()
