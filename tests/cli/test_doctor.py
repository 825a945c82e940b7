"""fairlead doctor: what it prints, what it writes, and when it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fairlead.core.doctor.finding import KINDS
from tests.inspect.doctor_ground import CLUSTER, nodes, put, security, service, task

WRONG = CLUSTER + nodes() + security() + task(port="8083") + service()
SCRIPT = "aws ecs update-service --cluster shop --service catalog --desired-count 2\n"
RECORD = """
resource "aws_route53_record" "catalog" {
  zone_id = "Z1"
  name    = "catalog.example.com"
  type    = "A"
  ttl     = 300
  records = aws_instance.node[*].public_ip
}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def findings(result: Any) -> list[dict[str, Any]]:
    found = json.loads(result.out)
    assert list(found) == ["findings", "unknown"]
    return list(found["findings"])


def found_kinds(result: Any) -> set[str]:
    return {each["kind"] for each in findings(result)}


def test_errors_are_shown_with_place_evidence_reason_and_fix(fairlead: Any, here: Path) -> None:
    put(here, {"main.tf": WRONG})
    result = fairlead("doctor", ".")
    assert result.status == 1
    for part in ("fixed-host-port", "main.tf:", "| hostPort", "why: ", "fix: set hostPort to 0"):
        assert part in result.out
    assert "1 error, 0 warnings found in 1 file" in result.out
    assert "\x1b" not in result.out


def test_json_has_these_members_and_no_others(fairlead: Any, here: Path) -> None:
    put(here, {"main.tf": WRONG + 'variable "x" {}\n'})
    result = fairlead("doctor", "--json", "main.tf")
    members = ["id", "kind", "severity", "file", "line", "service", "message", "fix"]
    assert [list(each) for each in findings(result)] == [members]
    assert findings(result)[0]["kind"] in KINDS
    assert result.status == 1


def test_warnings_alone_are_no_failure(fairlead: Any, here: Path) -> None:
    put(here, {"main.tf": WRONG.replace("8083", "0"), "scale.sh": SCRIPT})
    result = fairlead("doctor", "--json", ".")
    assert {each["severity"] for each in findings(result)} == {"warning"}
    assert result.status == 0


def test_only_the_kinds_that_are_asked_for(fairlead: Any, here: Path) -> None:
    put(here, {"main.tf": WRONG, "scale.sh": SCRIPT})
    assert found_kinds(fairlead("doctor", "--json", ".")) == {
        "fixed-host-port",
        "desired-count-drift",
    }
    one = fairlead("doctor", "--json", "--kind", "desired-count-drift", ".")
    assert found_kinds(one) == {"desired-count-drift"}
    assert one.status == 0


@pytest.mark.parametrize(
    "arguments", [[], ["nowhere"], [".", "--kind", "x"], [".", "--json", "--sarif"]]
)
def test_bad_input_is_status_2(fairlead: Any, here: Path, arguments: list[str]) -> None:
    assert fairlead("doctor", *arguments).status == 2


def test_where_nothing_is_read_nothing_is_called_good(fairlead: Any, here: Path) -> None:
    result = fairlead("doctor", ".")
    assert result.status == 2
    assert "nothing there that fairlead reads" in result.err


def test_sarif_has_the_form_of_2_1_0(fairlead: Any, here: Path) -> None:
    put(here, {"main.tf": WRONG, "a b/scale.sh": SCRIPT})
    whole = json.loads(fairlead("doctor", "--sarif", ".").out)
    assert whole["version"] == "2.1.0"
    (run,) = whole["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(run["results"]) == 2
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "main.tf"
        assert place["region"]["startLine"] > 1
        assert result["partialFingerprints"]["fairlead/v1"]


@pytest.mark.parametrize("comment", ["# fairlead:ignore {} {}", "// fairlead:ignore {} {}"])
@pytest.mark.parametrize("above", [True, False])
def test_a_comment_with_a_reason_suppresses(
    fairlead: Any, here: Path, comment: str, above: bool
) -> None:
    said = comment.format("fixed-host-port", "one copy is enough here")
    line = "          hostPort      = 8083"
    new = f"          {said}\n{line}" if above else f"{line} {said}"
    put(here, {"main.tf": WRONG.replace(line, new)})
    result = fairlead("doctor", "--json", ".")
    assert (findings(result), result.status, result.err) == ([], 0, "")


def test_a_suppression_needs_a_reason_and_a_kind_that_is_known(fairlead: Any, here: Path) -> None:
    line = "          hostPort      = 8083"
    text = WRONG.replace(line, f"{line} # fairlead:ignore fixed-host-port")
    put(here, {"main.tf": text + "# fairlead:ignore fixed-hostport typing\n"})
    result = fairlead("doctor", "--json", ".")
    assert found_kinds(result) == {"fixed-host-port"}
    assert "without a reason" in result.err
    assert "no kind 'fixed-hostport'" in result.err


def test_a_file_suppresses_and_what_is_unused_is_told(fairlead: Any, here: Path) -> None:
    ignored = "# ours\nfixed-host-port infra/*.tf one copy only\ndns-ttl * slow on purpose\n"
    put(here, {"infra/main.tf": WRONG, ".fairlead-ignore": ignored})
    result = fairlead("doctor", "--json", "infra")
    assert (findings(result), result.status) == ([], 0)
    assert ".fairlead-ignore:3: nothing of kind dns-ttl" in result.err
    assert "fixed-host-port" not in result.err


def test_json_is_suppressed_by_the_file(fairlead: Any, here: Path) -> None:
    box = {"name": "a", "portMappings": [{"containerPort": 80, "hostPort": 8083}]}
    text = json.dumps({"family": "a", "containerDefinitions": [box]}, indent=1)
    put(here, {"task.json": text, ".fairlead-ignore": "* task.json to be thrown away\n"})
    assert findings(fairlead("doctor", "--json", "task.json")) == []


def test_patches_are_shown_and_nothing_is_written(fairlead: Any, here: Path) -> None:
    put(here, {"main.tf": WRONG + RECORD})
    result = fairlead("doctor", "--diff", ".")
    assert "-          hostPort      = 8083\n+          hostPort      = 0\n" in result.out
    assert "-  ttl     = 300\n+  ttl     = 60\n" in result.out
    assert (here / "main.tf").read_text() == WRONG + RECORD


FIXED = {
    "main.tf": WRONG.replace("desired_count   = 1", "desired_count   = 1 # one")
    + RECORD
    + task("alerts")
    + service("alerts", "deployment_minimum_healthy_percent = 0"),
    "scale.sh": SCRIPT + SCRIPT.replace("catalog", "alerts"),
    "compose.yaml": 'services:\n  web:\n    image: shop/web\n    ports:\n      - "8090:80"\n',
    "task.json": json.dumps(
        {
            "family": "search",
            "containerDefinitions": [
                {"name": "s", "portMappings": [{"containerPort": 80, "hostPort": 8095}]}
            ],
        }
    ),
}


def test_a_fix_is_whole_and_a_second_one_changes_nothing(fairlead: Any, here: Path) -> None:
    put(here, FIXED)
    before = found_kinds(fairlead("doctor", "--json", "."))
    assert before == {"fixed-host-port", "dns-ttl", "deploy-downtime", "desired-count-drift"}
    result = fairlead("doctor", "--fix", "--json", ".")
    assert (findings(result), result.status) == ([], 0)
    texts = {name: (here / name).read_text() for name in FIXED}
    assert '- "80"\n' in texts["compose.yaml"]
    assert texts["main.tf"].count("ignore_changes = [desired_count]") == 2
    assert json.loads(texts["task.json"])["containerDefinitions"][0]["portMappings"] == [
        {"containerPort": 80, "hostPort": 0}
    ]
    again = fairlead("doctor", "--fix", "--json", ".")
    assert again.err == ""
    assert {name: (here / name).read_text() for name in FIXED} == texts


def test_an_ignore_changes_that_is_there_is_added_to(fairlead: Any, here: Path) -> None:
    lifecycle = "lifecycle {\n    ignore_changes = [task_definition]\n  }"
    text = CLUSTER + nodes() + task() + service(more=lifecycle)
    put(here, {"main.tf": text, "scale.sh": SCRIPT})
    fairlead("doctor", "--fix", ".")
    assert "ignore_changes = [desired_count, task_definition]" in (here / "main.tf").read_text()


def test_a_port_that_a_proxy_names_is_left_to_people(fairlead: Any, here: Path) -> None:
    conf = "server {\n  listen 80;\n  location / {\n    proxy_pass http://localhost:8083;\n  }\n}\n"
    put(here, {"main.tf": WRONG, "nginx.conf": conf})
    result = fairlead("doctor", "--fix", "--json", ".")
    assert "fixed-host-port" in found_kinds(result)
    assert (here / "main.tf").read_text() == WRONG


def test_a_classic_load_balancer_needs_its_fixed_port(fairlead: Any, here: Path) -> None:
    behind = 'load_balancer {\n    elb_name       = "old"\n    container_name = "catalog"\n  }'
    put(
        here, {"main.tf": CLUSTER + nodes() + security() + task(port="8083") + service(more=behind)}
    )
    before = (here / "main.tf").read_text()
    fairlead("doctor", "--fix", ".")
    assert (here / "main.tf").read_text() == before


def test_the_page_has_every_kind() -> None:
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    heads = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert tuple(heads[: len(KINDS)]) == KINDS


def test_ends_of_lines_stay_as_they_are(fairlead: Any, here: Path) -> None:
    (here / "main.tf").write_bytes(WRONG.replace("\n", "\r\n").encode())
    fairlead("doctor", "--fix", ".")
    text = (here / "main.tf").read_bytes().decode()
    assert text == WRONG.replace("8083", "0").replace("\n", "\r\n")


def test_what_files_hold_cannot_steer_the_terminal(fairlead: Any, here: Path) -> None:
    put(here, {"main.tf": WRONG.replace("hostPort ", "/* \x1b[2J */ hostPort ")})
    assert "\x1b" not in fairlead("doctor", ".").out
