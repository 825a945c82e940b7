"""The question that it all began with: a second copy of a service that was made for one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fairlead.core.costs.prices import Machine
from fairlead.core.errors import BadInput, UnknownName
from fairlead.core.setup import (
    At,
    Call,
    Container,
    DnsRecord,
    Fact,
    NodeGroup,
    Port,
    ProxyTarget,
    ServiceSetup,
    Setup,
    TaskDefinition,
)
from fairlead.core.whatif.build import model_of
from fairlead.core.whatif.follow import Flow
from fairlead.core.whatif.given import Given
from fairlead.core.whatif.model import Model, Naming, balanced, dynamic
from fairlead.core.whatif.predict import Prediction, predict

MACHINES = {"t3.micro": Machine(2, 1024, "x86_64", 916)}
SCRIPT = "dns.sh"


def service(name: str, port: int, memory: int = 256) -> tuple[ServiceSetup, TaskDefinition]:
    mapping = Port(Fact(8080), Fact(port))
    container = Container(name, ports=(mapping,), memory=Fact(memory))
    task = TaskDefinition(f"task.{name}", name, Fact("bridge"), containers=(container,))
    return ServiceSetup(f"shop-{name}", task=task.key, cluster="c", desired=Fact(1)), task


def shop(nodes: int, *records: DnsRecord) -> Setup:
    """Catalog and alerts, each with its port and its nginx server, and a script for DNS."""
    pairs = [service("catalog", 8083), service("alerts", 8084)]
    proxies = tuple(
        ProxyTarget((f"{name}.example.com",), (f"localhost:{port}",), listen=(80,))
        for name, port in (("catalog", 8083), ("alerts", 8084))
    )
    query = {"service-name": "$SERVICE_NAME", "query": "taskArns[0]"}
    calls = (
        Call("ecs", "list-tasks", query, at=At(SCRIPT, 1)),
        Call("route53", "change-resource-record-sets", at=At(SCRIPT, 2)),
    )
    group = NodeGroup("asg", Fact("t3.micro"), Fact(nodes), cluster="c")
    return Setup(
        tuple(task for _, task in pairs),
        tuple(each for each, _ in pairs),
        (group,),
        records=records,
        proxies=proxies,
        calls=() if records else calls,
        texts={SCRIPT: ("aws ecs list-tasks --query 'taskArns[0]'", "aws route53 ...")},
    )


def model(nodes: int, count: int = 2, **given: object) -> Model:
    return model_of(shop(nodes), {"catalog": count}, Given(machines=MACHINES, **given))  # type: ignore[arg-type]


def flow(prediction: Prediction, host: str = "catalog.example.com") -> Flow:
    return next(each for each in prediction.flows if each.way.host == host)


def test_both_on_one_instance_is_a_port_conflict() -> None:
    found = predict(model(1))
    (pending,) = found.scene.pending
    assert (pending.service, pending.count) == ("shop-catalog", 1)
    assert pending.message == (
        "(service shop-catalog) was unable to place a task because no container instance met all of"
        " its requirements. The closest matching (container-instance node-1) is already using a"
        " port required by your task. For more information, see the Troubleshooting section of the"
        " Amazon ECS Developer Guide."
    )
    assert flow(found).shares == {"shop-catalog-1": 1.0}
    assert not found.unreached
    assert len(found.outcomes) == 1


def test_on_two_instances_dns_reaches_one_and_the_other_task_gets_nothing() -> None:
    found = predict(model(2))
    assert not found.scene.pending
    assert {t.node for t in found.scene.of("shop-catalog")} == {"node-1", "node-2"}
    assert flow(found).way.naming is Naming.FIRST
    assert flow(found).shares == {"shop-catalog-1": 1.0}
    (left,) = found.unreached
    assert (left.task, left.node) == ("shop-catalog-2", "node-2")
    assert {e.at: e.share for e in flow(found).entries} == {"node-1": 1.0, "node-2": 0.0}


def test_the_node_that_dns_names_takes_everything_with_it_until_the_script_runs() -> None:
    found = predict(model(2))
    lost = {each.what: each for each in found.losses if each.kind == "node"}
    before, after = (next(f for f in flows if f.way.service == "shop-catalog")
                     for flows in (lost["node-1"].before, lost["node-1"].after))  # fmt: skip
    assert before.failing == 1.0
    assert before.reasons == ("node-1 does not answer",)
    assert (after.failing, after.shares) == (0.0, {"shop-catalog-2": 1.0})
    assert [p.service for p in lost["node-1"].pending] == ["shop-catalog"]


def test_with_fairlead_both_get_half_and_a_lost_node_costs_nothing_once_dns_knows() -> None:
    found = predict(dynamic(model(2)))
    assert flow(found).shares == pytest.approx({"shop-catalog-1": 0.5, "shop-catalog-2": 0.5})
    assert not found.unreached
    for each in (loss for loss in found.losses if loss.kind == "node"):
        own = [f for f in each.after if f.way.service == "shop-catalog"]
        assert [f.failing for f in own] == [0.0]
        assert [f.failing for f in each.before if f.way.service == "shop-catalog"] == [0.5]
    tasks = [each for each in found.losses if each.kind == "task"]
    assert [max(f.failing for f in each.before) for each in tasks] == [0.0, 0.0]
    assert [(d.completes, d.failing) for d in found.deploys] == [(True, 0.0)]


def test_with_fairlead_two_run_on_one_instance() -> None:
    found = predict(dynamic(model(1)))
    assert not found.scene.pending
    assert flow(found).shares == pytest.approx({"shop-catalog-1": 0.5, "shop-catalog-2": 0.5})


def test_a_load_balancer_sends_to_a_dead_task_until_it_notices() -> None:
    found = predict(balanced(model(2)))
    assert flow(found).shares == pytest.approx({"shop-catalog-1": 0.5, "shop-catalog-2": 0.5})
    task = next(each for each in found.losses if each.kind == "task")
    assert [f.failing for f in task.before if f.way.service == "shop-catalog"] == [0.5]
    assert [f.failing for f in task.after if f.way.service == "shop-catalog"] == [0.0]


def test_a_deploy_with_one_port_on_one_instance_never_ends() -> None:
    (found,) = predict(model(1, 1)).deploys
    assert not found.completes
    assert found.failing == 0.0
    assert "already using a port" in found.stages[-1].waits


def test_a_deploy_that_may_stop_the_only_task_is_downtime() -> None:
    made = model(1, 1)
    services = tuple(replace(each, minimum=0, maximum=100) for each in made.services)
    (found,) = predict(replace(made, services=services)).deploys
    assert found.completes
    assert (found.least, found.failing) == (0, 1.0)


def test_a_third_copy_finds_no_port() -> None:
    found = predict(model(2, 3))
    assert [(p.service, p.count) for p in found.scene.pending] == [("shop-catalog", 1)]


def test_more_memory_than_there_is() -> None:
    found = predict(dynamic(model(1, 4)))
    (pending,) = found.scene.pending
    assert pending.count == 2
    assert "has insufficient memory available" in pending.message


def test_a_record_of_two_nodes_reaches_what_is_there() -> None:
    record = DnsRecord("*.example.com", "A", nodes=("asg",))
    setup = shop(2, record)
    found = predict(model_of(setup, {"catalog": 2}, Given(machines=MACHINES)))
    assert flow(found).shares == pytest.approx({"shop-catalog-1": 0.5, "shop-catalog-2": 0.5})
    alerts = flow(found, "alerts.example.com")
    assert alerts.failing == 0.5
    (where,) = found.scene.of("shop-alerts")
    other = next(n.arn for n in found.model.nodes if n.arn != where.node)
    assert alerts.reasons == (f"nothing listens on port 8084 of {other}",)


def test_what_is_not_said_is_asked_for() -> None:
    setup = replace(shop(1), nodes=())
    with pytest.raises(BadInput, match="give --nodes N"):
        model_of(setup, {"catalog": 2}, Given(machines=MACHINES))
    with pytest.raises(BadInput, match="give --instance-type"):
        model_of(setup, {"catalog": 2}, Given(nodes=1, machines=MACHINES))
    with pytest.raises(BadInput, match="--node-memory"):
        model_of(setup, {"catalog": 2}, Given(nodes=1, kind="x9.huge", machines=MACHINES))
    with pytest.raises(UnknownName, match="did you mean 'shop-catalog'"):
        model_of(setup, {"shop-catalgo": 2}, Given(nodes=1, machines=MACHINES))


def test_dns_that_nothing_describes_is_said_to_be_taken_for_granted() -> None:
    setup = replace(shop(2), calls=())
    made = model_of(setup, {"catalog": 2}, Given(machines=MACHINES))
    assert any("--dns" in each for each in made.assumed)
    said = model_of(setup, {"catalog": 2}, Given(machines=MACHINES, naming=Naming.FIRST))
    assert not any("--dns" in each for each in said.assumed)


def test_a_script_that_names_the_nodes_of_all_tasks() -> None:
    setup = shop(2)
    query = {"service-name": "$SERVICE_NAME", "query": "taskArns[]"}
    listing = Call("ecs", "list-tasks", query, loops=True, at=At(SCRIPT, 1))
    lines = ("aws ecs list-tasks --query 'taskArns[]'", "aws route53 ...")
    setup = replace(setup, calls=(listing, setup.calls[1]), texts={SCRIPT: lines})
    found = predict(model_of(setup, {"catalog": 2}, Given(machines=MACHINES)))
    assert flow(found).way.naming is Naming.TASKS
    assert flow(found).shares == pytest.approx({"shop-catalog-1": 0.5, "shop-catalog-2": 0.5})


@pytest.mark.parametrize("name", ["*.example.com", "$SERVICE.example.com", "catalog.example.com."])
def test_a_record_covers_a_host(name: str) -> None:
    setup = shop(2, DnsRecord(name, "A", addresses=("203.0.113.5",)))
    found = model_of(setup, {"catalog": 2}, Given(machines=MACHINES))
    (way,) = found.ways_to("shop-catalog")
    assert (way.naming, way.nodes) == (Naming.FIXED, ("node-1",))
    given = Given(machines=MACHINES, addresses=("198.51.100.7", "203.0.113.5"))
    (way,) = model_of(setup, {"catalog": 2}, given).ways_to("shop-catalog")
    assert way.nodes == ("node-2",)


def test_another_name_is_not_covered() -> None:
    setup = shop(2, DnsRecord("*.example.org", "A", addresses=("203.0.113.5",)))
    (way,) = model_of(setup, {"catalog": 2}, Given(machines=MACHINES)).ways_to("shop-catalog")
    assert way.naming is Naming.UNSAID


def upstream(*servers: str, host_port: int = 0) -> Setup:
    pair = service("catalog", host_port)
    proxy = ProxyTarget(("catalog.example.com",), servers, "catalog")
    nodes = (NodeGroup("asg", Fact("t3.micro"), Fact(2), cluster="c"),)
    return Setup((pair[1],), (pair[0],), nodes, proxies=(proxy,))


def test_ports_that_docker_picked_are_kept_up_to_date_by_whoever_wrote_them() -> None:
    setup = upstream("10.0.1.100:32768", "10.0.1.101:32769")
    given = Given(machines=MACHINES, naming=Naming.TASKS)
    found = predict(model_of(setup, {"catalog": 3}, given))
    assert sorted(flow(found).shares.values()) == pytest.approx([1 / 3] * 3)
    assert any("taken as kept up to date" in each for each in found.model.assumed)


def test_a_server_of_nobody_that_is_known_is_unknown_and_no_failure() -> None:
    setup = upstream("10.0.1.100:8083", "localhost:8083", host_port=8083)
    given = Given(machines=MACHINES, naming=Naming.SERVING)
    found = predict(model_of(setup, {"catalog": 2}, given))
    assert (flow(found).unknown, flow(found).failing) == (0.5, 0.0)
    assert not found.unreached
    known = replace(given, addresses=("10.0.1.100", "10.0.1.101"))
    shares = flow(predict(model_of(setup, {"catalog": 2}, known))).shares
    assert shares == pytest.approx({"shop-catalog-1": 0.75, "shop-catalog-2": 0.25})


def test_strategies_and_constraints_place_tasks() -> None:
    setup = shop(2)
    (catalog, alerts), (asg,) = setup.services, setup.nodes
    packed = replace(catalog, strategies=(("binpack", "memory"),))
    setup = replace(setup, services=(packed, alerts))
    found = predict(dynamic(model_of(setup, {"catalog": 2}, Given(machines=MACHINES))))
    assert {t.node for t in found.scene.of("shop-catalog")} == {"node-1"}
    small = replace(asg, key="small", instance_type=Fact("t3.nano"))
    only = replace(packed, constraints=("attribute:ecs.instance-type == t3.nano",))
    setup = replace(setup, services=(only, alerts), nodes=(asg, small))
    machines = {**MACHINES, "t3.nano": Machine(2, 512, "x86_64")}
    found = predict(model_of(setup, {"catalog": 2}, Given(machines=machines)))
    assert {t.node for t in found.scene.of("shop-catalog")} == {"node-3", "node-4"}


@pytest.mark.parametrize("text", ["attribute:gpu exists", "", "attribute:ecs.instance-type =~ ["])
def test_a_constraint_on_what_is_not_known_of_nodes_is_said(text: str) -> None:
    setup = shop(2)
    chosen = replace(setup.services[0], constraints=(text,), strategies=(("", ""),))
    setup = replace(setup, services=(chosen, setup.services[1]))
    made = model_of(setup, {"catalog": 2}, Given(machines=MACHINES))
    assert made.service("shop-catalog").constraints == ()
    assert any("taken as all" in each for each in made.assumed)
    assert any("a placement strategy is unknown" in each for each in made.assumed)


def test_other_placements_that_come_out_differently_are_told() -> None:
    setup = shop(2, DnsRecord("catalog.example.com", "A", nodes=("asg",)))
    setup = replace(setup, services=setup.services[:1])
    found = predict(model_of(setup, {"catalog": 1}, Given(machines=MACHINES)))
    assert [each.failing for each in found.outcomes] == [0.5, 0.5]
    one = DnsRecord("catalog.example.com", "A", addresses=("192.0.2.1",))
    setup = replace(setup, records=(one,))
    found = predict(model_of(setup, {"catalog": 1}, Given(machines=MACHINES)))
    assert sorted(each.failing for each in found.outcomes) == [0.0, 1.0]
