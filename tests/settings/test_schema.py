"""The JSON schema: current, itself valid, and of one mind with the parser on what editors show."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from fairlead.settings import problems, schema
from fairlead.settings.schema import PATH, schema_text

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(schema_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
GOOD = [
    "platform: docker",
    "platform: docker\ndocker: {host: 'tcp://127.0.0.1:2375', discover: false}",
    "platform: docker\nservices: {a: {image: 'shop/catalog:2', port: 80, network: b, replicas: 2}}",
    "platform: ecs\necs: {cluster: shop-ecs, region: eu-west-1, interval: 5s, addresses: public}",
    "platform: ecs\nservices: {a: {service: shop-catalog, container: app, port: 8080}}",
    *(path.read_text() for path in sorted(ROOT.glob("examples/*/fairlead.yaml"))),
    *re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/settings.md").read_text(), re.DOTALL),
]
BAD = [
    "services: []",
    "services: {}\nlisten: 0",
    'services: {}\nlisten: ["a b:80"]',
    "services: {}\nplatform: eks",
    "services: {}\nports: 20000",
    "services: {}\nproxy: {workers: many}",
    "services: {}\nextra: 1",
    "services: {A: {run: [x]}}",
    "services: {a: {}}",
    "services: {a: {run: x}}",
    "services: {a: {run: []}}",
    "services: {a: {run: [x], endpoints: ['b:1']}}",
    "services: {a: {endpoints: ['b:1'], replicas: 2}}",
    "services: {a: {endpoints: ['b']}}",
    "services: {a: {endpoints: [{weight: 1}]}}",
    "services: {a: {run: [x], replicas: -1}}",
    "services: {a: {run: [x], replicas: '2'}}",
    "services: {a: {run: [x], replicaz: 2}}",
    "services: {a: {run: [x], scale: {min: -1}}}",
    "services: {a: {run: [x], routes: ['a b']}}",
    "services: {a: {run: [x], routes: ['a/../b']}}",
    "services: {a: {run: [x], routes: [{path: /a}]}}",
    "services: {a: {run: [x], env: {1A: x}}}",
    "services: {a: {run: [x], env: {A: [1]}}}",
    "services: {a: {run: [x], health: {path: /, tcp: true}}}",
    "services: {a: {run: [x], health: {status: 200}}}",
    "services: {a: {run: [x], health: {path: /, status: 99}}}",
    "services: {a: {run: [x], health: {interval: 2 s}}}",
    "services: {a: {run: [x], balance: random}}",
    "services: {a: {run: [x], balance: {key: ip}}}",
    "services: {a: {run: [x], sticky: 'a b'}}",
]


def test_the_committed_file_is_current() -> None:
    assert PATH.read_text() == schema_text(), "run python -m fairlead.settings.schema"


def test_the_command_writes_schema_and_page(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(schema, "PATH", tmp_path / "schema.json")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{schema.BEGIN}old\n{schema.END}after\n")
    schema.main([str(page)])
    assert json.loads((tmp_path / "schema.json").read_text()) == SCHEMA
    assert page.read_text() == f"before\n{schema.BEGIN}{schema.table()}{schema.END}after\n"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", GOOD)
def test_good_files_pass_both(text: str) -> None:
    assert problems(text) == []
    VALIDATOR.validate(yaml.safe_load(text))


@pytest.mark.parametrize("text", BAD)
def test_bad_files_fail_both(text: str) -> None:
    assert problems(text)
    assert not VALIDATOR.is_valid(yaml.safe_load(text))


def test_every_object_is_closed_and_every_property_told() -> None:
    closed = 0
    for node in _nodes(SCHEMA):
        if "properties" in node and node.get("type") == "object":
            closed += 1
            others = node["additionalProperties"]
            assert others is False or "properties" in others  # entries of one closed kind
            assert all(prop["description"] for prop in node["properties"].values())
    assert closed >= 8


def _nodes(node: object):
    if isinstance(node, dict):
        yield node
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from _nodes(child)
