"""Each kind of file finds its reader, by its name or by what it holds."""

from pathlib import Path

import pytest

from fairlead.core.setup import Setup
from fairlead.inspect.read import read
from tests.inspect.test_documents import BATCH, SERVICE, TASK
from tests.inspect.test_nginx import SITE
from tests.inspect.test_workflows import GITHUB, GITLAB

FILES = {
    "compose.yml": 'services: {web: {image: x, ports: ["${PORT}:80"]}}\n',
    ".env": "PORT=8083\n",
    "ecs/task.json": TASK,
    "ecs/service.json": SERVICE,
    "dns/batch.json": BATCH,
    "nginx/nginx.conf": "http { include conf.d/*.conf; }",
    "nginx/conf.d/a.conf": SITE.replace("localhost:8083", "web"),
    "nginx/conf.d/up.conf": "upstream web {\n  server a:1;\n  server b:2;\n}\n",
    "templates/b.conf.template": SITE,
    "sites-available/default": SITE,
    "scripts/run": "#!/bin/sh\naws ecs list-tasks\n",
    "scripts/dns.sh": "aws ecs describe-tasks\n",
    "Makefile": "scale:\n\taws ecs update-service\n",
    ".github/workflows/scale.yml": GITHUB,
    ".gitlab-ci.yml": GITLAB,
    "README.md": f"```nginx\n{SITE}```\n\n```sh\naws ecs stop-task\n```\n",
    "values.yaml": "services: {web: {image: x}}\nreplicas: 2\n",
    "node_modules/x/compose.yml": "services: {nested: {image: x}}\n",
}


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    folder = tmp_path_factory.mktemp("set-up")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return _below(read([folder]), folder)


def _below(setup: Setup, folder: Path) -> Setup:
    prefix = f"{folder}/"
    assert all(name.startswith(prefix) for name in setup.texts)
    return setup


def files(found: tuple[object, ...]) -> list[str]:
    """The places of things by file name and line."""
    return sorted(str(of.at).rpartition("/")[2] for of in found)  # type: ignore[attr-defined]


def test_services_with_their_task_definitions(setup: Setup) -> None:
    assert sorted(service.name for service in setup.services) == ["catalog", "web"]
    assert all(setup.task_of(service) for service in setup.services)
    ports = [port.host.value for task in setup.tasks for port in task.containers[0].ports]
    assert sorted(port for port in ports if port) == [8083, 8083]


def test_proxies(setup: Setup) -> None:
    assert files(setup.proxies) == ["a.conf:8", "b.conf.template:8", "default:8"]
    (first,) = (p for p in setup.proxies if p.at.file.endswith("a.conf"))
    assert first.servers == ("a:1", "b:2")


def test_calls(setup: Setup) -> None:
    steps = [".gitlab-ci.yml:3", ".gitlab-ci.yml:5", ".gitlab-ci.yml:8"]
    steps += ["scale.yml:11", "scale.yml:13", "scale.yml:14"]
    assert files(setup.calls) == sorted([*steps, "Makefile:2", "dns.sh:1", "run:2"])


def test_records(setup: Setup) -> None:
    assert files(setup.records) == ["batch.json:2", "batch.json:5", "batch.json:7"]


def test_lines_are_there_for_evidence(setup: Setup) -> None:
    for of in (*setup.proxies, *setup.calls, *setup.records, *setup.services):
        assert 0 < of.at.line <= len(setup.texts[of.at.file])
