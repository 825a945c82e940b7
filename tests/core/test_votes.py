from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.health import Health
from fairlead.core.votes import tally

UP = Health(up=True, ever_up=True, ready_at=5.0)
DOWN = Health(up=False, ever_up=True, problem="status 503")


def test_without_votes_what_was_believed_stays() -> None:
    assert tally((), UP) == UP
    assert tally((), DOWN) == DOWN


def test_half_of_them_are_enough_for_up() -> None:
    assert tally((UP, DOWN)).up
    assert not tally((UP, DOWN, DOWN)).up


def test_it_is_ready_since_the_first_found_it_so_and_stays_that_while_it_is_up() -> None:
    late = Health(up=True, ever_up=True, ready_at=9.0)
    assert tally((late, UP)).ready_at == 5.0
    assert tally((late,), before=UP).ready_at == 5.0
    assert tally((late,), before=DOWN).ready_at == 9.0


def test_a_reason_is_told_and_that_it_was_up_once_is_kept() -> None:
    never = Health(up=False, problem="refused")
    assert tally((never,)) == Health(up=False, problem="refused")
    assert tally((never,), before=UP).ever_up
    assert tally((never, DOWN)).ever_up


@given(st.lists(st.sampled_from((UP, DOWN)), min_size=1), st.sampled_from((UP, DOWN)))
def test_the_order_and_what_was_before_do_not_count(votes: list[Health], before: Health) -> None:
    assert tally(votes, before).up == (votes.count(UP) >= votes.count(DOWN))
    assert tally(votes, before).up == tally(votes[::-1]).up
