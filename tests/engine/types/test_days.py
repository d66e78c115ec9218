"""Days are read as ``strptime`` reads them, in the two shapes that files and users write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.types.days import compact_day, iso_day


@given(st.dates(min_value=date(1000, 1, 1)))
def test_days_are_what_strptime_makes_of_them(day: date) -> None:
    compact, dashed = f"{day:%Y%m%d}", f"{day:%Y-%m-%d}"
    assert compact_day(compact) == datetime.strptime(compact, "%Y%m%d")
    assert iso_day(dashed) == datetime.strptime(dashed, "%Y-%m-%d")
    assert iso_day(f"{day:%Y}-{day.month}-{day.day}") == iso_day(dashed)


@pytest.mark.parametrize(
    ("read", "texts"),
    [
        (
            compact_day,
            ["", "2020331", "202003311", "2020-3-1", "20200230", "2020W011", "２０２０0331"],
        ),
        (
            iso_day,
            [
                "",
                "2020-03",
                "20-03-31",
                "2020-13-01",
                "2020-W1-1",
                "+020-03-31",
                "2020-03-31T00",
            ],
        ),
    ],
)
def test_what_is_no_day_is_refused(read: Callable[[str], datetime], texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(ValueError):
            read(text)
