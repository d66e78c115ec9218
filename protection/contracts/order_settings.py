"""Settings of the order checks beside the position limits; all off unless asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Any

from protection.contracts import checks
from protection.contracts.checks import Constraint
from protection.contracts.schema import Section, setting


def read_names(text: str) -> frozenset[str]:
    """``"GME; AMC"`` as a set.

    Raises
    ------
    ValueError
        When there is no name in it.
    """
    found = frozenset(part.strip() for part in text.replace(",", ";").split(";") if part.strip())
    if not found:
        raise ValueError(text)
    return found


def read_hours(text: str) -> tuple[time, time]:
    """``"09:30-16:00"`` as two times of day, the first before the second.

    Raises
    ------
    ValueError
        When it is something else.
    """
    first, sign, last = (part.strip() for part in text.partition("-"))
    begin, end = time.fromisoformat(first), time.fromisoformat(last or "x")
    if not sign or begin >= end or begin.tzinfo or end.tzinfo:
        raise ValueError(text)
    return begin, end


def _reads(value: Any, read: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        read(value)
    except ValueError:
        return False
    return True


def _names() -> Constraint:
    return Constraint("as GME; AMC", lambda value: _reads(value, read_names), str, optional=True)


def _hours() -> Constraint:
    return Constraint("as 09:30-16:00", lambda value: _reads(value, read_hours), str, optional=True)


@dataclass(frozen=True, eq=False, repr=False)
class OrderSettings(Section):
    """Checks of single orders and of their flow; an order that reduces passes them all."""

    NAME = "orders"
    SPARSE = True

    restricted: str | None = setting(None, _names(), "symbols that may not be added to")
    instruments: str | None = setting(None, _names(), "the only symbols that may be added to")
    observed: bool = setting(
        False, checks.flag(), "whether a symbol must have been observed with a good price before"
    )
    session: str | None = setting(
        None, _hours(), "time of day on weekdays, in session.timezone, in which adding is allowed"
    )
    max_messages: int | None = setting(
        None, checks.count(1, optional=True), "most orders and updates in message_seconds"
    )
    message_seconds: float = setting(1.0, checks.above(0), "span of max_messages")
    max_orders: int | None = setting(
        None, checks.count(1, optional=True), "most new orders in order_seconds"
    )
    order_seconds: float = setting(1.0, checks.above(0), "span of max_orders")
    per_day: int | None = setting(None, checks.count(1, optional=True), "most new orders a session")
    duplicate_seconds: float | None = setting(
        None,
        checks.above(0, optional=True),
        "span in which the same order (symbol, quantity, kind, prices, strategy) is a duplicate",
    )
    repeats: int | None = setting(
        None,
        checks.count(2, optional=True),
        "orders of one strategy, symbol and side in repeat_seconds that latch the symbol",
    )
    repeat_seconds: float = setting(60.0, checks.above(0), "span of repeats")
    collar: float | None = setting(
        None, checks.share(optional=True), "farthest limit or stop price from the reference price"
    )
    luld_tier: int | None = setting(
        None,
        Constraint("1 or 2", lambda value: value in (1, 2), int, optional=True),
        "tier of the limit-up limit-down bands that adding orders must keep to",
    )
    max_quantity: float | None = setting(
        None, checks.above(0, optional=True), "largest quantity of one order"
    )
    max_notional: float | None = setting(
        None, checks.above(0, optional=True), "largest value of one order in account currency"
    )
    history_multiple: float | None = setting(
        None,
        checks.above(1, optional=True),
        "largest value of an order over the median of the last history_orders of the account",
    )
    history_orders: int = setting(20, checks.count(5), "orders behind that median")
    adv_share: float | None = setting(
        None, checks.above(0, optional=True), "largest quantity over the average daily volume"
    )
    adv_sessions: int = setting(20, checks.count(1), "sessions behind that average")
    window_seconds: float = setting(60.0, checks.above(0), "span of the two window limits")
    window_quantity: float | None = setting(
        None, checks.above(0, optional=True), "largest quantity of a symbol in window_seconds"
    )
    window_notional: float | None = setting(
        None, checks.above(0, optional=True), "largest value of all orders in window_seconds"
    )
    self_trade: bool = setting(
        False, checks.flag(), "whether an order may not meet a resting one of the same account"
    )
    stage_capital: float | None = setting(
        None,
        checks.above(0, optional=True),
        "largest gross exposure in account currency at this stage of a rollout",
    )
