"""Scripts: calls of the AWS CLI, records, and texts that they hold."""

import sys

import pytest

from fairlead.core.errors import Missing
from fairlead.core.setup import At, Call, Setup
from fairlead.inspect.bash_tree import _parser
from fairlead.inspect.shell import is_script, read_shell


def calls(script: str) -> list[Call]:
    return list(read_shell("s.sh", script).calls)


def call(script: str) -> Call:
    (found,) = calls(script)
    return found


def record(script: str) -> Setup:
    setup = read_shell("s.sh", script)
    assert len(setup.records) == 1, setup
    return setup


def test_a_call_with_what_the_script_says_before() -> None:
    found = call(
        '#!/bin/bash\nNAME="svc-${ENV:-dev}"\nexport CLUSTER=shop\n'
        "TASK_ARN=$(aws ecs list-tasks \\\n"
        "  --cluster=$CLUSTER \\\n"
        '  --service-name "$NAME" \\\n'
        "  --query 'taskArns[0]' \\\n"
        "  --output text)\n"
    )
    assert found == Call(
        "ecs",
        "list-tasks",
        {
            "cluster": "shop",
            "service-name": "svc-dev",
            "query": "taskArns[0]",
            "output": "text",
        },
        at=At("s.sh", 4),
    )


@pytest.mark.parametrize(
    ("script", "value"),
    [
        ("N=1\nN=2\naws ecs x --n $N", "$N"),  # one of two
        ("N=1\nN+=2\naws ecs x --n $N", "$N"),
        ("for N in 1 2; do aws ecs x --n $N; done", "$N"),
        ("read -r N\nN=1\naws ecs x --n ${N}", "${N}"),
        ("N=$(date)\naws ecs x --n $N", "$N"),
        ("N=$N\naws ecs x --n $N", "$N"),
        ("aws ecs x --n $1", "$1"),
        ("N=1\naws ecs x --n a${N}b", "a1b"),
        ("N='a b'\naws ecs x --n \"$N\" c", "a b c"),
        ("aws ecs x --n ${N:-2}", "2"),
        ('N="${N:-2}"\naws ecs x --n "$N"', "2"),
        (": ${N:=3}\naws ecs x --n $N", "3"),
        ("aws ecs x --n", ""),
        ("aws ecs x --n a --no-cli-pager", "a"),
    ],
)
def test_values_of_options(script: str, value: str) -> None:
    assert call(script).options["n"] == value


@pytest.mark.parametrize(
    "script",
    [
        "aws --region x ecs --no-cli-pager list-tasks",
        "sudo -E aws ecs list-tasks",
        "AWS_PROFILE=x aws ecs list-tasks || exit 1",
        "AWS=/usr/local/bin/aws\n$AWS ecs list-tasks",
        "try() { eval $*; }\ntry aws ecs list-tasks",
        "if ! aws ecs list-tasks; then exit; fi",
        "bash -c 'aws ecs list-tasks'",
        "ssh -i key user@host 'cd x && aws ecs list-tasks'",
        "docker exec box sh -ec 'aws ecs list-tasks'",
        "timeout 30 aws ecs list-tasks",
        "echo x | xargs -I {} -n 1 aws ecs list-tasks",
        "watch -n 5 aws ecs list-tasks",
        "ssh host <<'END'\necho\naws ecs list-tasks\nEND\n",
        "X=`aws ecs list-tasks`",
        "f() {\n  local x\n  aws ecs list-tasks\n}",
    ],
)
def test_however_it_is_called(script: str) -> None:
    found = call(script)
    assert (found.service, found.operation) == ("ecs", "list-tasks")


@pytest.mark.parametrize("script", ["echo aws ecs list-tasks", "# aws ecs list-tasks", "aws", ""])
def test_no_calls(script: str) -> None:
    assert calls(script) == []


LIST = "aws ecs list-tasks --query 'taskArns[]' --output text"


@pytest.mark.parametrize(
    ("script", "loops"),
    [
        (f"for t in $({LIST}); do echo $t; done", True),
        (f"T=$({LIST})\nfor t in $T; do echo; done", True),
        (f'T=($({LIST}))\nfor t in "${{T[@]}}"; do echo; done', True),
        (f"{LIST} | while read -r t; do echo; done", True),
        (f'T=$({LIST})\nwhile read -r t; do echo; done <<< "$T"', True),
        (f"{LIST} | xargs -n1 echo", True),
        (f'mapfile -t T < <({LIST})\nfor t in "${{T[@]}}"; do echo; done', True),
        (f"while read -r t; do echo; done < <({LIST})", True),
        (f"diff a < <({LIST})", False),
        (f"{LIST} | xargs", False),  # takes away space
        (f"T=$({LIST})\necho $T", False),
        (f"for s in catalog alerts; do {LIST}; done", False),  # services, not answers
        (f"for i in {{1..9}}; do {LIST}; done", False),  # waits
        (f"for i in $(seq 9); do {LIST}; done", False),
        (f"while true; do {LIST}; sleep 1; done", False),
        (f"until {LIST}; do sleep 1; done", False),
    ],
)
def test_whether_each_answer_is_used(script: str, loops: bool) -> None:
    assert call(script).loops is loops


JSON = (
    '{"Changes": [{"Action": "UPSERT",\n"ResourceRecordSet": {"Name": "a.example.com",'
    ' "Type": "A", "TTL": 300,\n"ResourceRecords": [{"Value": "$IP"}]}}]}'
)
CHANGE = "aws route53 change-resource-record-sets --hosted-zone-id Z --change-batch"


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (f"cat > /tmp/b.json <<EOF\n{JSON}\nEOF\n{CHANGE} file:///tmp/b.json", 3),
        (f"cat <<EOF | tee /tmp/b.json\n{JSON}\nEOF\n{CHANGE} file:///tmp/b.json", 3),
        (f"F=b.json\ncat <<-EOF >$F\n{JSON}\n\tEOF\n{CHANGE} file://$F", 4),
        (f'B=$(cat <<EOF\n{JSON}\nEOF\n)\n{CHANGE} "$B"', 3),
        (f"B='{JSON}'\n\n{CHANGE} \"$B\"", 2),
        (CHANGE + " '" + JSON.replace("$IP", "'$IP'") + "'", 2),
        (CHANGE + ' "' + JSON.replace('"', '\\"') + '"', 2),
        (f"echo '{JSON}' > b.json\n{CHANGE} file://b.json", 2),
    ],
)
def test_records_of_route_53(script: str, line: int) -> None:
    (found,) = record(script).records
    assert (found.name, found.type, found.ttl.value) == ("a.example.com", "A", 300)
    assert found.addresses == ("$IP",)
    assert found.at == At("s.sh", line)
    assert (found.routing, found.whole, found.alias) == ("simple", True, False)


def test_a_command_within_a_batch_does_not_break_it() -> None:
    body = JSON.replace("$IP", '\'"$(curl -s "http://x/ip")"\'')
    (found,) = record(f"{CHANGE} '{body}'").records
    assert found.addresses == ("$(curl -s …)",)


def test_a_list_of_records_that_the_script_makes_is_not_known() -> None:
    body = JSON.replace('{"Value": "$IP"}', "$RECORDS").replace('"', '\\"')
    (found,) = record(f'{CHANGE} "{body}"').records
    assert (found.addresses, found.whole) == ((), False)


def test_a_batch_from_elsewhere_is_unknown() -> None:
    setup = read_shell("s.sh", f"\n{CHANGE} file://made-elsewhere.json")
    assert setup.records == ()
    assert [unknown.at for unknown in setup.unknown] == [At("s.sh", 2)]


CURL = "curl -X {} https://api.cloudflare.com/client/v4/zones/$Z/dns_records/$R \\\n --data '{}'"
BODY = '{"type":"A","name":"a.example.com","content":"\'$IP\'","ttl":120,"proxied":false}'


def test_records_of_cloudflare() -> None:
    (found,) = record(CURL.format("PUT", BODY)).records
    assert (found.name, found.addresses, found.ttl.value) == ("a.example.com", ("$IP",), 120)
    assert (found.at, found.routing) == (At("s.sh", 2), "simple")
    (auto,) = record(CURL.format("PUT", BODY.replace("120", "1"))).records
    assert auto.ttl.value == 300


def test_one_record_of_cloudflare_for_each_answer_is_one_of_several() -> None:
    made = CURL.format("POST", BODY)
    (found,) = record(f"for IP in $(aws ec2 x y); do\n{made}\ndone").records
    assert (found.routing, found.whole) == ("multivalue", False)


def test_other_requests_are_no_records() -> None:
    assert read_shell("s.sh", CURL.format("GET", BODY)) == Setup()
    assert read_shell("s.sh", CURL.format("DELETE", "")) == Setup()
    assert read_shell("s.sh", 'curl -d \'{"content": "x"}\' https://example.com') == Setup()


CONF = "server {\n  listen 80;\n  location / { proxy_pass http://localhost:$PORT; }\n}\n"


@pytest.mark.parametrize(
    ("script", "line", "server"),
    [
        (f"cat > /etc/nginx/a.conf <<'EOF'\n{CONF}EOF\n", 4, None),
        (f"PORT=8083\nsudo tee /etc/nginx/a.conf >/dev/null <<EOF\n{CONF}EOF\n", 5, "8083"),
        (f"PORT=8083\ncat <<EOF | sudo tee a\n{CONF}EOF\n", 5, "8083"),
        (f'PORT=1\necho "{CONF}" > a.conf', 4, "1"),
    ],
)
def test_configurations_of_nginx(script: str, line: int, server: str | None) -> None:
    setup = read_shell("s.sh", script)
    found = (*setup.proxies, *setup.unknown)
    assert [of.at for of in found] == [At("s.sh", line)]
    wanted = [(f"localhost:{server or '$PORT'}",)]
    assert [target.servers for target in setup.proxies] == wanted


def test_scripts_and_documents_within_a_script() -> None:
    setup = read_shell(
        "s.sh",
        "cat > /usr/local/bin/x <<'X'\n#!/bin/sh\naws ecs list-tasks\nX\n"
        "cat > compose.yml <<'X'\nservices:\n  web:\n    image: nginx\n    ports: ['80:80']\nX\n",
        10,
    )
    assert [c.at.line for c in setup.calls] == [12]
    assert [s.at.line for s in setup.services] == [16]


def test_a_document_that_is_written_in_pieces() -> None:
    task = (
        '{"family": "a",\n"executionRoleArn": "arn:\'"$ACCOUNT"\':x",\n'
        '"containerDefinitions": [{"name": "b",\n"portMappings": [{"hostPort": 80}]}]}'
    )
    setup = read_shell("s.sh", f"aws sts x\necho '{task}' > task.json\n")
    (port,) = setup.tasks[0].containers[0].ports
    assert (port.host.value, port.at) == (80, At("s.sh", 5))


def test_what_docker_publishes() -> None:
    found = call("docker run -d --name web -p 8083:8080 --publish=80:80 -p9:9 img -p x")
    assert (found.service, found.operation) == ("docker", "run")
    assert found.options["publish"].startswith("8083:8080 80:80 9:9")
    assert calls("docker build -p x .") == []


def test_scripts_are_known_by_name_or_first_line() -> None:
    assert is_script("x.sh", "")
    assert is_script("x", "#!/usr/bin/env bash\n")
    assert is_script("x", "#!/bin/sh -e\n")
    assert not is_script("x", "#!/usr/bin/env python3\n")
    assert not is_script("x", "echo")


def test_what_must_be_installed_is_said_and_not_needed_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tree_sitter_bash", None)
    _parser.cache_clear()
    with pytest.raises(Missing, match=r"fairlead\[inspect\]"):
        read_shell("s.sh", "aws ecs list-tasks")
    assert read_shell("s.sh", "echo") == Setup()
    _parser.cache_clear()
