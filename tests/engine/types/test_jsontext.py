"""Quick texts of single values are those of the encoder."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.types.enums import OrderStatus
from engine.types.jsontext import json_text, number_text, seconds_text, value_text


class _Name(str):
    """A text of the user's own kind."""


@given(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
)
@example(OrderStatus.FILLED)
@example(_Name('"€'))
@example(-0.0)
@example("\u2028 \x00 \ud800")
def test_a_value_is_written_as_the_encoder_does(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        with pytest.raises(ValueError, match="JSON"):
            value_text(value)
    else:
        assert value_text(value) == json_text(value)


@given(
    st.none()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.builds(
        lambda mantissa, places: Decimal(mantissa).scaleb(-places),
        st.integers(-(10**18), 10**18),
        st.integers(-2, 24),
    )
)
@example(Decimal("-0.00"))
@example(Decimal("0.0001"))
@example(Decimal("0.00001"))
@example(Decimal("0E-7"))
@example(Decimal("1E+2"))
@example(Decimal("100"))
@example(Decimal("-10.500"))
@example(Decimal("999999999999999"))
@example(Decimal("9999999999999999"))
def test_an_exact_number_is_written_as_its_float(value: Decimal | None) -> None:
    assert number_text(value) == json_text(None if value is None else float(value))


@pytest.mark.parametrize("text", ["NaN", "NaN123", "Infinity", "-Infinity"])
def test_an_exact_number_that_json_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="JSON"):
        number_text(Decimal(text))


@given(st.datetimes())
@example(datetime.min)
@example(datetime(1970, 1, 1))
def test_a_time_is_written_in_seconds(utc: datetime) -> None:
    for moment in (utc, utc.replace(microsecond=0)):
        seconds = (moment - datetime(1970, 1, 1)) / timedelta(seconds=1)
        assert seconds_text(moment) == json_text(seconds)
