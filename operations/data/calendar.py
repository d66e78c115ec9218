"""Trading days of the US equity exchanges since 1990, from the exchanges' published rules.

Regular holidays and early closes follow rules; what no rule explains is listed with its reason.
Sources: NYSE Rule 7.2 and the NYSE's list of historical closings.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)

FIRST_YEAR = 1990
LAST_YEAR = 2030

#: When a regular session ends, in New York.
REGULAR_CLOSE = time(16, 0)

#: Full closings that follow no rule.
EXTRA_HOLIDAYS: dict[date, str] = {
    date(1994, 4, 27): "funeral of Richard Nixon",
    date(2001, 9, 11): "terrorist attacks",
    date(2001, 9, 12): "terrorist attacks",
    date(2001, 9, 13): "terrorist attacks",
    date(2001, 9, 14): "terrorist attacks",
    date(2004, 6, 11): "funeral of Ronald Reagan",
    date(2007, 1, 2): "funeral of Gerald Ford",
    date(2012, 10, 29): "hurricane Sandy",
    date(2012, 10, 30): "hurricane Sandy",
    date(2018, 12, 5): "funeral of George H. W. Bush",
    date(2025, 1, 9): "funeral of Jimmy Carter",
}

#: Early closes that follow no rule but were announced. Days cut short without notice (1994-02-11,
#: 1996-01-08 and 1997-10-27) keep their regular hours: nobody could have scheduled around them.
EXTRA_EARLY_CLOSES: dict[date, tuple[time, str]] = {
    date(1997, 12, 26): (time(13, 0), "day after Christmas"),
    date(1999, 12, 31): (time(13, 0), "eve of the year 2000"),
    date(2003, 12, 26): (time(13, 0), "day after Christmas"),
}


def easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    golden, century = year % 19, year // 100
    year_of_century = year % 100
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - correction + 15) % 30
    weekday = (
        32 + 2 * (century % 4) + 2 * (year_of_century // 4) - epact - year_of_century % 4
    ) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """Return the ``nth`` (from 1; -1 is the last) ``weekday`` of a month."""
    if nth > 0:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - weekday) % 7)


def observed(day: date) -> date:
    """Move a holiday from Saturday to Friday and from Sunday to Monday."""
    return day + timedelta(days={SATURDAY: -1, SUNDAY: 1}.get(day.weekday(), 0))


def _regular_holidays(year: int) -> Iterator[date]:
    new_year = date(year, 1, 1)
    # On a Saturday it is not moved: the last day of the year stays open for the books.
    if new_year.weekday() != SATURDAY:
        yield observed(new_year)
    if year >= 1998:
        yield nth_weekday(year, 1, MONDAY, 3)  # Martin Luther King
    yield nth_weekday(year, 2, MONDAY, 3)  # Washington's birthday
    yield easter(year) - timedelta(days=2)  # Good Friday
    yield nth_weekday(year, 5, MONDAY, -1)  # Memorial Day
    if year >= 2022:
        yield observed(date(year, 6, 19))  # Juneteenth
    yield observed(date(year, 7, 4))  # Independence Day
    yield nth_weekday(year, 9, MONDAY, 1)  # Labor Day
    yield nth_weekday(year, 11, THURSDAY, 4)  # Thanksgiving
    yield observed(date(year, 12, 25))  # Christmas


def holidays(first_year: int = FIRST_YEAR, last_year: int = LAST_YEAR) -> list[date]:
    """Return every weekday the exchanges stayed closed, in order."""
    found = {day for year in range(first_year, last_year + 1) for day in _regular_holidays(year)}
    found.update(day for day in EXTRA_HOLIDAYS if first_year <= day.year <= last_year)
    return sorted(found)


def _regular_early_closes(year: int) -> Iterator[tuple[date, time]]:
    two, one = time(14, 0), time(13, 0)
    if year >= 1992:  # the day after Thanksgiving
        after = nth_weekday(year, 11, THURSDAY, 4) + timedelta(days=1)
        yield after, one if year >= 1993 else two
    christmas_eve = date(year, 12, 24)
    if christmas_eve.weekday() <= THURSDAY:
        yield christmas_eve, one if year >= 1993 else two
    if year >= 1995:  # around Independence Day
        eve = date(year, 7, 3)
        if eve.weekday() in (MONDAY, TUESDAY, THURSDAY):
            yield eve, one
        elif eve.weekday() == WEDNESDAY:
            # Until 2012 the Friday after a Thursday's holiday closed early instead of its eve.
            yield (eve, one) if year >= 2013 else (date(year, 7, 5), one)


def early_closes(first_year: int = FIRST_YEAR, last_year: int = LAST_YEAR) -> dict[date, time]:
    """Return the days of shortened trading and their closing time in New York."""
    closed = set(holidays(first_year, last_year))
    found = {
        day: close
        for year in range(first_year, last_year + 1)
        for day, close in _regular_early_closes(year)
        if day not in closed
    }
    for day, (close, _) in EXTRA_EARLY_CLOSES.items():
        if first_year <= day.year <= last_year:
            found[day] = close
    return dict(sorted(found.items()))


def sessions(first: date, last: date) -> list[date]:
    """Return every trading day from ``first`` to ``last``, both included.

    Raises
    ------
    ValueError
        When the range leaves the years the rules are known for.
    """
    if first.year < FIRST_YEAR or last.year > LAST_YEAR:
        raise ValueError(
            f"expected dates within {FIRST_YEAR} and {LAST_YEAR}, was {first} to {last}"
        )
    closed = set(holidays(first.year, last.year))
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if day.weekday() < SATURDAY and day not in closed]
