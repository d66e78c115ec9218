"""Clocks and sessions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts import FixInput, FixSettings, HostClock, ManualClock
from protection.contracts.clock import SessionCalendar

moments = st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)).map(
    lambda t: t.replace(tzinfo=UTC)
)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(FixInput, match="time zone"):
        ManualClock(datetime(2020, 1, 1))
    with pytest.raises(FixInput):
        HostClock().feed(datetime(2020, 1, 1))


def test_a_host_clock_never_goes_back() -> None:
    clock = HostClock()
    noon = datetime(2020, 1, 1, 12, tzinfo=UTC)
    clock.feed(noon)
    assert clock.feed(noon - timedelta(hours=1)) == noon
    tokyo = timezone(timedelta(hours=9))
    assert clock.feed(datetime(2020, 1, 1, 22, tzinfo=tokyo)) == noon + timedelta(hours=1)
    present = clock.now()
    assert clock.feed(present) is clock.now() is present
    assert clock.feed(noon) is present


@given(st.lists(moments, min_size=1, max_size=30))
def test_sessions_are_local_dates_in_whatever_order_they_are_asked(times: list[datetime]) -> None:
    calendar, zone = SessionCalendar("America/New_York"), ZoneInfo("America/New_York")
    for time in times:
        assert calendar.session(time) == time.astimezone(zone).date()


@given(st.lists(moments, min_size=1, max_size=30))
def test_without_weekends_saturday_and_sunday_belong_to_friday(times: list[datetime]) -> None:
    calendar, zone = SessionCalendar("America/New_York", False), ZoneInfo("America/New_York")
    for time in sorted(times):
        local = time.astimezone(zone).date()
        session = calendar.session(time)
        assert session.weekday() < 5
        assert 0 <= (local - session).days <= 2
        assert session == local or local.weekday() > 4


def test_days_of_23_and_25_hours_are_one_session() -> None:
    calendar = SessionCalendar("America/New_York")
    for day in (date(2020, 3, 8), date(2020, 11, 1)):
        first = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("America/New_York"))
        last = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=first.tzinfo)
        assert calendar.session(first.astimezone(UTC)) == day
        assert calendar.session(last.astimezone(UTC)) == day
        assert calendar.session(last.astimezone(UTC) + timedelta(seconds=1)) > day


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(FixSettings, match="America/New_York, was 'Mars/Olympus'"):
        SessionCalendar("Mars/Olympus")


@pytest.mark.parametrize("name", ["America/New_York", "America/Havana", "America/Sao_Paulo"])
def test_hour_by_hour_through_a_year_every_moment_is_in_its_local_day(name: str) -> None:
    calendar, zone = SessionCalendar(name), ZoneInfo(name)
    for hour in range(366 * 24):
        time = datetime(2018, 1, 1, 0, 30, tzinfo=UTC) + timedelta(hours=hour)
        assert calendar.session(time) == time.astimezone(zone).date()
