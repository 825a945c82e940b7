from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from fairlead.cli.text import age, event_line, painted, printable, span


@given(st.text())
def test_printable_text_holds_nothing_that_steers(text: str) -> None:
    assert printable(text).isprintable()


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_ages() -> None:
    assert [age(s) for s in (-1, 0, 59.9, 60, 3599, 3600, 86400 * 2 + 3700)] == [
        "0s", "0s", "59s", "1m 0s", "59m 59s", "1h 0m", "2d 1h",
    ]  # fmt: skip


def test_spans() -> None:
    assert [span(s) for s in (0.00084, 0.0123, 1.2)] == ["0.84 ms", "12.3 ms", "1.20 s"]


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch: object) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    import pytest

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.delenv("NO_COLOR", raising=False)
        assert painted("x", "red", Terminal()) == "\x1b[31mx\x1b[0m"
        assert painted("x", "red", io.StringIO()) == "x"
        patch.setenv("NO_COLOR", "1")
        assert painted("x", "red", Terminal()) == "x"


@given(st.text(), st.text(), st.text(), st.text())
def test_an_event_is_one_line(kind: str, service: str, endpoint: str, message: str) -> None:
    line = event_line(
        {
            "seq": 1,
            "at": 1.0,
            "kind": kind,
            "service": service,
            "endpoint": endpoint,
            "message": message,
        },
        io.StringIO(),
    )
    assert line.isprintable()
