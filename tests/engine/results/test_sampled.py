"""What is kept from one midnight to the next changes no point of a chart."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.results import samples
from engine.results.charts import Series
from engine.results.points import ChartPoint
from engine.results.sampled import SampledSeries
from engine.types.enums import SecurityType

START = datetime(2020, 1, 1)
NUMBERS = st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=3)
#: what is done to a series, hours after the start, and the number
STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "put", "look", "extend"]), st.integers(0, 9), NUMBERS),
    max_size=25,
)


def _after(series: Series, steps: list[tuple[str, int, Decimal | None]]) -> list[Any]:
    seen: list[Any] = []
    for step, hours, number in steps:
        utc = START + timedelta(hours=hours)
        if step == "take":
            seen.append(series._take(utc, number))
        elif step == "put":
            series._put(utc, number)
        elif step == "look":
            seen.append([(point._utc, point._y) for point in series.values])
        else:
            series.values.extend([ChartPoint._rounded(utc, number)])
        seen.append((series._count(), series._last()))
    return [*seen, list(series._pairs()), series._json(), len(series.values)]


@given(STEPS)
def test_a_sampled_series_is_one_of_points(steps: list[tuple[str, int, Decimal | None]]) -> None:
    assert _after(SampledSeries("a"), steps) == _after(Series("a"), steps)


def test_a_copy_of_a_sampled_series_has_its_points() -> None:
    series = SampledSeries("a")
    series._take(START, Decimal(7))
    copy = series.clone()
    assert copy._json() == series._json()
    assert series.clone(True)._count() == 0
    series.purge()
    assert series._count() == 0


AMOUNTS = st.sampled_from([Decimal(n) for n in ("-12.5", "0", "7.25", "7.250", "100")])
#: of a day: the account's value and what three positions are worth; some days are like the last
DAYS = st.lists(
    st.none() | st.tuples(st.sampled_from([1000, 3000]), st.lists(AMOUNTS, max_size=3)),
    min_size=1,
    max_size=12,
)
KINDS = (SecurityType.EQUITY, SecurityType.FOREX, SecurityType.EQUITY)


class _Security(SimpleNamespace):
    __hash__ = object.__hash__


def _charts(days: list[Any], known: bool, forget: bool) -> dict[str, Any]:
    book = samples.ChartBook()
    securities = [
        _Security(type=kind, symbol=SimpleNamespace(value=f"S{number}"), holdings=None)
        for number, kind in enumerate(KINDS)
    ]
    for security in securities:
        security.holdings = SimpleNamespace(
            _security=security, _total_sale_volume=Decimal(0), _holdings_value=Decimal(0)
        )
    value, worths = Decimal(1000), list[Decimal]()
    for day, given_ in enumerate(days):
        if given_ is not None:
            value, worths = Decimal(given_[0]), given_[1]
        utc = START + timedelta(days=day)
        if forget:
            book._exposed = book._marginal = (None, [], [])
        parts = []
        for security, worth in zip(securities, worths, strict=False):
            security.holdings._holdings_value = worth
            security.holdings._total_sale_volume += abs(worth)
            parts.append(SimpleNamespace(security=security, holding=security.holdings, worth=worth))
        for security in securities[len(worths) :]:
            security.holdings._holdings_value = Decimal(0)
        book.hold([security.holdings for security in securities])
        samples.sample_sales(book, utc, "$")
        samples.sample_exposure(book, utc, value, parts if known else None)
        groups = [(part.security, abs(part.worth)) for part in parts]
        samples.sample_margin(book, utc, groups, value, attrgetter("value"))
    return {name: chart._json() for name, chart in book.charts.items()}


@pytest.mark.parametrize("known", [True, False])
@given(DAYS)
def test_days_without_a_change_are_sampled_as_if_nothing_was_kept(
    known: bool, days: list[Any]
) -> None:
    assert _charts(days, known, forget=False) == _charts(days, known, forget=True)


def test_sales_end_with_the_last_security() -> None:
    book = samples.ChartBook()
    security = SimpleNamespace(type=SecurityType.EQUITY, symbol=SimpleNamespace(value="S"))
    holding = SimpleNamespace(_security=security, _total_sale_volume=Decimal(5))
    for day, holdings in enumerate([[holding], [holding], [], []]):
        book.hold(holdings)
        samples.sample_sales(book, START + timedelta(days=day), "$")
    assert book.pairs(samples.SALES, "S") == [
        (START, Decimal(5)),
        (START + timedelta(days=1), Decimal(5)),
    ]


@given(DAYS)
def test_exposures_of_parts_are_those_of_all_holdings(days: list[Any]) -> None:
    assert _charts(days, True, forget=False) == _charts(days, False, forget=False)
