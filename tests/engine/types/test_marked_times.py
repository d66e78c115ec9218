"""Naive UTC times: marked as UTC, and as the local times of zones."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from engine.types.extensions import Extensions
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


@given(st.lists(st.datetimes(), min_size=1, max_size=4))
def test_a_moment_that_is_asked_again_is_marked_as_before(moments: list[datetime]) -> None:
    for moment in [*moments, *moments[::-1]]:
        for fold in (0, 1):
            asked = moment.replace(fold=fold)
            for _ in range(2):
                marked = aware(asked)
                assert (marked.replace(tzinfo=None), marked.fold) == (moment, fold)


def test_a_local_time_becomes_utc_with_and_without_a_zone_of_its_own() -> None:
    local = datetime(2020, 1, 2, 16)
    expected = datetime(2020, 1, 2, 21)
    zone = TimeZones.NEW_YORK
    for moment in (local, local.replace(tzinfo=UTC), pd.Timestamp(local)):
        assert Extensions.convert_to_utc(moment, zone) == expected


@given(st.lists(st.datetimes(datetime(1998, 1, 1), datetime(2040, 1, 1)), min_size=1))
def test_the_clock_gives_the_local_time_of_every_zone_however_often_it_is_asked(
    moments: list[datetime],
) -> None:
    keeper = TimeKeeper(moments[0])
    for moment in moments + moments[::-1]:
        keeper.utc = moment
        for zone in (TimeZones.NEW_YORK, TimeZones.UTC, TimeZones.NEW_YORK):
            assert keeper.local(zone) == from_utc(moment, zone)
