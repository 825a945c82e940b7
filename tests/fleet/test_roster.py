from __future__ import annotations

from fairlead.fleet.messages import Report
from fairlead.fleet.roster import Agent, Roster
from tests.fleet.ground import ILL, WELL, hello


def came(roster: Roster, node: str = "n1") -> Agent:
    return roster.welcome(hello(node), lambda: None)


def test_in_flight_is_unknown_until_every_node_has_looked_since() -> None:
    roster = Roster()
    assert roster.in_flight("a", 1) is None
    one, two = came(roster, "n1"), came(roster, "n2")
    one.take(Report(5, in_flight={"a": 2}))
    assert roster.in_flight("a", 5) is None
    two.take(Report(4, in_flight={"a": 1}))
    assert roster.in_flight("a", 5) is None
    two.take(Report(5, in_flight={"a": 1}))
    assert roster.in_flight("a", 5) == 3


def test_what_was_looked_at_in_an_earlier_drain_does_not_count() -> None:
    roster = Roster()
    came(roster).take(Report(5, in_flight={"a": 0}))
    assert roster.in_flight("a", 5) == 0
    assert roster.in_flight("a", 7) is None


def test_of_a_node_that_went_away_its_last_word_stands_until_it_is_forgotten() -> None:
    roster = Roster()
    one, two = came(roster, "n1"), came(roster, "n2")
    one.take(Report(5, in_flight={"a": 0}))
    two.take(Report(5, in_flight={"a": 2}))
    two.lost = 1.0
    assert roster.in_flight("a", 5) == 2
    one.take(Report(7, in_flight={"b": 0}))
    assert roster.in_flight("b", 7) is None
    roster.forget("n2")
    assert (roster.in_flight("a", 5), roster.in_flight("b", 7)) == (0, 0)


def test_an_agent_that_comes_again_has_said_nothing_yet() -> None:
    roster = Roster()
    came(roster).take(Report(5, in_flight={"a": 0}))
    came(roster)
    assert roster.in_flight("a", 5) is None
    assert not roster.follow("app", 1)


def test_the_one_before_is_hung_up_on() -> None:
    roster, calls = Roster(), []
    roster.welcome(hello(), lambda: calls.append("first"))
    roster.welcome(hello(), lambda: calls.append("second"))
    assert calls == ["first"]


def test_all_have_to_follow_and_nobody_is_not_all() -> None:
    roster = Roster()
    assert not roster.follow("app", 0)
    one, two = came(roster, "n1"), came(roster, "n2")
    one.take(Report(3))
    assert not roster.follow("app", 3)
    two.take(Report(4))
    assert roster.follow("app", 3)


def test_one_table_that_is_refused_holds_up_no_other_service() -> None:
    roster = Roster()
    of = {"a": "app", "b": "bad"}
    came(roster).take(Report(3, in_flight={"a": 0, "b": 0}, tried=8, refused={"bad": "x"}), of)
    assert (roster.follow("app", 8), roster.follow("bad", 8)) == (True, False)
    assert (roster.in_flight("a", 8), roster.in_flight("b", 8)) == (0, None)


def test_votes_go_with_their_node_or_their_endpoint() -> None:
    roster = Roster()
    came(roster).take(Report(1, in_flight={"a": 0}))
    roster.vote("n1", "a", WELL)
    roster.vote("n1", "b", WELL)
    roster.vote("n2", "b", ILL)
    roster.strike("a")
    assert roster.votes("a") == {}
    assert roster.in_flight("a", 1) is None
    roster.retract("n2", ["c"])
    assert roster.votes("b") == {"n1": WELL}
    assert roster.forget("n1") == {"b"}
    assert roster.votes("b") == {}


def test_a_word_for_each_state() -> None:
    agent = Agent("n1")
    assert agent.state == "serves"
    agent.leaving = True
    assert agent.state == "leaving"
    agent.serving = False
    assert agent.state == "broken"
    agent.lost = 1.0
    assert agent.state == "away"
