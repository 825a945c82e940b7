"""HPA and KEDA against examples worked by hand from their published rules.

Sources: kubernetes/website, horizontal-pod-autoscale.md (the formula, the tolerance, the default
behaviour), kubernetes/kubernetes, replica_calculator.go (pods that are not ready), and kedacore,
concepts/scaling-deployments.md.
"""

from __future__ import annotations

import pytest

from fairlead.core.backtest.hpa import Behaviour, HpaCpu, Keda, replicas
from tests.core.backtest.given import Given


@pytest.mark.parametrize(
    ("wanted", "settled", "ratio", "count"),
    [
        (4, 4, 2.0, 8),  # ceil(4 x 200m/100m), the page's example
        (4, 4, 0.5, 2),
        (4, 4, 1.1, 4),  # within the tolerance of 0.1
        (4, 4, 0.9, 4),
        (4, 4, 1.11, 5),
        (10, 10, 0.89, 9),
        (3, 3, 1.4, 5),  # 4.2, rounded up
    ],
)
def test_formula_and_tolerance(wanted: int, settled: int, ratio: float, count: int) -> None:
    """horizontal-pod-autoscale.md: desired = ceil(current x metric / target)."""
    assert replicas(wanted, settled, ratio) == count


def test_pods_not_ready_count_as_idle_on_the_way_out() -> None:
    """replica_calculator.go: 4 pods at 100 % of CPU by a target of 60 % want 7; while 3 of them are
    not ready, the ratio is (4 x 1 + 3 x 0) / (7 x 0.6) = 0.95: nothing happens."""
    assert replicas(7, 4, 1.0 / 0.6) == 7


def test_pods_not_ready_dampen() -> None:
    """replica_calculator.go: 4 pods at 3 times the target and 2 idle ones are at twice the target:
    ceil(2.0 x 6) = 12, and not 4 x 3 + 2."""
    assert replicas(6, 4, 3.0) == 12


def test_pods_not_ready_do_not_count_on_the_way_in() -> None:
    """replica_calculator.go: below the target only pods with a metric count."""
    assert replicas(6, 4, 0.5) == 2


def test_out_by_four_or_by_as_many_as_there_are() -> None:
    """The page's default policies: 100 % or 4 pods in 15 s, the larger of both."""
    assert Behaviour().bounded(0, 1, 40) == 5
    assert Behaviour().bounded(0, 4, 40) == 8
    assert Behaviour().bounded(0, 10, 40) == 20


def test_bound_counts_from_the_periods_beginning() -> None:
    """calculateScaleUpLimitWithScalingRules: what was added in the period is taken off first."""
    behaviour = Behaviour()
    assert behaviour.bounded(0, 10, 40) == 20
    assert behaviour.bounded(10, 20, 40) == 20
    assert behaviour.bounded(15, 20, 40) == 40


def test_in_only_to_the_highest_of_five_minutes() -> None:
    """The page: stabilizationWindowSeconds 300 on the way in, 0 on the way out."""
    behaviour = Behaviour()
    assert behaviour.bounded(0, 8, 8) == 8
    counts = {now: behaviour.bounded(now, 8, 2 if now < 150 else 3) for now in range(15, 316, 15)}
    assert {counts[now] for now in range(15, 300, 15)} == {8}
    assert counts[300] == 3


def test_old_recommendations_do_not_raise_the_count() -> None:
    behaviour = Behaviour()
    assert behaviour.bounded(0, 2, 6) == 6
    assert behaviour.bounded(15, 2, 3) == 6
    assert behaviour.bounded(15, 8, 3) == 6


def test_cpu_of_what_was_measured_a_while_ago() -> None:
    """metrics-server: a value covers 15 s and is up to 15 s old, so that a step at 60 is unseen at
    75 and seen at 90."""
    history = Given(of_busy=lambda at: 1.0 if at >= 60 else 0.6)
    scaler = HpaCpu()
    assert [scaler.look(now, 4, 4, history) for now in (45, 60, 75)] == [4, 4, 4]
    assert scaler.look(90, 4, 4, history) == 7


def test_new_pods_count_once_their_value_does() -> None:
    """groupPods: a pod that became ready at 30 is left out until a whole window has passed."""
    scaler = HpaCpu()
    for now in (0, 15):
        scaler.look(now, 7, 4, Given(of_busy=1.0))
    assert scaler.look(30, 7, 7, Given(of_busy=1.0)) == 7
    assert [scaler.look(now, 7, 7, Given(of_busy=1.0)) for now in (45, 60)] == [7, 12]


def test_without_ready_pods_nothing_happens() -> None:
    assert HpaCpu().look(60, 3, 0, Given(of_busy=0.0)) == 3


def test_keda_divides_the_sum() -> None:
    """AverageValue: ceil(400 / 30) = 14, bounded to 8 at first."""
    scaler = Keda(30.0)
    assert scaler.look(90, 4, 4, Given(of_arrivals=400.0)) == 8
    assert scaler.look(120, 8, 4, Given(of_arrivals=400.0)) == 14


def test_keda_within_the_tolerance() -> None:
    assert Keda(30.0).look(90, 4, 4, Given(of_arrivals=132.0)) == 4
    assert Keda(30.0).look(90, 4, 4, Given(of_arrivals=133.0)) == 5


def test_keda_sleeps_after_five_minutes_and_wakes() -> None:
    """cooldownPeriod 300, pollingInterval 30."""
    idle = Given(of_arrivals=lambda at: 3.0 if at < 60 else 0.0)
    scaler = Keda(30.0)
    assert scaler.look(330, 1, 1, idle) == 1
    assert scaler.look(360, 1, 1, idle) == 0
    assert scaler.look(390, 0, 0, idle) == 0
    assert scaler.look(420, 0, 0, Given(of_arrivals=lambda at: 1.0 if at == 400 else 0.0)) == 1
