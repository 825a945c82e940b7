"""The platform over a real engine: what it starts itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from fairlead.core.errors import BadInput, PlatformError
from fairlead.core.model import Phase, Service
from fairlead.platforms.docker.platform import DockerPlatform
from tests.ground import until
from tests.platforms.docker.ground import STUBBORN, Harbour, answers, endpoints, in_phase


async def test_a_started_container_answers_at_its_published_port(harbour: Harbour) -> None:
    platform, service = harbour.platform(), harbour.service()
    first, second = [await platform.start(service) for _ in range(2)]
    assert first.address == second.address == "127.0.0.1"
    assert first.port != second.port
    await until(lambda: answers(first), "an answer")
    await until(lambda: answers(second), "an answer")


async def test_arguments_and_environment_hold_the_port(harbour: Harbour) -> None:
    script = "echo $0 $PORT $FAIRLEAD_SERVICE $COLOUR > /tmp/told; sleep 300"
    service = replace(
        harbour.service(port=8081), run=("sh", "-c", script, "{port}"), env=(("COLOUR", "red"),)
    )
    endpoint = await harbour.platform().start(service)

    async def told() -> str:
        return await harbour.engine.docker("exec", endpoint.id, "cat", "/tmp/told", check=False)

    await until(told, "the words")
    assert await told() == "8081 8081 catalog red"


async def test_labels_say_whose_it_is(harbour: Harbour) -> None:
    service = harbour.service()
    endpoint = await harbour.platform().start(service)
    form = (
        "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}{{.HostConfig.RestartPolicy.Name}}"
    )
    told = await harbour.engine.docker("inspect", "-f", form, endpoint.id)
    assert told.split() == [
        "fairlead.cluster=test",
        f"fairlead.endpoint={endpoint.id}",
        "fairlead.managed=true",
        "fairlead.port=8080",
        f"fairlead.revision={service.revision}",
        "fairlead.service=catalog",
        "no",
    ]


async def test_on_a_network_it_is_reached_at_its_own_address(harbour: Harbour) -> None:
    endpoint = await harbour.platform().start(harbour.service(network="bridge"))
    assert endpoint.address.startswith("10.")
    assert endpoint.port == 8080
    assert await harbour.engine.docker("port", endpoint.id) == ""


async def test_without_a_port_the_images_only_one_is_taken(harbour: Harbour) -> None:
    endpoint = await harbour.platform().start(harbour.service(port=0))
    await until(lambda: answers(endpoint), "an answer")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"image": "127.0.0.1:1/none:7"}, "no image '127.0.0.1:1/none:7'.*docker pull 127"),
        ({"network": "nowhere"}, "catalog.*nowhere"),
        ({"image": "two-ports", "port": 0}, r"it declares 80, 443\): name it with `port`"),
        ({"image": ""}, "'catalog' cannot be started: it has no `image`"),
    ],
)
async def test_a_start_that_cannot_be_says_why_and_leaves_nothing(
    harbour: Harbour, changes: dict[str, object], told: str
) -> None:
    harbour.engine.import_image("two-ports", {"x": b""}, "EXPOSE 80 443")
    platform = harbour.platform()
    with pytest.raises(PlatformError, match=told):
        await platform.start(harbour.service(**changes))
    await platform.close()
    assert await harbour.engine.docker("ps", "-aq") == ""


async def test_a_command_that_is_not_there_leaves_nothing(harbour: Harbour) -> None:
    platform = harbour.platform()
    with pytest.raises(PlatformError, match=r"catalog: cannot be started.*no-such-program"):
        await platform.start(replace(harbour.service(), run=("no-such-program",)))
    assert platform.all() == ()
    await platform.close()
    assert await harbour.engine.docker("ps", "-aq") == ""


async def test_a_cancelled_start_leaves_nothing(harbour: Harbour) -> None:
    platform = harbour.platform()
    await platform.open()
    starting = asyncio.create_task(platform.start(harbour.service()))
    await until(lambda: harbour.engine.docker("ps", "-aq"), "a container")
    starting.cancel()
    await asyncio.wait([starting])
    assert starting.cancelled()
    await platform.close()
    assert await harbour.engine.docker("ps", "-aq") == ""


async def test_how_it_ended_is_told_in_words(harbour: Harbour) -> None:
    platform, service = harbour.platform(), harbour.service(script="sleep 0.2; exit 3")
    endpoint = await platform.start(service)
    [ended] = await in_phase(platform, service, Phase.EXITED)
    assert (ended.exit, ended.pid, ended.port) == ("exit 3", None, endpoint.port)


async def test_a_killed_one_tells_the_signal(harbour: Harbour) -> None:
    platform, service = harbour.platform(), harbour.service()
    endpoint = await platform.start(service)
    await harbour.engine.docker("kill", endpoint.id)
    [ended] = await in_phase(platform, service, Phase.EXITED)
    assert ended.exit == "signal 9"


async def test_a_stubborn_one_is_killed_when_its_time_is_up(harbour: Harbour) -> None:
    platform, service = harbour.platform(), harbour.service(script=STUBBORN)
    endpoint = await platform.start(service)
    begun = time.monotonic()
    await platform.stop(endpoint, 300)
    assert [e.phase for e in await endpoints(platform, service)] == [Phase.STOPPING]
    await platform.stop(endpoint, 1)  # the earlier time holds
    [ended] = await in_phase(platform, service, Phase.EXITED)
    assert ended.exit == "signal 9"
    assert 0.9 < time.monotonic() - begun < 10


async def test_a_forgotten_container_is_removed(harbour: Harbour) -> None:
    platform, service = harbour.platform(), harbour.service()
    endpoint = await platform.start(service)
    with pytest.raises(PlatformError, match="still runs"):
        await platform.forget(endpoint)
    await platform.stop(endpoint, 5)
    [ended] = await in_phase(platform, service, Phase.EXITED)
    await platform.forget(ended)
    assert await endpoints(platform, service) == []
    await platform.close()
    assert await harbour.engine.docker("ps", "-aq") == ""


async def test_others_clusters_and_copied_labels_are_left_alone(harbour: Harbour) -> None:
    other = harbour.platform("other")
    theirs = await other.start(harbour.service())
    form = "{{range $k, $v := .Config.Labels}}--label {{$k}}={{$v}} {{end}}"
    copied = (await harbour.engine.docker("inspect", "-f", form, theirs.id)).split()
    await harbour.engine.run("--name", "copy", *copied, harbour.engine.image)
    await until(lambda: "copy" in str(other.problems), "a complaint")
    platform = harbour.platform()
    await platform.open()
    assert platform.all() == ()
    await platform.stop_all(0)
    assert [e.id for e in other.all()] == [theirs.id]
    await other.stop_all(0)
    assert await harbour.engine.docker("ps", "--format", "{{.Names}}") == "copy"


async def test_all_are_stopped_and_removed_in_the_end(harbour: Harbour) -> None:
    platform = harbour.platform()
    started = [await platform.start(harbour.service(name)) for name in ("catalog", "alerts")]
    await platform.close()
    platform = harbour.platform()
    await platform.open()
    assert {e.id for e in platform.all()} == {e.id for e in started}
    await platform.stop_all(5)
    assert platform.all() == ()
    assert await harbour.engine.docker("ps", "-aq") == ""


async def test_one_that_was_created_and_never_started_is_seen_as_ended(harbour: Harbour) -> None:
    platform, service = harbour.platform(), harbour.service()
    endpoint = await platform.start(service)
    form = "{{range $k, $v := .Config.Labels}}--label {{$k}}={{$v}} {{end}}"
    labels = (await harbour.engine.docker("inspect", "-f", form, endpoint.id)).split()
    labels = [each.replace(endpoint.id, "catalog-aaaaaa") for each in labels]
    await platform.stop_all(5)
    await platform.close()
    await harbour.engine.docker("create", "--name", "catalog-aaaaaa", *labels, harbour.engine.image)
    platform = harbour.platform()
    [found] = await endpoints(platform, service)
    assert (found.phase, found.exit) == (Phase.EXITED, "never started")
    await platform.forget(found)
    await platform.close()
    assert await harbour.engine.docker("ps", "-aq") == ""


async def test_an_engine_that_is_not_there_is_said_so() -> None:
    platform = DockerPlatform("test", "unix:///nowhere/docker.sock", lambda _: None, None)
    try:
        with pytest.raises(PlatformError, match=r"unix:///nowhere/docker\.sock cannot be used"):
            await platform.open()
        sighting = await platform.observe([Service("catalog")])
        assert not sighting.complete
        assert "see that it runs" in sighting.problem
        with pytest.raises(PlatformError):
            await platform.services()
    finally:
        await platform.close()


async def test_an_engine_elsewhere_is_refused() -> None:
    with pytest.raises(BadInput, match=r"unix:///PATH or tcp://127\.0\.0\.1:PORT"):
        DockerPlatform("test", "tcp://10.0.0.1:2375", lambda _: None, None)
