from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.errors import MeterError
from fairlead.meters.values import MOST, checked, parsed, shown


@pytest.mark.parametrize("value", [0, 0.0, 1, 0.25, 10**15, 1e15])
def test_numbers(value: float) -> None:
    assert checked(value, "it") == value
    assert parsed(str(value), "it") == value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (math.nan, "no finite number"),
        (math.inf, "no finite number"),
        (-math.inf, "no finite number"),
        (-1, "only 0 to 1e"),
        (-0.001, "only 0 to 1e"),
        (1e308, "only 0 to 1e"),
        (10**16, "only 0 to 1e"),
        (10**400, "a number of 1329 bits"),
        (True, "no number"),
        (None, "null, which is no number"),
        ("12", "no number"),
        ([1], "a list, which"),
        ({"a": 1}, "an object, which"),
    ],
)
def test_what_is_no_value(value: Any, why: str) -> None:
    with pytest.raises(MeterError, match=why):
        checked(value, "it")


@pytest.mark.parametrize("text", ["NaN", "+Inf", "-Inf", "", "x", "1" * 61, "-3", "1e308", None, 3])
def test_texts_that_are_no_value(text: Any) -> None:
    with pytest.raises(MeterError, match="it is "):
        parsed(text, "it")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3
)


@given(values)
def test_whatever_comes_is_a_value_or_told(value: Any) -> None:
    for read in (checked, parsed):
        with suppress(MeterError):
            assert 0 <= read(value, "it") <= MOST
    assert shown(value).isprintable()
    assert len(shown(value)) < 800
