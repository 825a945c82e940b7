"""The promise: keep-alive clients lose no request while endpoints come, go, roll and drain."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from bench.load import Call
from tests.integration.asking import assert_nothing_lost
from tests.integration.cluster import RunningCluster, service

pytestmark = pytest.mark.integration
Make = Callable[..., RunningCluster]


async def test_scaling_rolling_and_draining_lose_no_request(cluster: Make) -> None:
    shop = cluster({"app": service()})
    await shop.start()
    await shop.ready(1)
    load = shop.load(clients=8)
    running = asyncio.create_task(load.run())
    for _ in range(2):
        await shop.scaled(4)
        await shop.scaled(1)
    await shop.scaled(3)
    await _roll(shop, "2")
    for endpoint in shop.endpoints()[:2]:
        await asyncio.to_thread(shop.client.drain, "app", endpoint["id"])
        await shop.until(lambda e=endpoint: _gone(shop, e["id"]), "the drained endpoint is gone")
        await shop.ready(3)
    before = shop.pids()
    await asyncio.to_thread(shop.client.restart, "app")
    await shop.until(lambda: not before & shop.pids(), "every endpoint was restarted")
    await shop.ready(3)
    load.stop()
    report = await running
    assert_nothing_lost(report)
    assert report.connections == 8
    assert shop.client.status()["proxy"]["reloads"] == 0


async def _roll(shop: RunningCluster, version: str) -> None:
    shop.settings["services"]["app"]["env"] = {"VERSION": version}
    shop.write()
    await asyncio.to_thread(shop.client.apply)
    await shop.until(lambda: "rolled" in shop.event_kinds(), "the roll is done")
    await shop.ready(3)
    assert (await shop.get()).headers["x-version"] == version


def _gone(shop: RunningCluster, endpoint_id: str) -> bool:
    return endpoint_id not in {e["id"] for e in shop.endpoints()}


async def test_every_endpoint_gets_its_share(cluster: Make) -> None:
    shop = cluster({"app": service(replicas=4)})
    await shop.start()
    await shop.ready(4)
    report = await shop.load(clients=8).run(2.0)
    assert_nothing_lost(report)
    share = report.requests / 4
    assert len(report.instances) == 4
    assert all(0.5 * share < count < 1.5 * share for count in report.instances.values())


async def test_killing_an_endpoint_costs_only_posts_that_it_was_working_on(cluster: Make) -> None:
    shop = cluster({"app": service(replicas=3)})
    await shop.start()
    await shop.ready(3)
    gets = shop.load(clients=6, calls=(Call("GET", "/a"),))
    posts = shop.load(clients=6, calls=(Call("POST", "/b", b"body"),))
    running = [asyncio.create_task(load.run()) for load in (gets, posts)]
    kills = 4
    for _ in range(kills):
        await shop.served(gets)
        victim = shop.endpoints()[0]
        os.kill(victim["pid"], signal.SIGKILL)
        await shop.until(lambda v=victim: _gone(shop, v["id"]), "the dead one is out")
        await shop.ready(3)
    gets.stop()
    posts.stop()
    got, posted = [await task for task in running]
    assert_nothing_lost(got)
    assert posted.failed <= 6 * kills
    assert set(posted.reasons) <= {"POST: status 502"}
    assert posted.connections_broken == 0


async def test_killing_the_only_endpoint_lets_requests_wait(cluster: Make) -> None:
    shop = cluster({"app": service()})
    await shop.start()
    await shop.ready(1)
    load = shop.load(clients=4, calls=(Call("GET", "/a"),))
    running = asyncio.create_task(load.run())
    for _ in range(2):
        before, seen = shop.pids(), load.requests
        await shop.until(lambda n=seen: load.requests > n + 200, "load")
        os.kill(next(iter(before)), signal.SIGKILL)
        await shop.until(lambda p=before: shop.pids().isdisjoint(p), "the dead one is out")
        await shop.ready(1)
    load.stop()
    assert_nothing_lost(await running)


async def test_fairlead_killed_under_load_loses_nothing_and_adopts_what_runs(cluster: Make) -> None:
    shop = cluster({"app": service(replicas=2)})
    await shop.start()
    await shop.ready(2)
    before, nginx = shop.pids(), shop.client.status()["proxy"]["pid"]
    load = shop.load(clients=6)
    running = asyncio.create_task(load.run())
    shop.kill_daemon()
    await shop.served(load, 300)
    await shop.start()
    await shop.ready(2)
    assert (shop.pids(), shop.client.status()["proxy"]["pid"]) == (before, nginx)
    await shop.scaled(3)
    load.stop()
    assert_nothing_lost(await running)
    assert "crash" not in shop.event_kinds()


async def test_nginx_killed_is_back_with_its_last_table(cluster: Make) -> None:
    shop = cluster({"app": service(replicas=2)})
    await shop.start()
    await shop.ready(2)
    before, nginx = shop.pids(), shop.client.status()["proxy"]["pid"]
    os.kill(nginx, signal.SIGKILL)
    await shop.until(
        lambda: shop.client.status()["proxy"]["pid"] not in (None, nginx), "nginx is back", 10
    )
    assert (await shop.get("/a")).status == 200
    assert shop.pids() == before
    await shop.scaled(1)


async def test_a_new_service_and_route_are_served_without_a_reload(cluster: Make) -> None:
    shop = cluster({"app": service()})
    await shop.start()
    await shop.ready(1)
    assert (await shop.get("/a", "other.localhost")).status == 404
    shop.settings["services"]["other"] = service(routes=["other.localhost"])
    shop.write()
    shop.daemon.send_signal(signal.SIGHUP)
    await shop.until(lambda: len(shop.client.status()["services"]) == 2, "the file is applied")
    await shop.ready(1, "other")
    assert (await shop.get("/a", "other.localhost")).status == 200
    del shop.settings["services"]["other"]
    shop.write()
    await asyncio.to_thread(shop.client.apply)
    await shop.until(lambda: len(shop.client.status()["services"]) == 1, "the service is gone")
    assert (await shop.get("/a", "other.localhost")).status == 404
    assert shop.client.status()["proxy"]["reloads"] == 0


async def test_a_broken_roll_keeps_the_old_endpoints_and_says_why(cluster: Make) -> None:
    shop = cluster({"app": service(replicas=2)})
    await shop.start()
    await shop.ready(2)
    before = shop.pids()
    load = shop.load(clients=4)
    running = asyncio.create_task(load.run())
    shop.settings["services"]["app"]["env"] = {
        "EXIT_AFTER": "0.05",
        "START_DELAY": "9",
        "VERSION": "2",
    }
    shop.write()
    await asyncio.to_thread(shop.client.apply)
    await shop.until(lambda: "roll-failed" in shop.event_kinds(), "the roll is given up")
    await shop.ready(2)
    await shop.served(load)
    assert shop.pids() == before
    assert "roll" in shop.service()["problem"]
    load.stop()
    assert_nothing_lost(await running)
    answers = [await shop.get() for _ in range(10)]
    assert {answer.headers["x-version"] for answer in answers} == {"1"}


async def test_a_roll_whose_endpoints_never_get_ready_is_given_up(cluster: Make) -> None:
    health = {"path": "/health", "interval": "500ms", "start_timeout": "1s"}
    shop = cluster({"app": service(health=health)})
    await shop.start()
    await shop.ready(1)
    before = shop.pids()
    shop.settings["services"]["app"]["env"] = {"HEALTH": "503"}
    shop.write()
    await asyncio.to_thread(shop.client.apply)
    await shop.until(lambda: "roll-failed" in shop.event_kinds(), "the roll is given up")
    await shop.ready(1)
    assert shop.pids() == before
    told = next(e for e in shop.client.events() if e["kind"] == "roll-failed")
    assert "503" in told["message"]


async def test_nginx_knows_its_services_from_its_first_moment(cluster: Make) -> None:
    shop = cluster({"app": service()})
    starting = asyncio.create_task(shop.start())
    statuses = []
    while not starting.done() or not statuses:
        try:
            statuses.append((await shop.get("/a")).status)
        except OSError:
            await asyncio.sleep(0.001)
    await starting
    assert set(statuses) == {200}


async def test_requests_wait_for_a_service_that_is_starting(cluster: Make) -> None:
    shop = cluster({"app": service(env={"START_DELAY": "1.5"})})
    await shop.start()
    answers = await asyncio.gather(*(shop.get(f"/{n}") for n in range(20)))
    assert [answer.status for answer in answers] == [200] * 20


async def test_a_slow_request_is_finished_before_its_endpoint_stops(cluster: Make) -> None:
    shop = cluster({"app": service(replicas=2)})
    await shop.start()
    await shop.ready(2)
    slow = [asyncio.create_task(shop.get("/slow?1.5")) for _ in range(6)]
    await shop.until(lambda: sum(e["in_flight"] for e in shop.endpoints()) == 6, "in flight")
    await asyncio.to_thread(shop.client.scale, "app", 1)
    assert [(await task).status for task in slow] == [200] * 6
    await shop.ready(1)


async def test_down_leaves_nothing_behind(cluster: Make) -> None:
    shop = cluster({"app": service(replicas=2)})
    await shop.start()
    await shop.ready(2)
    pids = shop.pids()
    await asyncio.to_thread(shop.client.down, keep=False)
    assert shop.daemon is not None
    assert await asyncio.to_thread(shop.daemon.wait, 30) == 0
    assert shop.left_over() == []
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not (shop.state / "fairlead.sock").exists()


async def test_down_with_keep_leaves_everything_serving(cluster: Make) -> None:
    shop = cluster({"app": service(replicas=2)})
    await shop.start()
    await shop.ready(2)
    before = shop.pids()
    await asyncio.to_thread(shop.client.down, keep=True)
    assert shop.daemon is not None
    await asyncio.to_thread(shop.daemon.wait, 30)
    assert (await shop.get("/a")).status == 200
    await shop.start()
    await shop.ready(2)
    assert shop.pids() == before


async def test_a_bad_new_file_leaves_the_old_one_in_force(cluster: Make) -> None:
    shop = cluster({"app": service()})
    await shop.start()
    await shop.ready(1)
    assert (await shop.get()).status == 200  # nginx knows what is ready
    before: Any = shop.client.status()
    shop.file.write_text(shop.file.read_text().replace("replicas", "replicaz"))
    with pytest.raises(Exception, match="replicas"):
        await asyncio.to_thread(shop.client.apply)
    assert "apply-refused" in shop.event_kinds()
    after: Any = shop.client.status()
    assert after["proxy"]["generation"] == before["proxy"]["generation"]
    assert shop.pids() == {e["pid"] for e in before["services"][0]["endpoints"]}


async def test_fixed_endpoints_are_checked_balanced_and_drained(cluster: Make) -> None:
    runs = cluster({"app": service(replicas=2)})
    await runs.start()
    await runs.ready(2)
    places = [f"127.0.0.1:{e['port']}" for e in runs.endpoints()]
    shop = cluster({"app": service(endpoints=places)})
    for key in ("run", "replicas"):
        del shop.settings["services"]["app"][key]
    shop.write()
    await shop.start()
    await shop.ready(2)
    load = shop.load(clients=4)
    running = asyncio.create_task(load.run())
    await shop.served(load)
    shop.settings["services"]["app"]["endpoints"] = places[:1]
    shop.write()
    await asyncio.to_thread(shop.client.apply)
    await shop.ready(1)
    await shop.served(load)
    load.stop()
    report = await running
    assert_nothing_lost(report)
    assert shop.service()["strategy"] == "fixed"
    assert len(runs.pids()) == 2
