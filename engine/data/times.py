"""Arithmetic of trading bars: where a number of bars back begins."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from engine.data.fillforward import Rounding
from engine.data.sessions import ONE_DAY, SecurityExchangeHours, midnight
from engine.types.timezones import from_micro, to_micro

_MICRO = timedelta(microseconds=1)
_BLOCK = 4096


def start_for_bars(
    hours: SecurityExchangeHours,
    end: datetime,
    size: timedelta,
    count: int,
    extended: bool,
    data_zone: ZoneInfo,
    strict: bool = False,
) -> datetime:
    """Return the local time at which ``count`` bars of open market before ``end`` begin.

    Parameters
    ----------
    hours, data_zone
        The exchange's calendar and the time zone in which bars are cut.
    end
        Naive local time of the exchange.
    size, count
        Length and number of the bars; a bar counts when the market is open at any moment of it.
    extended
        Whether pre- and post-market sessions count.
    strict
        Daily bars that run from open to close.

    Returns
    -------
    datetime
        Naive local time; LEAN's ``Time.GetStartTimeForTradeBars``.
    """
    rounding = Rounding(hours, data_zone)
    step = size // _MICRO
    current = to_micro(end)
    if strict and size == ONE_DAY:
        # the bar of today is not there before its close
        if (
            not hours.is_date_open(end)
            or hours.get_next_market_close(midnight(end), extended) > end
        ):
            current = rounding.down(current, step)
    else:
        current = rounding.down(current, step)
    left = count
    while left > 0:
        block = _BLOCK if left > 64 or size < ONE_DAY else max(16, 2 * left)
        starts = current - step * np.arange(1, block + 1, dtype=np.int64)
        open_ = hours._open_mask(starts, starts + step, extended)
        found = np.flatnonzero(open_)
        if len(found) >= left:
            return from_micro(int(starts[found[left - 1]]))
        left -= len(found)
        current = int(starts[-1])
        if current < -6_000_000_000_000_000:
            raise ValueError(
                f"expected {count} bars of open market before {end}, was a market that never opens"
            )
    return from_micro(current)
