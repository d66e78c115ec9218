"""The volume near a fill, for the estimate of a strategy's capacity."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from engine.statistics.capacity import SymbolCapacity

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
