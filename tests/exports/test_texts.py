"""Each export is what the tool that it is for takes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairlead.core.doctor.examine import examine
from fairlead.core.doctor.finding import KINDS
from fairlead.core.errors import BadInput
from fairlead.core.model import CheckKind
from fairlead.exports.compose import compose
from fairlead.exports.dashboard import as_cloudformation, dashboard
from fairlead.exports.nginx import nginx
from fairlead.exports.parts import Given
from fairlead.exports.pod import Pod, pod
from fairlead.exports.task_definition import labels, task_definition
from fairlead.exports.terraform import STRATEGIES, VALUES, terraform
from fairlead.exports.workflow import workflow
from fairlead.exports.written import write
from fairlead.inspect.read import read
from fairlead.inspect.suppress import in_comments, sifted
from fairlead.platforms.labels import read_labels
from fairlead.settings import parse
from tests.exports.ground import ECS, FIXED, PORTS, cluster, parts
from tests.ground import missing
from tests.terraform_schema import problems

HOSTILE = "a$b${c}`id`\"'\\#{x}%{y}"


def tool(name: str, package: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/local/bin:/usr/bin")
    return found or missing(f"missing: {name} (apt-get install {package})")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_terraform_is_formatted_and_knows_the_providers_schema(
    strategy: str, tmp_path: Path
) -> None:
    texts = terraform(parts(), strategy, "shop", PORTS)
    code = {name: text for name, text in texts.items() if name.endswith(".tf")}
    assert problems(code) == []
    values = json.loads(texts[VALUES])
    assert values["cluster"] == "shop"
    assert set(values["services"]) == {"catalog", "api"}
    for name, text in code.items():
        (tmp_path / name).write_text(text)
    if not (terraform_tool := shutil.which("terraform")):
        pytest.skip("missing: terraform, which Debian does not have")
    command = [terraform_tool, "fmt", "-check", "-diff", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_doctor_finds_nothing_in_it(strategy: str, tmp_path: Path) -> None:
    write(terraform(parts(), strategy, "shop", PORTS), tmp_path)
    setup = read([tmp_path])
    services = [service.name for service in setup.services]
    assert len(services) == (4 if strategy == "fixed" else 2)
    found = sifted(examine(setup).findings, in_comments(setup.texts), KINDS)
    assert found.kept == ()


def test_every_value_is_a_variable_of_the_module() -> None:
    """Terraform passes over members that no type names, and would not use them."""
    for strategy in STRATEGIES:
        texts = terraform(parts(), strategy, "shop", PORTS)
        for service in json.loads(texts[VALUES])["services"].values():
            for member in service:
                assert f" {member} " in texts["variables.tf"], (strategy, member)


def test_a_listener_asks_for_the_exact_host_and_the_longest_path_first() -> None:
    text = (
        "services: {a: {run: [a], routes: [x.example.com, '*.example.com']},"
        " b: {run: [b], routes: [x.example.com/api/v1, x.example.com/api, '*']}}"
    )
    given = Given({"a": "a", "b": "b"}, {"a": 1, "b": 1}, {"a": 64, "b": 64})
    services = json.loads(terraform(parts(text, given), "alb", "c", {})[VALUES])["services"]
    routes = [route for service in services.values() for route in service["routes"]]
    ordered = sorted(routes, key=lambda route: route["priority"])
    assert [r["host"] + r["path"] for r in ordered] == [
        "x.example.com/api/v1",
        "x.example.com/api",
        "x.example.com/",
        "*.example.com/",
        "*/",
    ]
    assert len({route["priority"] for route in routes}) == 5


def test_what_a_load_balancer_cannot_do_is_refused() -> None:
    text = "services: {a: {run: [a], routes: [{host: a.example.com, path: /x, strip: true}]}}"
    given = Given({"a": "a"}, {"a": 1}, {"a": 64})
    with pytest.raises(BadInput, match="does not take the path off"):
        terraform(parts(text, given), "alb", "c", {})
    with pytest.raises(BadInput, match="no host ports are reserved"):
        terraform(parts(text, given), "fixed", "c", {})


def nginx_takes(conf: str, folder: Path) -> None:
    main = folder / "nginx.conf"
    main.write_text(f"pid {folder}/pid; events {{}} http {{ access_log off;\n{conf}\n}}")
    command = [tool("nginx", "nginx-light"), "-t", "-p", str(folder), "-c", str(main)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_static_nginx_names_every_endpoint_and_nginx_takes_it(tmp_path: Path) -> None:
    settings = cluster(FIXED)
    conf = nginx(settings, ["10.0.1.100", "10.0.1.101"], {"alerts": (8084, 8087)}, dynamic=False)
    nginx_takes(conf, tmp_path)
    for place in ("10.0.1.101:8083", "10.0.1.100:8087", "10.0.1.101:8084"):
        assert f"server {place} " in conf
    with pytest.raises(BadInput, match="alerts: its endpoints are not known"):
        nginx(settings, [], {}, dynamic=False)


def test_dynamic_nginx_leads_to_upstreams_that_somebody_else_keeps(tmp_path: Path) -> None:
    conf = nginx(cluster(), [], {}, dynamic=True)
    assert "\nupstream " not in conf
    kept = "".join(f"upstream {name} {{ server 127.0.0.1:9; }}" for name in ("catalog", "api"))
    nginx_takes(kept + conf, tmp_path)


def test_a_task_definition_leaves_the_port_to_the_engine() -> None:
    catalog, api = parts()
    made = task_definition(catalog, "fairlead:1")
    app, drain = made["containerDefinitions"]
    assert app["portMappings"] == [{"containerPort": 8080, "hostPort": 0, "protocol": "tcp"}]
    assert (app["memory"], drain["command"]) == (384, ["fairlead", "hook"])
    assert len(task_definition(api)["containerDefinitions"]) == 1


def test_labels_say_what_the_settings_say_or_nothing() -> None:
    catalog, api = parts()
    for part in (catalog, api):
        read = read_labels(labels(part))
        assert read is not None
        assert read.routes == part.routes
        assert (read.health.kind is CheckKind.HTTP) is bool(part.health)
        assert part.health in {"", read.health.path}
    text = "services: {a: {run: [a], routes: [a.example.com/x, b.example.com/y]}}"
    (odd,) = parts(text, Given({"a": "a"}, {"a": 1}, {"a": 64}))
    assert labels(odd) == {}


def hostile_parts() -> Any:
    text = yaml.safe_dump(
        {
            "platform": "docker",
            "services": {
                "a": {
                    "image": "a:1",
                    "port": 80,
                    "run": ["a", HOSTILE],
                    "env": {"X": HOSTILE},
                    "routes": ["a.example.com"],
                }
            },
        }
    )
    return parts(text, Given(memory={"a": 64}))


def test_composes_own_schema_takes_it(tmp_path: Path) -> None:
    for each in (hostile_parts(), parts()):
        file = tmp_path / "compose.yaml"
        file.write_text(compose(each, "shop", "fairlead:1", 8080))
        shown = composed(file)
        assert set(shown["services"]) == {"fairlead", *(part.name for part in each)}


def composed(file: Path) -> Any:
    command = [tool("docker-compose", "docker-compose"), "-f", str(file), "config"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def test_nothing_in_a_compose_file_is_taken_for_a_variable(tmp_path: Path) -> None:
    """What Compose shows has its own dollars doubled again, so it is undoubled here."""
    file = tmp_path / "compose.yaml"
    file.write_text(compose(hostile_parts(), "shop", "fairlead:1", 8080))
    service = composed(file)["services"]["a"]
    assert service["environment"]["X"].replace("$$", "$") == HOSTILE
    assert [word.replace("$$", "$") for word in service["command"]] == ["a", HOSTILE]


def test_a_pod_is_the_same_settings_in_a_container(tmp_path: Path) -> None:
    text = (
        "cluster: shop\nservices: {a: {run: [python3, app.py, '{port}'], cwd: sub, replicas: 3,"
        " routes: [a.example.com, {host: b.example.com, path: /x, strip: true}]}}"
    )
    wanted = Pod("app:1", "fairlead:1", ("/app", "/opt/java"), 8080)
    texts = pod(cluster(text), wanted, Path("/srv"))
    inside = parse(texts["fairlead.yaml"], "fairlead.yaml", Path("/"))
    (service,) = inside.services
    (own,) = cluster(text).services
    assert (service.run, service.replicas, service.routes) == (own.run, 3, own.routes)
    assert service.cwd == "/app/sub"
    assert "COPY --from=app /opt/java /opt/java" in texts["Dockerfile"]
    (tmp_path / "compose.yaml").write_text(texts["compose.yaml"])
    assert composed(tmp_path / "compose.yaml")["services"]["pod"]["ports"]


@pytest.mark.parametrize("path", ["app", "/a b", '/a"', "/a\nRUN rm", "/a$B"])
def test_a_path_that_a_dockerfile_would_misread_is_refused(path: str) -> None:
    text = "services: {a: {run: [a], routes: [a.example.com]}}"
    with pytest.raises(BadInput, match="--copy"):
        pod(cluster(text), Pod("app:1", "fairlead:1", (path,)), Path("/srv"))


def test_a_pod_needs_processes_and_files() -> None:
    with pytest.raises(BadInput, match="platform: process"):
        pod(cluster(ECS), Pod("app:1", "fairlead:1", ("/app",)), Path("/srv"))
    text = "services: {a: {run: [a], routes: [a.example.com]}}"
    with pytest.raises(BadInput, match="--copy"):
        pod(cluster(text), Pod("app:1", "fairlead:1", ()), Path("/srv"))


def test_a_dashboard_shows_every_service_and_no_widget_covers_another() -> None:
    body = dashboard("shop-ecs", ["shop-catalog", "shop-api"], "eu-west-1")
    lines = [line for widget in body["widgets"] for line in widget["properties"]["metrics"]]
    assert sum("shop-api" in line for line in lines) == 2
    places = {(w["x"], w["y"]) for w in body["widgets"]}
    assert len(places) == len(body["widgets"])
    assert all(w["x"] + w["width"] <= 24 for w in body["widgets"])
    template = as_cloudformation("shop", body)
    inner = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]
    assert json.loads(inner) == body


def test_the_dashboards_template_passes_cfn_lint(tmp_path: Path) -> None:
    file = tmp_path / "dashboard.json"
    body = dashboard("shop-ecs", ["shop-catalog"], "eu-west-1")
    file.write_text(json.dumps(as_cloudformation("shop", body)))
    command = [str(Path(sys.executable).with_name("cfn-lint")), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("sync", [False, True])
def test_a_workflow_parses_and_its_scripts_are_shell(sync: bool) -> None:
    text = workflow("shop-ecs", ["shop-catalog", "y", "on"], "eu-west-1", sync=sync)
    document = yaml.load(text, yaml.BaseLoader)
    inputs = document["on"]["workflow_dispatch"]["inputs"]
    assert inputs["service"]["options"] == ["shop-catalog", "y", "on"]
    steps = document["jobs"]["scale"]["steps"]
    assert len(steps) == 2 + sync
    for step in steps[1:]:
        assert "${{" not in step["run"]
        subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)
    assert ("fairlead sync" in text) is sync
