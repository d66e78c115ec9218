"""The volume near a fill, for the estimate of a strategy's capacity."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.statistics.capacity import SymbolCapacity
from engine.types.bars import QuoteBar, TradeBar
from engine.types.slice import Slice

FILLED = datetime(2020, 3, 2, 15)


@given(
    st.sampled_from([1, 60, 300]),
    st.integers(0, 150 * 60),
    st.decimals(0, 10**9, allow_nan=False, places=2),
)
def test_a_bar_that_is_in_reach_at_any_volume_is_so_at_each(
    seconds: int, since: int, average: Decimal
) -> None:
    found = SymbolCapacity(SimpleNamespace(symbol="A"))
    found._last_order = FILLED
    utc, period = FILLED + timedelta(seconds=since), timedelta(seconds=seconds)
    at_once = found._at_once(utc, period)
    assert at_once in (None, found._in_reach(utc, period, average))


def test_only_bars_between_the_shortest_and_the_longest_wait_need_the_volume() -> None:
    found = SymbolCapacity(SimpleNamespace(symbol="A"))
    minute = timedelta(minutes=1)
    assert found._at_once(FILLED, minute) is False
    found._last_order = FILLED
    answers = [found._at_once(FILLED + minute * n, minute) for n in (0, 1, 2, 120, 121)]
    assert answers == [True, True, None, None, False]
    # as LEAN waits for a bar of seconds
    assert found._at_once(FILLED + minute * 5, timedelta(seconds=1)) is True


def _security(symbol: object, rate: str = "1") -> SimpleNamespace:
    return SimpleNamespace(
        symbol=symbol,
        quote_currency=SimpleNamespace(_conversion_rate=Decimal(rate)),
        symbol_properties=SimpleNamespace(_contract_multiplier=Decimal(1)),
    )


class _Exact(SymbolCapacity):
    """Reckons with decimals only."""

    def _nearly(self, *_: object) -> bool | None:
        return None


@given(
    st.integers(61, 120 * 60),
    st.integers(1, 600),
    st.floats(0, 1000).map(lambda price: round(price, 4)),
    st.floats(0, 1e7).map(round),
    st.floats(0, 1e7).map(round),
    st.sampled_from(["1", "0.0091", "1.37"]),
)
# exactly 6,000,000 a minute for one, three and a little less than three minutes
@example(120, 60, 100.0, 30_000, 0, "1")
@example(180, 60, 100.0, 10_000, 10_000, "1")
@example(180, 60, 100.0, 10_000, 10_001, "1")
def test_a_bar_that_floats_tell_in_reach_is_so_exactly(
    since: int, between: int, price: float, traded: int, before: int, rate: str
) -> None:
    security = _security("A", rate)
    quick, exact = SymbolCapacity(security), _Exact(security)
    utc = FILLED + timedelta(seconds=since)
    bar = TradeBar(utc, "A", price, price, price, price, float(traded))
    for one in (quick, exact):
        one._last_order, one._discount = FILLED, Decimal(1)
        one._previous_time = utc - timedelta(seconds=between)
        one._previous_volume = float(before)
    answers = [one.update(utc, Slice(utc, [bar])) for one in (quick, exact)]
    assert answers[0] is answers[1]
    assert quick.market_volume == exact.market_volume
    assert quick._previous_volume == exact._previous_volume


@pytest.mark.parametrize("volume", [float("inf"), float("nan")])
def test_a_volume_that_is_no_number_is_refused_as_ever(volume: float) -> None:
    found = SymbolCapacity(_security("A"))
    found._last_order, found._previous_time = FILLED, FILLED
    utc = FILLED + timedelta(minutes=2)
    with pytest.raises(OverflowError):
        found.update(utc, Slice(utc, [TradeBar(utc, "A", 1, 1, 1, 1, volume)]))


def test_the_only_bar_of_a_step_is_found_as_among_several() -> None:
    found = SymbolCapacity(_security("A"))
    bar, other = TradeBar(FILLED, "A", volume=3.0), TradeBar(FILLED, "B")
    answer = (bar, 3.0, bar.period)
    assert found._bar(Slice(FILLED, [bar])) == found._bar(Slice(FILLED, [other, bar])) == answer
    assert found._bar(Slice(FILLED, [other])) is None
    looked_at = Slice(FILLED, [bar])
    looked_at.bars.clear()
    assert found._bar(looked_at) is None
    assert found._bar(Slice(FILLED, [QuoteBar(FILLED, "B")])) is None
