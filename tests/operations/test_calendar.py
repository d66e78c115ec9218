"""The US equity calendar against other people's answers and against the prices themselves."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta

import exchange_calendars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.data import calendar, series

SESSIONS = calendar.sessions(date(1990, 1, 1), date(2026, 12, 31))


@pytest.fixture(scope="module")
def nyse() -> exchange_calendars.ExchangeCalendar:
    return exchange_calendars.get_calendar("XNYS", start="1990-01-01", end="2026-12-31")


def test_the_sessions_are_those_of_exchange_calendars(nyse) -> None:
    assert [day.date() for day in nyse.sessions] == SESSIONS


def test_the_early_closes_are_those_of_exchange_calendars(nyse) -> None:
    closes = nyse.closes[nyse.early_closes].dt.tz_convert("America/New_York")
    expected = {day.date(): close.time() for day, close in closes.items()}
    found = {day: at for day, at in calendar.early_closes().items() if day.year <= 2026}
    assert found == expected


def test_the_holidays_cover_those_of_leans_own_database(lean_data) -> None:
    path = lean_data / "market-hours/market-hours-database.json"
    entry = json.loads(path.read_text())["entries"]["Equity-usa-[*]"]
    lean = {datetime.strptime(day, "%m/%d/%Y").date() for day in entry["holidays"]}
    weekdays = {day for day in lean if day.weekday() < calendar.SATURDAY}
    assert weekdays == set(calendar.holidays(1998, 2028))


@pytest.mark.parametrize("file", [series.STOCKS, series.INDEX_CLOSE], ids=lambda f: f.member)
def test_the_days_with_prices_are_the_sessions(file, texts) -> None:
    days = [date.fromisoformat(line.split(",")[0]) for line in texts[file].splitlines()[1:]]
    assert days == calendar.sessions(days[0], days[-1])


@pytest.mark.parametrize("file", [series.SP500_BARS, series.NASDAQ_BARS], ids=lambda f: f.member)
def test_the_days_with_index_bars_are_the_sessions(file, texts) -> None:
    lines = texts[file].splitlines()[1:]
    days = [datetime.strptime(line.split(",")[0], "%m/%d/%Y").date() for line in lines]
    assert days == calendar.sessions(days[0], days[-1])


# The Astronomical Society's table of Easter dates.
@pytest.mark.parametrize(
    ("year", "day"),
    [(1990, (4, 15)), (2000, (4, 23)), (2008, (3, 23)), (2019, (4, 21)), (2038, (4, 25))],
)
def test_easter_is_where_the_church_puts_it(year: int, day: tuple[int, int]) -> None:
    assert calendar.easter(year) == date(year, *day)


@given(st.integers(1583, 4000))
def test_easter_is_a_sunday_between_march_22_and_april_25(year: int) -> None:
    day = calendar.easter(year)
    assert day.weekday() == calendar.SUNDAY
    assert date(year, 3, 22) <= day <= date(year, 4, 25)


@given(st.integers(1990, 2030), st.integers(1, 12), st.integers(0, 6))
def test_the_last_weekday_of_a_month_is_less_than_a_week_from_its_end(
    year: int, month: int, weekday: int
) -> None:
    day = calendar.nth_weekday(year, month, weekday, -1)
    assert (day.month, day.weekday()) == (month, weekday)
    assert (day + timedelta(days=7)).month != month


def test_an_early_close_is_always_a_session() -> None:
    closes = [day for day in calendar.early_closes() if day.year <= 2026]
    assert set(closes) <= set(SESSIONS)
    assert set(calendar.early_closes().values()) <= {time(13), time(14)}


def test_years_without_known_rules_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected dates within 1990 and 2030, was 1989-12-29"):
        calendar.sessions(date(1989, 12, 29), date(1990, 1, 5))


def test_the_sources_are_the_pinned_ones() -> None:
    assert {file.requirement for file in series.FILES} == {"skfolio==0.7.0", "arch==8.0.0"}
    assert all(len(file.digest) == 64 for file in series.FILES)
