from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairlead.rehearsal.faults import Refusal
from fairlead.rehearsal.throttle import READS, Throttle
from tests.rehearsal.ground import rehearsal
from tests.rehearsal.test_protocol import NAME, post

SHARED = ("ListTasks", "DescribeTasks", "ListContainerInstances", "DescribeContainerInstances")


def passes(throttle: Throttle, operation: str) -> bool:
    try:
        throttle.take(operation)
    except Refusal:
        return False
    return True


def test_four_reads_share_a_burst_of_100_and_20_a_second() -> None:
    now = 0.0
    throttle = Throttle(lambda: now)
    assert sum(passes(throttle, SHARED[n % 4]) for n in range(150)) == 100
    assert passes(throttle, "DescribeServices")
    with pytest.raises(Refusal, match="Rate exceeded") as refused:
        throttle.take("ListTasks")
    assert refused.value.code == "ThrottlingException"
    now = 1.0
    assert sum(passes(throttle, "DescribeTasks") for _ in range(50)) == 20
    now = 1000.0
    assert sum(passes(throttle, "ListTasks") for _ in range(150)) == 100


@given(some.lists(some.floats(0, 5), max_size=60))
def test_never_more_than_the_limit_in_any_span(pauses: list[float]) -> None:
    now = 0.0
    throttle = Throttle(lambda: now)
    taken = 0
    for pause in pauses:
        now += pause
        taken += sum(passes(throttle, "ListTasks") for _ in range(30))
        assert taken <= READS.burst + READS.rate * now + 1e-6


@pytest.mark.parametrize(("limited", "refused"), [(True, True), (False, False)])
async def test_the_server_throttles_when_it_is_to(limited: bool, refused: bool) -> None:
    async with rehearsal(throttle=limited) as ecs:
        answers = [await post(ecs, NAME + "ListTasks", b'{"cluster": "shop"}') for _ in range(160)]
        told = [a for a in answers if b"ThrottlingException" in a.body]
        assert bool(told) is refused
        assert {a.status for a in told} <= {400}
