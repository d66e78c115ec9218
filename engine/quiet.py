"""Steps in which nothing but the price of one unseen subscription moves, done all at once.

Most steps of a run with daily bars bring the hourly bar of the benchmark and no more: nobody is
called, and all that they leave behind is the price, the account's extremes and a later clock. It
is :mod:`engine.stretch` without the steps in between, which nobody can look at; the results are
equal. What only the full way can answer is left to it.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.securities.margin_call import DefaultMarginCallModel
from engine.securities.positions import FAR_FROM_CALL
from engine.statistics.trade_builder import TradeBuilder
from engine.types.bars import TradeBar
from engine.types.decimals import ZERO
from engine.types.enums import SecurityType
from engine.types.slice import Slice

if TYPE_CHECKING:
    from engine.step import Stepper

MARGIN_CALL_EVERY = timedelta(minutes=5)
_ONE_HOUR = timedelta(hours=1)


def next_hour(utc: datetime) -> datetime:
    """Return the next full hour."""
    if not (utc.minute or utc.second or utc.microsecond):
        return utc + _ONE_HOUR
    return utc.replace(minute=0, second=0, microsecond=0) + _ONE_HOUR


def run_quiet(stepper: Stepper, band: tuple[Any, ...], steps: int) -> int | None:
    """Run as many of the next ``steps`` of the band as are quiet; return their number.

    With 0 the next one has to be run the full way, with None all of them. The last step may be one
    that is sampled.
    """
    lead = band[0]
    config = lead.config
    security = config._security
    algorithm, results = stepper.algorithm, stepper.results
    transactions, portfolio = stepper.transactions, algorithm.portfolio
    builder = algorithm.trade_builder
    cache = security.cache
    if (
        len(band) > 1
        or not lead.internal
        or config.consolidators
        or config._type is not TradeBar
        or security.type is not SecurityType.EQUITY
        or security.volatility_model is not security._no_volatility
        # who filters data could have kept bars, and changed them
        or security.data_filter is not None
        # of a bar and a quote of one moment only one counts
        or cache._quote_end is not None
        or cache._pending_quote is not None
        or len(portfolio.cash_book) > 1
        or transactions._queue
        or algorithm._pending_universes
        or algorithm._pending_members
        or algorithm.insights._score_function is not None
        or algorithm._stock_models(True) is None
        or type(portfolio.margin_call_model) is not DefaultMarginCallModel
        or type(builder) is not TradeBuilder
    ):
        return None
    brokerage = transactions.brokerage
    if brokerage.needs_scan and (not brokerage._all_wait() or brokerage._waits_for(security)):
        return 0
    value = portfolio._total_portfolio_value
    parts = portfolio._parts_of_now()
    if value <= 0 or parts is None or (parts and not portfolio.positions._is_margin_far()):
        return 0

    # so far, the last of them with a sample at its end
    moments, first = lead.moments, lead.at
    end = first + steps
    capacity = results._capacity
    if capacity.active:
        # (without data it takes no volume)
        end = min(end, bisect_left(moments, capacity._next, first, end) + 1)
    end = min(end, bisect_left(moments, results._next_sample, first, end) + 1)
    points = _whole(lead.points[first:end])
    if not points:
        return 0
    end = first + len(points)
    utc = moments[end - 1]
    hourly = utc >= stepper.next_hourly_scan
    if hourly and stepper._has_hourly():
        return 0

    # what the prices make of the account
    position = builder._positions.get(security.symbol)
    place = next((k for k, part in enumerate(parts) if part.security is security), None)
    prices: list[Decimal] = []
    if place is not None or position is not None:
        prices = [point._src.exact(3, point._row) for point in points]
    values = [value]
    if place is not None:
        values = _values(portfolio, parts, place, prices)
        if not _stays_far(portfolio, parts, place, max(prices), min(values)):
            return 0

    # from here on it is done
    feed = stepper.feed
    feed._went_on(lead, end)
    feed.data_points += len(points)
    algorithm._clock.utc = utc
    algorithm.current_slice = Slice(utc + stepper.local.offset, [], utc)
    cache._pending_trade = points[-1]
    security.holdings._set_price = None
    if prices:
        cache._settle()
        prices[-1] = cache._p
        if position is not None:
            position.follow_all(prices)
    if place is not None:
        portfolio._value = None
        values[-1] = portfolio._total_portfolio_value
    if hourly:
        stepper.next_hourly_scan = next_hour(utc)
    for moment in moments[first:end]:
        if moment >= stepper.next_margin_call:
            stepper.next_margin_call = moment + MARGIN_CALL_EVERY
    stepper.next_look = min(
        stepper.next_hourly_scan, stepper.next_margin_call, stepper.local.valid_to
    )
    stepper.solvent = values[-1]
    results.on_values(values)
    results.on_step(utc)
    return len(points)


def _whole(points: list[Any]) -> list[Any]:
    """Return the points up to the first that is no bar of a file with all its prices."""
    for count, point in enumerate(points):
        if (
            point.is_fill_forward
            or point._src is None
            or not (point.open and point.high and point.low and point.close and point.volume)
        ):
            return points[:count]
    return points


def _values(portfolio: Any, parts: list[Any], place: int, prices: list[Decimal]) -> list[Decimal]:
    """Return what the account is worth at each price of one of its parts.

    The sums are those of the portfolio's own ``_revalued``, in its order.
    """
    part = parts[place]
    security, quantity = part.security, part.holding._quantity
    multiplier = security.symbol_properties._contract_multiplier
    rate = security.quote_currency._conversion._conversion_rate
    before, behind = ZERO, [other.worth for other in parts[place + 1 :]]
    for other in parts[:place]:
        before = before + other.worth
    in_cash, values = portfolio._in_cash, []
    for price in prices:
        held = before + price * quantity * multiplier * rate
        for worth in behind:
            held = held + worth
        values.append(in_cash + held)
    return values


def _stays_far(
    portfolio: Any, parts: list[Any], place: int, highest: Decimal, least: Decimal
) -> bool:
    """Tell whether the account stays above zero and far from a margin call.

    ``highest`` is the highest price of one of its parts, ``least`` its lowest value. The rates of
    the margin models have just been looked at.
    """
    part = parts[place]
    security = part.security
    most = max(other.rate for other in parts)
    gross = abs(
        highest
        * part.holding._quantity
        * security.symbol_properties._contract_multiplier
        * security.quote_currency._conversion._conversion_rate
    )
    for other in parts:
        if other is not part:
            gross = gross + other.size
    return bool(least > 0 and most * gross < least * FAR_FROM_CALL - portfolio._not_settled)
