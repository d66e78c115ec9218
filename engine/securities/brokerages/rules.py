"""Checks that several brokerage models share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from engine.data.sessions import midnight
from engine.securities.brokerages.default import ACCEPTED, Answer
from engine.securities.brokerages.messages import name_of, pascal, refuse
from engine.types.enums import MarketHoursState, OrderType

_DAY = timedelta(days=1)
_MARKET = MarketHoursState.MARKET
_ON_OPEN = OrderType.MARKET_ON_OPEN
_NOT_ACROSS_ZERO = (_ON_OPEN, OrderType.MARKET_ON_CLOSE)
Window = Callable[[Any], tuple[timedelta, timedelta]]


def crosses_zero(held: Decimal, ordered: Decimal) -> bool:
    """Tell whether an order turns a long into a short or a short into a long."""
    return held * ordered < 0 and (held + ordered) * ordered > 0


def refuse_across_zero(
    model: Any, security: Any, order: Any, kinds: Iterable[OrderType] = _NOT_ACROSS_ZERO
) -> Answer:
    """Refuse some kinds of orders that turn a position around."""
    if order.type in kinds and crosses_zero(security.holdings._quantity, order._quantity):
        return refuse(
            f"Order type '{pascal(order.type)}' is not supported for orders that cross the zero "
            "holdings threshold in "
            f"the {name_of(model)}. This means you cannot change a position from positive to "
            "negative or vice versa "
            "using this order type. Please close the existing position first."
        )
    return ACCEPTED


def _clock(time: timedelta) -> str:
    # LEAN's format has a blank and twelve hours
    minutes = int(time.total_seconds()) // 60
    return f" {(minutes // 60 - 1) % 12 + 1:02d}:{minutes % 60:02d}"


def refuse_market_on_open(
    security: Any, order: Any, window: Window, kinds: Iterable[Any]
) -> Answer:
    """Refuse a market-on-open order outside the hours in which the broker takes it.

    The window starts at its first time and goes over midnight when that lies after the second.
    """
    if order.type != _ON_OPEN:
        return ACCEPTED
    if security.type not in kinds:
        return refuse(
            "The broker does not support Market-on-Open orders for security type "
            f"{pascal(security.type)}",
            "UnsupportedSecurityType",
        )
    local = security.local_time
    now = local - midnight(local)
    session = None
    for segment in security.exchange.hours.get_market_hours(local).segments:
        if segment.state == _MARKET:
            session = segment
            break
    if session is None:
        start, end = timedelta(0), _DAY - timedelta(microseconds=1)
    else:
        start, end = window(session)
    inside = start <= now < end if start <= end else now >= start or now < end
    if inside:
        return ACCEPTED
    return refuse(
        "MarketOnOpen submission time is invalid. Valid local times are "
        f"{_clock(start)}–{_clock(end)}. "
        "Consider setting daily_precise_end_time = false or using self.schedule.on."
    )
