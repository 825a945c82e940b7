"""Samples in every form that is taken, and what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairlead.cli import samples
from fairlead.cli.samples import read_samples, service_of
from fairlead.core.advice.rightsize import Sample
from fairlead.core.errors import BadInput

DOCKER = (
    '{"BlockIO":"0B / 0B","CPUPerc":"25.00%","Container":"f3","ID":"f3","MemPerc":"12.8%",'
    '"MemUsage":"120.5MiB / 940MiB","Name":"shop-catalog-2","NetIO":"1kB / 2kB","PIDs":"31"}\n'
)


def read(folder: Path, text: str) -> list[Sample]:
    file = folder / "samples"
    file.write_text(text)
    return read_samples(file)


def test_docker_stats_as_json_lines(tmp_path: Path) -> None:
    (first, second) = read(tmp_path, DOCKER + DOCKER.replace("120.5MiB", "1.5GiB"))
    assert first == Sample("shop-catalog", 256.0, 120.5)
    assert second.memory == 1536.0


@pytest.mark.parametrize(
    "text",
    [
        "service,cpu_percent,memory_mib\ncatalog,25,120.5\n",
        "\ufeffService, CPU, Memory_MiB\r\ncatalog,256,120.5\r\n",
        '[{"service": "catalog", "cpu_percent": 25, "memory_mib": 120.5}]',
        '{"service": "catalog", "cpu": 256, "memory_mib": "120.5"}',
        '{"service": "catalog", "cpu": 256, "memusage": "126353408B"}',
    ],
)
def test_csv_and_json_say_the_same(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == [Sample("catalog", 256.0, 120.5)]


@pytest.mark.parametrize(
    ("container", "service"),
    [
        ("ecs-shop-catalog-7-catalog-9ad2c4f0e1b2a3948801", "catalog"),
        ("ecs-shop-search-12-text-search-e8f6b0b2a1d4c5a7f001", "text-search"),
        ("shop-catalog-2", "shop-catalog"),
        ("shop_catalog_1", "shop_catalog"),
        ("catalog-c5igvo", "catalog"),
        ("catalog", "catalog"),
    ],
)
def test_a_container_names_its_service(container: str, service: str) -> None:
    assert service_of(container) == service


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "neither JSON nor CSV"),
        ("hello\nworld\n", "neither JSON nor CSV"),
        ("service,cpu,memory_mib\n", "no samples in it"),
        ("[]", "no samples in it"),
        ("[1, 2]", "not a list of samples"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"service": "a", "cpu": "x", "memory_mib": 1}', "record 1: could not convert"),
        ('{"service": "a", "memory_mib": 1}', "record 1: no cpu"),
        ('{"service": "a", "cpu": 1}', "record 1: no memory"),
        ('{"service": "a", "cpu": 1, "memusage": "1 parsec / 2"}', "record 1: no memory"),
        ('{"service": "a", "cpu": 1, "memusage": "1.2.3MiB"}', "record 1: could not convert"),
        ('{"service": "a", "cpu": -1, "memory_mib": 1}', "cpu -1 is not between"),
        ('{"service": "a", "cpu": NaN, "memory_mib": 1}', "cpu nan is not between"),
        ('{"service": "a", "cpu": 1, "memory_mib": 1e99}', "memory 1e+99 is not between"),
        ('{"cpu": 1, "memory_mib": 1}', "no service is named"),
        ('{"service": 7, "cpu": 1, "memory_mib": 1}', "no service is named"),
        ('{"service": "a", "cpu": [], "memory_mib": 1}', "record 1"),
        ("service,cpu,memory_mib\na,1,1\nb,1\n", "record 2: no memory"),
        (
            json.dumps({"cluster": "shop", "listen": [], "services": []}),
            "status tells states and requests, not what copies use",
        ),
    ],
)
def test_what_is_no_sample_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInput) as raised:
        read(tmp_path, text)
    assert said in str(raised.value)
    assert str(tmp_path / "samples") in str(raised.value)


def test_a_file_that_cannot_be_read_or_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match="cannot read samples"):
        read_samples(tmp_path)
    monkeypatch.setattr(samples, "LARGEST", 10)
    with pytest.raises(BadInput, match="longer than"):
        read(tmp_path, DOCKER)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300) | st.text(alphabet='{}[]",:service cpu\n1', max_size=80))
def test_any_file_is_samples_or_bad_input(tmp_path: Path, data: bytes | str) -> None:
    file = tmp_path / "any"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    try:
        found = read_samples(file)
    except BadInput:
        return
    assert found
