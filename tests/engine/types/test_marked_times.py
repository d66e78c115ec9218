"""Naive UTC times: marked as UTC, and as the local times of zones."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from engine.types.timekeeper import TimeKeeper
from engine.types.timezones import TimeZones, aware, from_utc


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


@given(st.lists(st.datetimes(datetime(1998, 1, 1), datetime(2040, 1, 1)), min_size=1))
def test_the_clock_gives_the_local_time_of_every_zone_however_often_it_is_asked(
    moments: list[datetime],
) -> None:
    keeper = TimeKeeper(moments[0])
    for moment in moments + moments[::-1]:
        keeper.utc = moment
        for zone in (TimeZones.NEW_YORK, TimeZones.UTC, TimeZones.NEW_YORK):
            assert keeper.local(zone) == from_utc(moment, zone)
