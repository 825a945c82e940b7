"""Task definitions, services and change batches in JSON; what is none of these."""

from fairlead.core.setup import At, Fact
from fairlead.inspect.documents import read_document, read_embedded

TASK = """{
\t"family": "shop-catalog",
\t"networkMode": "bridge",
\t"containerDefinitions": [
\t\t{
\t\t\t"name": "catalog",
\t\t\t"image": "<IMAGE>",
\t\t\t"memory": ${MEMORY},
\t\t\t"memoryReservation": 128,
\t\t\t"stopTimeout": 60,
\t\t\t"portMappings": [{"containerPort": 8080, "hostPort": 8083}],
\t\t\t"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]
\t\t}
\t],
\t"volumes": [{"name": "data", "host": {"sourcePath": "/srv/data"}}]
}
"""
SERVICE = """{
  "serviceName": "catalog",
  "cluster": "shop",
  "taskDefinition": "arn:aws:ecs:eu-west-1:1:task-definition/shop-catalog:12",
  "desiredCount": 1,
  "deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100},
  "loadBalancers": [{"containerName": "catalog", "containerPort": 8080}]
}
"""
BATCH = """{"Changes": [
  {"Action": "UPSERT", "ResourceRecordSet": {"Name": "a.example.com.", "Type": "A", "TTL": 300,
    "ResourceRecords": [{"Value": "192.0.2.1"}]}},
  {"Action": "DELETE", "ResourceRecordSet": {"Name": "b.example.com", "Type": "A"}},
  {"Action": "UPSERT", "ResourceRecordSet": {"Name": "c.example.com", "Type": "A",
    "AliasTarget": {"DNSName": "lb.example.net"}}},
  {"Action": "UPSERT", "ResourceRecordSet": {"Name": "d.example.com", "Type": "A", "TTL": 60,
    "SetIdentifier": "1", "MultiValueAnswer": true, "ResourceRecords": [{"Value": "192.0.2.1"}]}}
]}"""


def test_a_task_definition_with_tabs_and_placeholders() -> None:
    setup = read_document("ecs/task.json", TASK)
    assert setup is not None
    (task,) = setup.tasks
    (box,) = task.containers
    (port,) = box.ports
    assert (task.family, task.network_mode.value, task.whole) == ("shop-catalog", "bridge", True)
    assert port.host == Fact(8083, (At("ecs/task.json", 11),))
    assert (box.image.value, box.reservation.value, box.stop_timeout.value) == ("<IMAGE>", 128, 60)
    assert box.memory.value is None
    assert box.memory.unknown
    assert [(m.kind, m.source, m.path) for m in box.mounts] == [("host", "/srv/data", "/data")]


def test_a_service_finds_its_task_definition_in_another_file_of_the_folder() -> None:
    task, service = read_document("ecs/task.json", TASK), read_document("ecs/svc.json", SERVICE)
    assert task is not None
    assert service is not None
    (of,) = service.services
    assert of.task == task.tasks[0].key
    assert (of.name, of.cluster, of.desired.value) == ("catalog", "shop", 1)
    assert (of.minimum_percent.value, of.maximum_percent.value) == (0, 100)
    assert of.at == At("ecs/svc.json", 1)


def test_answers_of_the_api_are_read_as_well() -> None:
    task = read_document("a.json", '{"taskDefinition": ' + TASK + "}")
    services = read_document("b.json", '{"services": [' + SERVICE + '], "failures": []}')
    assert task is not None
    assert services is not None
    assert [t.family for t in task.tasks] == ["shop-catalog"]
    assert [s.name for s in services.services] == ["catalog"]


def test_a_change_batch_in_a_file_of_its_own() -> None:
    setup = read_document("batch.json", BATCH)
    assert setup is not None
    found = {r.name: r for r in setup.records}
    assert list(found) == ["a.example.com", "c.example.com", "d.example.com"]
    assert found["a.example.com"].addresses == ("192.0.2.1",)
    assert found["a.example.com"].ttl.value == 300
    assert found["a.example.com"].at == At("batch.json", 2)
    assert found["c.example.com"].alias
    assert found["d.example.com"].routing == "multivalue"


def test_other_documents_are_none() -> None:
    for text in (
        "",
        "{}",
        "null",
        "services: [a, b]",
        '{"name": "x", "dependencies": {}}',
        "services:\n  App\\Foo: {autowire: true}\nparameters: {}\n",  # Symfony's
        "services:\n  web: {image: x}\nplatform: {kind: docker}\n",  # not Compose's own members
        '{"containerDefinitions": ',
        '{"AWSEBDockerrunVersion": 2, "containerDefinitions": [{"name": "a"}]}',
    ):
        assert read_document("x.yml", text) is None


def test_a_byte_order_mark_and_several_documents() -> None:
    setup = read_document("x.yml", "\ufeff---\na: 1\n---\nservices: {web: {image: nginx}}\n")
    assert setup is not None
    assert [s.name for s in setup.services] == ["web"]


def test_cloud_init_holds_scripts_and_configurations_at_their_own_lines() -> None:
    setup = read_document(
        "user-data.yml",
        "#cloud-config\n"
        "write_files:\n"
        "  - path: /etc/nginx/conf.d/a.conf\n"
        "    content: |\n"
        "      server {\n"
        "        location / { proxy_pass http://localhost:8083; }\n"
        "      }\n"
        "  - path: /usr/local/bin/dns\n"
        "    content: |\n"
        "      #!/bin/sh\n"
        "      aws ecs list-tasks --query 'taskArns[0]'\n",
    )
    assert setup is not None
    assert [p.at for p in setup.proxies] == [At("user-data.yml", 6)]
    assert [c.at for c in setup.calls] == [At("user-data.yml", 11)]


def test_a_text_is_told_by_what_it_holds() -> None:
    conf = "server {\n  location / { proxy_pass http://a:1; }\n}\n"
    script = f"cat > /etc/nginx/a.conf <<'X'\n{conf}X\naws ecs list-tasks\n"
    assert [p.at.line for p in read_embedded("t", conf, 10).proxies] == [11]
    assert [p.at.line for p in read_embedded("t", script, 10).proxies] == [12]
    assert [c.at.line for c in read_embedded("t", script, 10).calls] == [15]
    assert [t.at.line for t in read_embedded("t", TASK, 10).tasks] == [10]
