"""The doctor on files: each kind where it is so, and where it only looks so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from fairlead.core.doctor.finding import KINDS
from tests.inspect.doctor_ground import (
    BALANCED,
    CLUSTER,
    group,
    kinds,
    looked,
    nodes,
    security,
    service,
    task,
)

BASE = CLUSTER + nodes() + security()
ONE_NODE = CLUSTER + nodes(1) + security()


def tf(*parts: str) -> dict[str, str]:
    return {"main.tf": "".join(parts)}


def conf(*servers: str, host: str = "catalog.example.com") -> str:
    inner = "".join(f"  server {each};\n" for each in servers)
    return (
        f"upstream catalog {{\n{inner}}}\nserver {{\n  listen 80;\n  server_name {host};\n"
        "  location / {\n    proxy_pass http://catalog;\n  }\n}\n"
    )


def script(query: str, ttl: int = 60, name: str = "dns.sh") -> dict[str, str]:
    return {
        name: f"""#!/bin/bash
TASK=$(aws ecs list-tasks --cluster shop --service-name catalog --query '{query}' --output text)
ID=$(aws ecs describe-tasks --cluster shop --tasks $TASK --query 'tasks[0].containerInstanceArn')
aws route53 change-resource-record-sets --hosted-zone-id Z1 --change-batch '{{
  "Changes": [{{"Action": "UPSERT", "ResourceRecordSet": {{"Name": "catalog.example.com",
    "Type": "A",
    "TTL": {ttl},
    "ResourceRecords": [{{"Value": "'$IP'"}}]}}}}]
}}'
"""
    }


def record(value: str, ttl: int = 60, more: str = "") -> str:
    return f"""
resource "aws_route53_record" "catalog" {{
  zone_id = "Z1"
  name    = "catalog.example.com"
  type    = "A"
  ttl     = {ttl}
  records = {value}
  {more}
}}
"""


def task_json(port: str = "", **more: object) -> dict[str, str]:
    mapping = {"containerPort": 8080, "protocol": "tcp"} | ({"hostPort": int(port)} if port else {})
    box = {"name": "catalog", "image": "catalog:1", "memory": 128, "portMappings": [mapping]}
    whole = {"family": "catalog", "containerDefinitions": [box | more]}
    return {"task.json": json.dumps(whole, indent=2)}


def beside(image: str, **more: object) -> dict[str, str]:
    """A second container in the task of the application."""
    box = {"name": "store", "image": image, "memory": 128} | more
    whole = json.loads(task_json()["task.json"])
    whole["containerDefinitions"].append(box)
    whole["volumes"] = [{"name": "efs", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]
    return {"task.json": json.dumps(whole, indent=2)}


def batch(ttl: int, fill: str = "sed s/IPADDRESS/$IP/ record.json >/tmp/r.json") -> dict[str, str]:
    """A change batch with a gap, and the script that fills it."""
    answer = {"Name": "catalog.example.com", "Type": "A", "TTL": ttl}
    of = answer | {"ResourceRecords": [{"Value": "IPADDRESS"}]}
    change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": of}]}
    return {
        "dns/record.json": json.dumps(change, indent=2),
        "dns/set.sh": "IP=$(aws ec2 describe-instances --instance-ids i-1 | jq -r .x)\n"
        f"{fill}\naws route53 change-resource-record-sets --change-batch file:///tmp/r.json\n",
    }


def given_cluster(more: str = "") -> dict[str, str]:
    """The cluster in one template, and a service in another that is told which."""
    return {
        "cluster.yml": f"""Resources:
  Shop: {{Type: AWS::ECS::Cluster}}
  Node:
    Type: AWS::EC2::Instance
    Properties:
      InstanceType: t3.micro
      SecurityGroupIds: [!Ref Hosts]
      UserData: {{Fn::Base64: !Sub "echo ECS_CLUSTER=${{Shop}} >> /etc/ecs/ecs.config"}}
  Hosts:
    Type: AWS::EC2::SecurityGroup
    Properties:
      SecurityGroupIngress: [{{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0}}]
{more}""",
        "service.yml": """Parameters: {Cluster: {Type: String}, Group: {Type: String}}
Resources:
  Catalog:
    Type: AWS::ECS::Service
    Properties:
      Cluster: !Ref Cluster
      TaskDefinition: !Ref Task
      LoadBalancers: [{ContainerName: web, ContainerPort: 8080, TargetGroupArn: !Ref Group}]
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - {Name: web, Image: web, Memory: 128, PortMappings: [{ContainerPort: 8080}]}
""",
    }


OTHER_CLUSTER = """  Tools: {Type: AWS::ECS::Cluster}
  Other:
    Type: AWS::EC2::Instance
    Properties:
      InstanceType: t3.micro
      UserData: {Fn::Base64: !Sub "echo ECS_CLUSTER=${Tools} >> /etc/ecs/ecs.config"}
"""


def template(port: int, minimum: int = 100, maximum: int = 200) -> dict[str, str]:
    return {
        "stack.yaml": f"""Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: catalog
      NetworkMode: bridge
      ContainerDefinitions:
        - Name: catalog
          Image: catalog:1
          Memory: 128
          HealthCheck:
            Command: [CMD-SHELL, "true"]
          PortMappings:
            - ContainerPort: 8080
              HostPort: {port}
  Service:
    Type: AWS::ECS::Service
    Properties:
      ServiceName: catalog
      TaskDefinition: !Ref Task
      DesiredCount: 1
      DeploymentConfiguration:
        MinimumHealthyPercent: {minimum}
        MaximumPercent: {maximum}
"""
    }


def compose(body: str, name: str = "catalog") -> dict[str, str]:
    return {"compose.yaml": f"services:\n  {name}:\n    image: shop/{name}\n{body}"}


AWSVPC = tf(BASE, task(mode="awsvpc", port="8080"), service())
LIFECYCLE = "lifecycle {\n    ignore_changes = [desired_count]\n  }"
SCALE = {"scale.sh": "aws ecs update-service --cluster shop --service catalog --desired-count 2\n"}
VOLUME = """volume {
    name      = "data"
    host_path = "/srv/catalog"
  }"""
PROBED = 'dockerLabels = { "fairlead.service" = "catalog" }'
MOUNT = 'mountPoints = [{ sourceVolume = "data", containerPath = "/data" }]'
EFS = """volume {
    name = "data"
    efs_volume_configuration {
      file_system_id = "fs-1"
    }
  }"""
SERVICE = """{
  "cluster": "shop", "serviceName": "catalog", "taskDefinition": "@@TASK@@", "desiredCount": 1,
  "deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 0}
}"""
WORKFLOW = {
    ".github/workflows/scale.yml": """on:
  workflow_dispatch:
    inputs:
      service: {}
      count: {}
jobs:
  scale:
    runs-on: ubuntu-latest
    steps:
      - run: |
          aws ecs update-service --cluster shop --service ${{ inputs.service }} \\
            --desired-count ${{ inputs.count }}
"""
}
SCALING = """
resource "aws_appautoscaling_target" "catalog" {
  resource_id  = "service/${aws_ecs_cluster.shop.name}/${aws_ecs_service.catalog.name}"
  max_capacity = 4
  min_capacity = 1
}
"""
LATER = """TASKS=$(aws ecs list-tasks --cluster c --service-name catalog)
TASK=$(echo "$TASKS" | jq -r '.taskArns[0]')
"""
OWN = """#!/bin/bash
TASK=$(curl -s $ECS_CONTAINER_METADATA_URI | jq -r .TaskARN)
cat <<EOF > dns.json
{"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {"Name": "game.example.com", "Type": "A",
  "TTL": 30, "ResourceRecords": [{"Value": "$IP"}]}}]}
EOF
aws route53 change-resource-record-sets --hosted-zone-id Z1 --change-batch file://dns.json
"""
OWN_NODE = OWN.replace("$ECS_CONTAINER_METADATA_URI", "http://169.254.169.254/latest/meta-data/x")
SEVERAL = '"SetIdentifier": "$TASK", "MultiValueAnswer": true, "TTL"'
PROXIED = """curl -X PUT https://api.cloudflare.com/client/v4/zones/Z/dns_records/R \\
  -d '{"type":"A","name":"a.example.com","content":"'$IP'","ttl":1,"proxied":true}'
aws ec2 describe-instances --filters x
"""
TELLS = """TASK=$(aws ecs list-tasks --cluster c --query 'taskArns[0]' --output text)
aws elbv2 describe-load-balancers --query 'LoadBalancers[0].DNSName'
"""
SIDECAR = {
    "task.json": json.dumps(
        {
            "family": "web",
            "networkMode": "awsvpc",
            "containerDefinitions": [
                {"name": "nginx", "portMappings": [{"containerPort": 80}]},
                {"name": "app", "portMappings": [{"containerPort": 8000}]},
            ],
        }
    ),
    "nginx.conf": conf("localhost:8000"),
}
PHP = """server {
  listen 80;
  location ~ \\.php$ {
    fastcgi_pass 127.0.0.1:9000;
  }
  location /grafana/ {
    proxy_pass http://localhost:3000;
  }
}
"""
REPLICAS = """    deploy:
      replicas: 3
"""
MOUNTED = VOLUME.replace("/srv/catalog", "/mnt/efs/catalog")
BEHIND = (group(), task(), service(more=BALANCED))
AGENT = task(container=MOUNT, volume=VOLUME).replace("registry.example.com/", "newrelic/")
NAMELESS = service().replace('= "catalog"', "= var.n")
PLACED = """placement_constraints {
    type       = "memberOf"
    expression = "attribute:environment == %s"
  }"""
APART = (
    task(port="8083"),
    service(more=PLACED % "production"),
    task("alerts", "8083"),
    service("alerts", PLACED % "test"),
)
TWICE = """    ports: ["8083:8080"]
  alerts:
    image: shop/alerts
    ports: ["8083:9000"]
"""

WRONG: list[tuple[str, Mapping[str, str]]] = [
    ("fixed-host-port", tf(BASE, task(port="8083"), service())),
    ("fixed-host-port", tf(BASE, task(mode="host", port="8080"), service())),
    ("fixed-host-port", task_json("8083")),
    ("fixed-host-port", tf(BASE, task("nginx", "80"), service("nginx"))),
    ("fixed-host-port", template(8083)),
    ("fixed-host-port", compose('    ports:\n      - "8083:8080"\n')),
    ("dns-single-target", tf(BASE, task(), service()) | script("taskArns[0]")),
    ("dns-single-target", script("taskArns | [0]")),
    ("dns-single-target", {"dns.sh": LATER}),
    ("dns-single-target", {"entrypoint.sh": OWN}),
    ("dns-single-target", tf(BASE, task(), service()) | {"boot.sh": OWN_NODE}),
    ("dns-single-target", tf(BASE, task(), service(), record("[aws_instance.node[0].public_ip]"))),
    ("proxy-single-upstream", {"nginx.conf": conf("localhost:8083")}),
    (
        "proxy-single-upstream",
        tf(BASE, task(port="8083"), service()) | {"a.conf": conf("127.0.0.1:8083")},
    ),
    (
        "proxy-single-upstream",
        compose("    expose: [8080]\n") | {"nginx.conf": conf("catalog:8080")},
    ),
    (
        "security-group-ports",
        tf(CLUSTER, nodes(), security(80, 80), group(), task(), service(more=BALANCED)),
    ),
    (
        "security-group-ports",
        tf(CLUSTER, nodes(), security(49153, 65535), group(), task(), service(more=BALANCED)),
    ),
    (
        "security-group-ports",
        tf(CLUSTER, nodes(), security(80, 80), group(), task(port="8083"), service(more=BALANCED)),
    ),
    (
        "security-group-ports",
        tf(CLUSTER, nodes(), security(80, 80), task(), service())
        | {"n.conf": conf("10.0.1.10:32768", "10.0.1.11:32769")},
    ),
    ("no-health-check", tf(BASE, task().replace("healthCheck", "labels"), service())),
    (
        "no-health-check",
        template(0)
        | {"stack.yaml": template(0)["stack.yaml"].replace("HealthCheck:", "DockerLabels:")},
    ),
    ("deploy-downtime", tf(BASE, task(), service(more="deployment_minimum_healthy_percent = 0"))),
    ("deploy-downtime", tf(BASE, task(), service(more="deployment_maximum_percent = 100"))),
    ("deploy-downtime", tf(BASE, task(), service(more="deployment_maximum_percent = 150"))),
    ("deploy-downtime", tf(ONE_NODE, task(port="8083"), service())),
    ("deploy-downtime", template(0, 0)),
    ("deploy-downtime", {"service.json": SERVICE}),
    ("dns-ttl", tf(BASE, task(), service(), record("aws_instance.node[*].public_ip", 300))),
    ("dns-ttl", script("taskArns[]", 300)),
    ("dns-ttl", {"dns.sh": PROXIED.replace("true", "false")}),
    ("stop-timeout", tf(BASE, task(container="stopTimeout = 2"), service())),
    (
        "stop-timeout",
        tf(
            BASE,
            task(container='environment = [{ name = "GRACEFUL_SHUTDOWN_TIMEOUT", value = "45s" }]'),
            service(),
        ),
    ),
    ("stop-timeout", task_json(stopTimeout=1)),
    ("stop-timeout", task_json(stopTimeout=1, portMappings=[])),
    ("stop-timeout", compose("    ports: ['8080']\n    stop_grace_period: 1s\n")),
    ("memory-fit", tf(BASE, task(memory=1000), service())),
    ("memory-fit", tf(ONE_NODE, task(memory=600), service())),
    ("memory-fit", tf(BASE, task(memory=600), service(count="3"))),
    ("desired-count-drift", tf(BASE, task(), service()) | SCALE),
    ("desired-count-drift", tf(BASE, task(), service()) | WORKFLOW),
    ("desired-count-drift", tf(BASE, task("shop-catalog"), service("shop-catalog")) | SCALE),
    (
        "desired-count-drift",
        tf(
            BASE,
            task(),
            service(),
            SCALING,
        ),
    ),
    ("security-group-ports", given_cluster()),
    ("dns-ttl", batch(300)),
    ("local-state", beside("example/mysql:8")),
    ("local-state", tf(BASE, task(container=MOUNT, volume=VOLUME), service())),
    (
        "local-state",
        task_json(environment=[{"name": "DATABASE_URL", "value": "sqlite:////data/a.db"}]),
    ),
    (
        "port-collision",
        tf(BASE, task(port="8083"), service(), task("alerts", "8083"), service("alerts")),
    ),
    ("port-collision", tf(BASE, task(port="51678"), service())),
    (
        "port-collision",
        {
            "a.conf": conf("localhost:8083", "localhost:8086")
            + conf("localhost:8086", "localhost:8089", host="search.example.com").replace(
                "catalog", "search"
            )
        },
    ),
    (
        "port-collision",
        compose(TWICE),
    ),
    (
        "target-group-type",
        tf(BASE, group(), task(mode="awsvpc", port="8080"), service(more=BALANCED)),
    ),
    ("target-group-type", tf(BASE, group("ip"), task(), service(more=BALANCED))),
    ("eni-limit", tf(ONE_NODE, task(mode="awsvpc", port="8080"), service())),
    ("eni-limit", tf(BASE, task(mode="awsvpc", port="8080"), service(count="2"))),
    (
        "cross-node-proxy",
        tf(BASE, task(port="8083"), service()) | {"n.conf": conf("localhost:8083")},
    ),
    (
        "cross-node-proxy",
        tf(BASE, task(port="8083"), service())
        | {"n.conf": conf("localhost:8083", "localhost:8086")},
    ),
]

RIGHT: list[tuple[str, Mapping[str, str]]] = [
    ("fixed-host-port", tf(BASE, task(), service())),
    ("fixed-host-port", AWSVPC),
    ("fixed-host-port", tf(BASE, task("nginx", "80"), service("nginx"), task(), service())),
    ("fixed-host-port", task_json()),
    (
        "fixed-host-port",
        tf(BASE, task(port="8083"), service(more='scheduling_strategy = "DAEMON"', count="null")),
    ),
    ("fixed-host-port", compose('    ports: ["8080"]\n')),
    ("fixed-host-port", compose('    ports: ["80:80"]\n', "nginx")),
    ("fixed-host-port", compose('    ports: ["8001:80", "443:443"]\n', "web")),
    ("fixed-host-port", compose('    ports: ["5432:5432"]\n', "postgres")),
    ("fixed-host-port", compose('    ports: ["8083-8085:8080"]\n')),
    ("dns-single-target", script("taskArns[]")),
    (
        "dns-single-target",
        {
            "ops/shell.sh": "TASK=$(aws ecs list-tasks --query 'taskArns[0]' --output text)\n"
            "aws ecs execute-command --task $TASK\n"
        },
    ),
    ("dns-single-target", tf(BASE, task(), service(), record("aws_instance.node[*].public_ip"))),
    ("dns-single-target", {"ops/url.sh": TELLS}),
    ("dns-single-target", {"entrypoint.sh": OWN.replace('"TTL"', SEVERAL)}),
    ("dns-single-target", tf(ONE_NODE, task(), service()) | {"boot.sh": OWN_NODE}),
    (
        "dns-single-target",
        tf(ONE_NODE, task(), service(), record("[aws_instance.node[0].public_ip]")),
    ),
    (
        "dns-single-target",
        tf(
            BASE,
            task(),
            service(),
            record(
                "[aws_instance.node[0].public_ip]",
                more='set_identifier = "a"\n  multivalue_answer_routing_policy = true',
            ),
        ),
    ),
    ("proxy-single-upstream", {"n.conf": conf("localhost:8083", "localhost:8086")}),
    (
        "proxy-single-upstream",
        {
            "n.conf": "server {\n  listen 80;\n  resolver 127.0.0.11;\n  location / {\n"
            "    set $up http://catalog:8080;\n    proxy_pass $up;\n  }\n}\n"
        },
    ),
    ("proxy-single-upstream", {"n.conf": conf("internal-shop.eu-west-1.elb.amazonaws.com:80")}),
    ("proxy-single-upstream", SIDECAR),
    ("proxy-single-upstream", task_json() | {"n.conf": conf("127.0.0.1:9000")}),
    ("proxy-single-upstream", {"n.conf": PHP}),
    ("proxy-single-upstream", compose(REPLICAS) | {"n.conf": conf("catalog:8080")}),
    ("fixed-host-port", compose('    ports: ["8080:8080"]\n', "reverse-proxy")),
    ("local-state", tf(BASE, task(container=MOUNT, volume=MOUNTED), service())),
    ("security-group-ports", tf(BASE, group(), task(), service(more=BALANCED))),
    ("security-group-ports", tf(CLUSTER, nodes(), security(80, 80), task(), service())),
    ("security-group-ports", tf(BASE.replace('"tcp"', '"TCP"'), *BEHIND)),
    (
        "no-health-check",
        tf(BASE, group(), task().replace("healthCheck", "labels"), service(more=BALANCED)),
    ),
    ("no-health-check", tf(BASE, task(), service())),
    (
        "no-health-check",
        tf(BASE, task(container=PROBED).replace("healthCheck", "labels"), service()),
    ),
    ("no-health-check", compose('    ports: ["8080"]\n')),
    ("deploy-downtime", tf(BASE, task(), service())),
    (
        "deploy-downtime",
        tf(BASE, task(), service(more="deployment_minimum_healthy_percent = 50", count="2")),
    ),
    ("deploy-downtime", tf(BASE, task(port="8083"), service())),
    (
        "deploy-downtime",
        tf(
            BASE,
            task(port="8083"),
            service(
                more='scheduling_strategy = "DAEMON"\n  deployment_minimum_healthy_percent = 0',
                count="null",
            ),
        ),
    ),
    ("dns-ttl", tf(BASE, task(), service(), record("aws_instance.node[*].public_ip", 60))),
    ("dns-ttl", script("taskArns[]", 60)),
    ("dns-ttl", {"dns.sh": PROXIED}),
    (
        "dns-ttl",
        tf(
            BASE,
            task(),
            service(),
            record('["192.0.2.7"]', 3600).replace("catalog.example", "mail.example"),
        ),
    ),
    ("stop-timeout", tf(BASE, task(container="stopTimeout = 60"), service())),
    ("stop-timeout", tf(BASE, task(), service())),
    ("memory-fit", tf(BASE, task(memory=256), service(count="2"))),
    ("memory-fit", tf(CLUSTER, nodes(kind="x9.huge"), security(), task(memory=900), service())),
    ("desired-count-drift", tf(BASE, task(), service(more=LIFECYCLE)) | SCALE),
    ("desired-count-drift", tf('variable "n" {}\n', BASE, task(), NAMELESS) | SCALE),
    (
        "desired-count-drift",
        tf(BASE, task(), service()) | {"s.sh": SCALE["scale.sh"].replace("catalog", "alerts")},
    ),
    (
        "desired-count-drift",
        tf(BASE, task(), service())
        | {"s.sh": "aws ecs update-service --service catalog --force-new-deployment\n"},
    ),
    ("security-group-ports", given_cluster(OTHER_CLUSTER)),
    ("dns-ttl", batch(60)),
    ("dns-ttl", batch(300, fill="true")),
    ("local-state", beside("redis:7")),
    ("local-state", beside("mysql:8", essential=False)),
    (
        "local-state",
        beside("mysql:8", mountPoints=[{"sourceVolume": "efs", "containerPath": "/var/lib/mysql"}]),
    ),
    ("local-state", tf(BASE, task(container=MOUNT, volume=EFS), service())),
    ("local-state", tf(BASE, AGENT, service())),
    (
        "local-state",
        tf(
            BASE,
            task(container=MOUNT.replace('"/data"', '"/data", readOnly = true'), volume=VOLUME),
            service(),
        ),
    ),
    (
        "local-state",
        tf(
            BASE,
            task(container=MOUNT, volume=VOLUME.replace("/srv/catalog", "/var/run/docker.sock")),
            service(),
        ),
    ),
    (
        "port-collision",
        tf(BASE, task(port="8083"), service(), task("alerts", "8084"), service("alerts")),
    ),
    ("port-collision", tf(BASE, task(), service(), task("alerts"), service("alerts"))),
    ("port-collision", AWSVPC),
    ("port-collision", tf(BASE, *APART)),
    ("cross-node-proxy", tf(BASE, APART[0], APART[1]) | {"n.conf": conf("localhost:8083")}),
    (
        "target-group-type",
        tf(BASE, group("ip"), task(mode="awsvpc", port="8080"), service(more=BALANCED)),
    ),
    ("target-group-type", tf(BASE, group(), task(), service(more=BALANCED))),
    ("eni-limit", tf(BASE, task(mode="awsvpc", port="8080"), service())),
    (
        "eni-limit",
        tf(ONE_NODE, task(mode="awsvpc", port="8080"), service(more='launch_type = "FARGATE"')),
    ),
    (
        "cross-node-proxy",
        tf(ONE_NODE, task(port="8083"), service()) | {"n.conf": conf("localhost:8083")},
    ),
    (
        "cross-node-proxy",
        tf(BASE, task(port="8083"), service(more='scheduling_strategy = "DAEMON"', count="null"))
        | {"n.conf": conf("localhost:8083")},
    ),
]


@pytest.mark.parametrize(("kind", "files"), WRONG)
def test_what_is_wrong_is_found(kind: str, files: Mapping[str, str], tmp_path: Path) -> None:
    report = looked(tmp_path, files)
    assert kind in kinds(report), (kinds(report), report.unknown)


@pytest.mark.parametrize(("kind", "files"), RIGHT)
def test_what_is_right_is_not(kind: str, files: Mapping[str, str], tmp_path: Path) -> None:
    found = [each for each in looked(tmp_path, files).findings if each.kind == kind]
    assert not found, found[0].message


def test_every_kind_has_both() -> None:
    assert {kind for kind, _ in WRONG} == set(KINDS) == {kind for kind, _ in RIGHT}


def test_a_good_set_up_has_no_finding_at_all(tmp_path: Path) -> None:
    files = tf(BASE, group(), task(), service(more=BALANCED + "\n  " + LIFECYCLE, count="2"))
    report = looked(tmp_path, files)
    assert not report.findings, [each.message for each in report.findings]
    assert not report.unknown


@pytest.mark.parametrize("mode", ["bridge", "host"])
def test_what_is_unknown_is_no_finding_and_is_told(mode: str, tmp_path: Path) -> None:
    files = tf(
        'variable "port" {}\n',
        BASE,
        task(port="var.port", mode=mode).replace("8080\n", "var.port\n"),
        service(),
    )
    report = looked(tmp_path, files)
    assert "fixed-host-port" not in kinds(report)
    assert any("host port of catalog" in each.what for each in report.unknown)


def test_ids_stay_when_lines_move(tmp_path: Path) -> None:
    files = tf(BASE, task(port="8083"), service())
    before = {each.id for each in looked(tmp_path, files).findings}
    moved = {"main.tf": "\n\n# more\n" + files["main.tf"]}
    assert before == {each.id for each in looked(tmp_path, moved).findings} != set()


def test_the_line_of_a_modules_caller_is_the_one(tmp_path: Path) -> None:
    module = 'variable "host_port" {}\n' + BASE + task(port="var.host_port") + service()
    call = 'module "catalog" {\n  source    = "./service"\n  host_port = 8083\n}\n'
    report = looked(tmp_path, {"main.tf": call, "service/main.tf": module})
    finding = next(each for each in report.findings if each.kind == "fixed-host-port")
    assert finding.evidence == "host_port = 8083"
    assert [at.line for at in finding.origin if at != finding.at]


def test_the_line_is_the_values_own(tmp_path: Path) -> None:
    report = looked(tmp_path, tf(BASE, task(port="8083"), service()))
    finding = next(each for each in report.findings if each.kind == "fixed-host-port")
    assert finding.evidence == "hostPort      = 8083"
    assert finding.service == "catalog"
