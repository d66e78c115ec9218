"""Corporate events of a subscription: splits, dividends, renames and delistings, at the dates on
which LEAN sends them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.data.factors import FactorFile
from engine.data.maps import MapFile
from engine.data.sessions import SecurityExchangeHours
from engine.types.bars import Delisting, Dividend, Split, SymbolChangedEvent
from engine.types.decimals import round_half_even
from engine.types.enums import DelistingType, SplitType
from engine.types.symbol import Symbol

ONE_DAY = timedelta(days=1)
#: corporate events, and what a frame shows of them
EVENTS: dict[type, tuple[str, ...]] = {
    Dividend: ("distribution", "reference_price"),
    Split: ("reference_price", "split_factor", "type"),
    Delisting: ("type",),
    SymbolChangedEvent: ("new_symbol", "old_symbol"),
}
PriceBefore = Callable[[datetime], Decimal]


@dataclass(frozen=True, slots=True)
class Due:
    """An event that will be sent at local time ``time``; ``make`` is given the last raw price
    before it.
    """

    time: datetime
    make: Callable[[Decimal], Any]
    dividend: Decimal | None = None
    payout: bool = False


def distribution(reference: Decimal, ratio: Decimal) -> Decimal:
    """Return the dividend per share that a price factor ratio stands for, in cents."""
    return round_half_even(reference - reference * ratio, 2)


def _split(
    symbol: Symbol, day: datetime, price: Decimal | None, factor: Decimal, kind: SplitType
) -> Callable[[Decimal], Split]:
    return lambda last: Split(symbol, day, last if price is None else price, factor, kind)


def corporate_events(
    symbol: Symbol,
    mapping: MapFile,
    factors: FactorFile | None,
    hours: SecurityExchangeHours,
    start: datetime,
    end: datetime,
    extended: bool = False,
) -> list[Due]:
    """Return the events of a subscription from ``start`` to ``end`` (local), in the order in which
    LEAN sends them.

    LEAN looks at each trading day from the first one on: a factor row of that day announces a split
    or dividend of the
    next trading day, a split with a warning at once.
    """
    found: list[tuple[datetime, int, Due]] = []
    first, last = _first_open(hours, start, extended), end

    def add(order: int, due: Due) -> None:
        found.append((due.time, order, due))

    for row in [] if factors is None else factors.rows:
        day = row.date
        if day < first or day > last or not hours.is_date_open(day, extended):
            continue
        if not mapping.has_data(day):
            continue
        following = _first_open(hours, day + ONE_DAY, extended)
        while following <= last and not mapping.has_data(following):
            if following > mapping.delisting_date:
                break
            following = _first_open(hours, following + ONE_DAY, extended)
        comes = following <= last and mapping.has_data(following)
        split = factors.split_after(day) if factors is not None else None
        if split is not None:
            factor, reference = split
            add(1, Due(day, _split(symbol, day, None, factor, SplitType.WARNING), payout=True))
            if comes:
                make = _split(symbol, following, reference, factor, SplitType.SPLIT_OCCURRED)
                add(0, Due(following, make, payout=True))
        dividend = factors.dividend_after(day) if factors is not None else None
        if dividend is not None and comes:
            ratio, reference = dividend
            paid = distribution(reference, ratio)
            add(2, Due(following, _dividend(symbol, following, paid, reference), paid, True))
    _renames(symbol, mapping, hours, first, start, last, extended, add)
    _delisting(symbol, mapping, hours, first, last, extended, add)
    found.sort(key=lambda item: item[:2])
    return [due for _, _, due in found]


def _dividend(
    symbol: Symbol, day: datetime, paid: Decimal, reference: Decimal
) -> Callable[[Decimal], Dividend]:
    return lambda _: Dividend(symbol, day, paid, reference)


def _first_open(hours: SecurityExchangeHours, moment: datetime, extended: bool) -> datetime:
    day = datetime(moment.year, moment.month, moment.day)
    for _ in range(400):
        if hours.is_date_open(day, extended):
            return day
        day += ONE_DAY
    return day


def _renames(
    symbol: Symbol,
    mapping: MapFile,
    hours: SecurityExchangeHours,
    first: datetime,
    start: datetime,
    last: datetime,
    extended: bool,
    add: Callable[[int, Due], None],
) -> None:
    if not mapping.rows:
        return
    today = datetime(start.year, start.month, start.day)
    held = mapping.ticker_on(today, symbol.value) if mapping.has_data(today) else symbol.value
    days = [first] if mapping.has_data(first) else []
    days += [_first_open(hours, day + ONE_DAY, extended) for day, _ in mapping.rows]
    days += [_first_open(hours, mapping.first_date, extended)]
    for day in sorted(set(days)):
        if first <= day <= last and mapping.has_data(day):
            ticker = mapping.ticker_on(day, held)
            if ticker != held:
                add(3, Due(day, _rename(symbol, day, held, ticker)))
                held = ticker


def _rename(
    symbol: Symbol, day: datetime, old: str, new: str
) -> Callable[[Decimal], SymbolChangedEvent]:
    return lambda _: SymbolChangedEvent(symbol, day, old, new)


def _delisting(
    symbol: Symbol,
    mapping: MapFile,
    hours: SecurityExchangeHours,
    first: datetime,
    last: datetime,
    extended: bool,
    add: Callable[[int, Due], None],
) -> None:
    if not mapping.rows:
        return
    day = mapping.delisting_date
    if day > last:
        return
    # the warning is sent when a trading day at or after the last one is reached, and dated the last
    # one
    if _first_open(hours, max(day, first), extended) <= last:
        add(4, Due(day, lambda price: Delisting(symbol, day, price, DelistingType.WARNING)))
    after = day + ONE_DAY
    if _first_open(hours, max(after, first), extended) <= last:
        add(5, Due(after, lambda price: Delisting(symbol, after, price, DelistingType.DELISTED)))
