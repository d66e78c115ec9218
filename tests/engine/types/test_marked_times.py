"""Naive UTC times that are marked as UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from engine.types.timezones import aware


@given(st.datetimes(), st.integers(0, 1))
def test_a_marked_time_is_the_same_with_a_zone(moment: datetime, fold: int) -> None:
    moment = moment.replace(fold=fold)
    marked, replaced = aware(moment), moment.replace(tzinfo=UTC)
    assert (marked, marked.fold, type(marked)) == (replaced, replaced.fold, datetime)
    assert marked.tzinfo is UTC


def test_a_time_of_pandas_keeps_its_nanoseconds() -> None:
    marked = aware(pd.Timestamp("2020-01-02 03:04:05.123456789"))
    assert marked == pd.Timestamp("2020-01-02 03:04:05.123456789", tz="UTC")
    assert marked.nanosecond == 789
