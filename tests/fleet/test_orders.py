from __future__ import annotations

from fairlead.core.model import ServiceTable
from fairlead.fleet.messages import Watched
from fairlead.fleet.orders import MOST_GONE, Book, merged
from tests.fleet.ground import CHECK, DRAINING, UP, endpoint, table


def test_a_table_that_is_the_same_is_no_change() -> None:
    book = Book()
    assert book.put(table(a=UP))
    assert not book.put(table(a=UP))
    assert book.generation == 1


def test_from_any_generation_only_what_has_changed_since_is_said() -> None:
    book = Book()
    book.put(table("one", a=UP))
    book.put(table("two", b=UP))
    book.put(table("one", a=DRAINING))
    assert {a.service for a in book.since(0).services} == {"one", "two"}
    assert [(a.service, a.generation) for a in book.since(2).services] == [("one", 3)]
    assert book.since(3).services == ()
    assert book.since(2).generation == 3


def test_an_ended_service_is_said_until_it_is_there_again() -> None:
    book = Book()
    book.put(table(a=UP))
    book.drop("app")
    assert book.since(1).gone == ("app",)
    assert book.written("app") == 2
    book.put(table(a=UP))
    assert book.since(1).gone == ()


def test_names_of_ended_services_are_bounded() -> None:
    book = Book()
    for number in range(MOST_GONE + 5):
        book.drop(f"s{number}")
    assert len(book.since(0).gone) == MOST_GONE


def test_a_drain_counts_from_the_generation_that_began_it() -> None:
    book = Book()
    book.put(table(a=UP))
    assert book.draining("a") is None
    book.put(table(a=DRAINING))
    book.put(table(a=DRAINING, b=UP))
    assert book.draining("a") == 2
    book.put(table(a=UP, b=UP))
    assert book.draining("a") is None
    book.put(table(a=DRAINING, b=UP))
    assert book.draining("a") == 5
    book.drop("app")
    assert book.draining("a") is None


def test_a_drain_that_agents_were_found_with_counts_as_well() -> None:
    book = Book()
    book.watch(Watched(endpoint("b"), CHECK), table(a=DRAINING, b=UP))
    assert not book.put(table(a=DRAINING, b=UP))
    assert book.draining("a") == 1


def test_what_is_to_be_probed_goes_with_its_service() -> None:
    book = Book()
    book.watch(Watched(endpoint("a"), CHECK), ServiceTable("app"))
    book.watch(Watched(endpoint("a"), CHECK), ServiceTable("app"))
    assert book.generation == 1
    book.put(table(a=UP))
    assert [w.endpoint.id for w in book.since(1).services[0].watched] == ["a"]
    book.unwatch("app", "a")
    book.unwatch("app", "a")
    assert book.since(2).services[0].watched == ()
    assert book.generation == 3


def test_tables_of_several_nodes_are_one_with_every_endpoint() -> None:
    found = merged(({"app": table(a=UP)}, {"app": table(a=DRAINING, b=UP), "two": table("two")}))
    assert found == {"app": table(a=UP, b=UP), "two": table("two")}
