"""Close times of insights: recorded on LEAN, and as invariants of trading time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from framework_kit import DOWN, UP, Stand, share
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.hours import MarketHoursDatabase
from engine.framework.expiry import Expiry
from engine.framework.insight import Insight
from engine.framework.periods import close_after_span, end_of_bars
from engine.types.enums import InsightType, Resolution, SecurityType
from engine.types.errors import ArgumentException, InvalidOperationException
from engine.types.timezones import aware, from_utc, to_utc

FRIDAY = datetime(2013, 11, 15, 19)  # 14:00 in New York
MINUTE = timedelta(minutes=1)

# what LEAN gave insights of Friday, 2013-11-15 14:00 New York: (argument, UTC close, period)
RECORDED: list[tuple[tuple[Any, ...], datetime, timedelta]] = [
    ((timedelta(seconds=1),), datetime(2013, 11, 15, 19, 0, 1), timedelta(seconds=1)),
    ((timedelta(minutes=20),), datetime(2013, 11, 15, 19, 20), timedelta(minutes=20)),
    ((timedelta(minutes=90),), datetime(2013, 11, 15, 20, 30), timedelta(minutes=90)),
    ((timedelta(hours=6.5),), datetime(2013, 11, 18, 19), timedelta(hours=6.5)),
    ((timedelta(days=1),), datetime(2013, 11, 18, 19), timedelta(days=1)),
    ((timedelta(hours=30),), datetime(2013, 11, 18, 20, 37), timedelta(hours=30)),
    ((timedelta(days=3),), datetime(2013, 11, 20, 19), timedelta(days=3)),
    ((Resolution.MINUTE, 25), datetime(2013, 11, 15, 19, 25), timedelta(minutes=25)),
    ((Resolution.HOUR, 3), datetime(2013, 11, 18, 15, 30), timedelta(days=2, hours=20.5)),
    ((Resolution.DAILY, 2), datetime(2013, 11, 19, 19), timedelta(days=4)),
    ((Expiry.END_OF_DAY,), datetime(2013, 11, 18, 14, 30), timedelta(days=2, hours=19.5)),
    ((Expiry.END_OF_WEEK,), datetime(2013, 11, 18, 14, 30), timedelta(days=2, hours=19.5)),
    ((Expiry.END_OF_MONTH,), datetime(2013, 12, 2, 14, 30), timedelta(days=16, hours=19.5)),
    ((Expiry.END_OF_QUARTER,), datetime(2014, 1, 2, 14, 30), timedelta(days=47, hours=19.5)),
    ((Expiry.END_OF_YEAR,), datetime(2014, 1, 2, 14, 30), timedelta(days=47, hours=19.5)),
    ((Expiry.ONE_MONTH,), datetime(2013, 12, 16, 14, 30), timedelta(days=30, hours=19.5)),
    (
        (lambda t: t + timedelta(days=2, hours=5),),
        datetime(2013, 11, 18, 14, 30),
        timedelta(days=2, hours=19.5),
    ),
    (
        (datetime(2013, 11, 16, 15),),
        datetime(2013, 11, 18, 14, 30),
        timedelta(days=2, hours=19.5),
    ),
    (
        (datetime(2013, 11, 15, 22),),
        datetime(2013, 11, 18, 14, 30),
        timedelta(days=2, hours=19.5),
    ),
]


@pytest.mark.parametrize(("when", "close", "period"), RECORDED)
def test_an_insight_closes_when_it_closed_in_lean(
    hours: MarketHoursDatabase, when: tuple[Any, ...], close: datetime, period: timedelta
) -> None:
    insight = Insight.price(share("SPY"), *when, UP)
    before = insight.generated_time_utc, insight.close_time_utc
    Stand(FRIDAY).emit(hours, insight)
    assert before == (datetime(1, 1, 1), datetime(1, 1, 1))
    assert insight.close_time_utc == aware(close)
    assert insight.period == period


def test_hours_beyond_a_day_count_as_a_share_of_a_session(hours: MarketHoursDatabase) -> None:
    """On a Monday at 10:00, 20, 30 and 40 hours close as LEAN closed them."""
    exchange = hours.get_exchange_hours("usa", share("SPY"), SecurityType.EQUITY)
    monday = to_utc(datetime(2013, 10, 7, 10), exchange.time_zone)
    found = [
        from_utc(close_after_span(exchange, monday, timedelta(hours=h)), exchange.time_zone)
        for h in (20, 30, 40)
    ]
    assert found == [
        datetime(2013, 10, 10, 10, 30),
        datetime(2013, 10, 8, 11, 37),
        datetime(2013, 10, 8, 14, 20),
    ]


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ((timedelta(0),), "Insight period must be greater than or equal to 1 second."),
        ((timedelta(minutes=-5),), "Insight period must be greater than or equal to 1 second."),
        ((Resolution.HOUR, 0), "Insight barCount must be greater than zero."),
    ],
)
def test_no_time_at_all_is_refused_with_the_words_of_lean(
    when: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(ArgumentException, match=message):
        Insight.price(share("SPY"), *when, UP)


def test_a_close_time_in_the_past_is_refused(hours: MarketHoursDatabase) -> None:
    insight = Insight.price(share("SPY"), datetime(2013, 11, 14, 12), UP)
    with pytest.raises(ArgumentException, match="must not be in the past"):
        Stand(FRIDAY).emit(hours, insight)


def test_an_insight_is_active_at_its_close_and_expired_after_it(hours: MarketHoursDatabase) -> None:
    [insight] = Stand(FRIDAY).emit(hours, Insight.price(share("SPY"), timedelta(minutes=20), UP))
    close = insight.close_time_utc
    assert insight.is_active(close)
    assert insight.is_expired(close + timedelta(microseconds=1))


def test_expiring_sets_the_close_to_a_second_ago_and_only_once(hours: MarketHoursDatabase) -> None:
    [insight] = Stand(FRIDAY).emit(hours, Insight.price(share("SPY"), timedelta(minutes=20), UP))
    insight.expire(aware(FRIDAY))
    assert insight.close_time_utc == aware(FRIDAY - timedelta(seconds=1))
    assert insight.period == timedelta(seconds=-1)
    insight.cancel(aware(FRIDAY + timedelta(hours=1)))
    assert insight.close_time_utc == aware(FRIDAY - timedelta(seconds=1))


def test_a_group_has_one_id_and_takes_nobody_twice() -> None:
    pair = Insight.group(
        [Insight.price(share("SPY"), MINUTE, UP), Insight.price(share("AIG"), MINUTE, DOWN)]
    )
    assert pair[0].group_id == pair[1].group_id is not None
    with pytest.raises(InvalidOperationException, match="already been assigned to a group"):
        Insight.group(pair)


def test_the_constructor_takes_lean_s_order_of_arguments() -> None:
    insight = Insight(
        share("SPY"), timedelta(hours=2), InsightType.VOLATILITY, UP,
        0.1, 0.2, "said by me", 0.3, "tagged",
    )  # fmt: skip
    found = (insight.magnitude, insight.confidence, insight.source_model, insight.weight)
    assert found == (0.1, 0.2, "said by me", 0.3)
    assert (insight.tag, insight.period) == ("tagged", timedelta(hours=2))
    assert Insight(share("SPY"), MINUTE, InsightType.PRICE, UP, "a tag").tag == "a tag"


def _one_by_one(exchange: Any, start: datetime, size: timedelta, count: int) -> datetime:
    """LEAN's own loop: step over bars and count those that touch a session."""
    current = start
    while count:
        before, current = current, current + size
        if exchange.is_open(before, current, False):
            count -= 1
    return current


@settings(max_examples=60, deadline=None)
@given(
    minute=st.integers(0, 60 * 24 * 20),
    second=st.sampled_from([0, 0, 0, 30]),
    count=st.integers(1, 900),
)
def test_counting_bars_in_leaps_agrees_with_counting_them_one_by_one(
    hours: MarketHoursDatabase, minute: int, second: int, count: int
) -> None:
    """Weekends, nights, Thanksgiving and its half day included."""
    exchange = hours.get_exchange_hours("usa", share("SPY"), SecurityType.EQUITY)
    start = datetime(2013, 11, 20) + timedelta(minutes=minute, seconds=second)
    found = end_of_bars(exchange, start, MINUTE, count)
    assert found == _one_by_one(exchange, start, MINUTE, count)
