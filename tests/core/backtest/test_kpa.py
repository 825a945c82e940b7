"""Knative's autoscaler against examples worked by hand from knative/serving, autoscaler.go."""

from __future__ import annotations

from collections.abc import Callable

from fairlead.core.backtest.kpa import Kpa, Watched
from tests.core.backtest.given import Given


def requests() -> Kpa:
    return Kpa(Watched.REQUESTS, 30.0)


def step(at: int, before: float, after: float) -> Callable[[int], float]:
    return lambda now: after if now >= at else before


def test_stable_window_rules_while_the_load_is_even() -> None:
    """ceil(135 / 30) = 5; no tolerance, at once in both directions."""
    assert requests().look(120, 4, 4, Given(of_arrivals=135.0)) == 5
    assert requests().look(120, 9, 9, Given(of_arrivals=135.0)) == 5


def test_stable_window_has_sixty_seconds() -> None:
    """Half of it at 60, half at 120: a mean of 90, three pods; the short window is no twofold."""
    history = Given(of_arrivals=step(90, 60.0, 120.0))
    assert requests().look(120, 3, 3, history) == 3


def test_panic_from_twice_the_ready_pods_on() -> None:
    """Short window: 6 s. At 240 a second it wants 8: twice the 4 that are ready."""
    history = Given(of_arrivals=step(114, 120.0, 240.0))
    assert requests().look(120, 4, 4, history) == 8
    below = Given(of_arrivals=step(114, 120.0, 210.0))
    assert requests().look(120, 4, 4, below) == 5  # ceil((54 x 120 + 6 x 210) / 60 / 30)


def test_no_scale_in_while_panicking_and_sixty_seconds_below_end_it() -> None:
    scaler = requests()
    assert scaler.look(120, 4, 4, Given(of_arrivals=240.0)) == 8
    calm = Given(of_arrivals=120.0)
    assert [scaler.look(now, 8, 8, calm) for now in range(122, 181, 2)] == [8] * 30
    assert scaler.look(182, 8, 8, calm) == 4


def test_panic_goes_on_while_it_is_over() -> None:
    scaler = requests()
    for now in range(120, 160, 2):
        assert scaler.look(now, 8, 4, Given(of_arrivals=240.0)) == 8
    calm = Given(of_arrivals=120.0)
    assert scaler.look(218, 8, 8, calm) == 8  # 158 + 60 is not yet past
    assert scaler.look(220, 8, 8, calm) == 4


def test_in_by_half_at_most_in_a_step() -> None:
    """max-scale-down-rate 2: floor(9 / 2)."""
    assert requests().look(120, 9, 9, Given(of_arrivals=30.0)) == 4


def test_out_by_a_thousandfold_at_most() -> None:
    assert requests().look(120, 1, 1, Given(of_arrivals=60_000.0)) == 1000


def test_concurrency_is_work_and_what_waits() -> None:
    """Two pods of five workers, 90 % busy: 9 at work and 6 waiting by 3 a pod: 5 pods; but the
    short window wants twice as many as are ready, so it is panic all the same."""
    scaler = Kpa(Watched.CONCURRENCY, 3.0)
    assert scaler.look(120, 2, 2, Given(of_busy=0.9, of_ready=2.0, waiting=6.0)) == 5
    assert scaler.panic_since == 120


def test_concurrency_is_averaged_over_its_samples() -> None:
    scaler = Kpa(Watched.CONCURRENCY, 3.0)
    quiet = Given(of_busy=0.6, of_ready=4.0)
    assert {scaler.look(now, 4, 4, quiet) for now in range(2, 122, 2)} == {4}
    full = Given(of_busy=1.0, of_ready=4.0, waiting=10.0)  # 30: 10 pods, if it stayed
    assert scaler.look(122, 4, 4, full) == 5  # ceil((29 x 12 + 30) / 30 / 3)
    assert scaler.panic_since is None  # ceil((12 + 12 + 30) / 3 / 3) = 6, no twofold
    assert scaler.look(124, 5, 4, full) == 8  # ceil((12 + 30 + 30) / 3 / 3) = 8: panic


def test_last_pod_stays_for_the_grace() -> None:
    """scale-to-zero-grace-period 30 s."""
    scaler = requests()
    idle = Given()
    assert [scaler.look(now, 1, 1, idle) for now in range(60, 90, 2)] == [1] * 15
    assert scaler.look(90, 1, 1, idle) == 0
    assert scaler.look(92, 0, 0, Given(of_arrivals=1.0)) == 1
