"""Many steps in a row, as long as the same subscriptions have data and nothing else is due.

It is the time step of :mod:`engine.step` without the questions that were answered beforehand: the
same parts in the same order. ``Stepper.quick`` set to False does without; the results are equal.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sized
from datetime import datetime
from functools import partial
from operator import length_hint
from sys import getrefcount
from typing import TYPE_CHECKING, Any

from engine.consolidators.identity import PASSING
from engine.results.handler import ResultHandler
from engine.types.bars import TradeBar
from engine.types.enums import AlgorithmStatus, SecurityType
from engine.types.slice import Slice

if TYPE_CHECKING:
    from engine.step import Stepper

_RUNNING = AlgorithmStatus.RUNNING
_ON_STEP = ResultHandler.on_step
_NEW: Any = object.__new__
#: so many steps at most: between two stretches the run shows how far it is
_LONGEST = 256


def _unkept() -> int:
    """Return the count of references to a slice that only the algorithm and a local name have."""
    algorithm = [Slice(datetime.min)]
    current = algorithm[0]
    return getrefcount(current)


#: a slice with so many references can become the next one: nobody can tell
_UNKEPT = _unkept()


def stretch_of(stepper: Stepper, band: tuple[Any, ...]) -> int:
    """Return for how many steps the data of the band is all there is to do.

    The last point of a chunk is never in a stretch: behind it the next chunk is loaded.
    """
    lead, steps = band[0], _LONGEST
    if (
        stepper.schedule.next_utc <= lead.moments[lead.at]
        or type(stepper.results).on_step is not _ON_STEP
    ):
        return 0
    for held in band:
        if held.mixed or not held.rising:
            return 0
        steps = min(steps, held.size - 1 - held.at)
    begin = lead.at
    if steps <= 0 or stepper.local.valid_from > lead.moments[begin]:
        return 0
    limit = min(
        stepper.schedule.next_utc, stepper.subscriptions._next_scan_utc, stepper.local.valid_to
    )
    end = bisect_left(lead.moments, limit, begin, begin + steps)
    end = bisect_left(lead.emit, stepper.feed._follower, begin, end)
    if len(band) > 1 and end > begin:
        due = lead.emit[begin:end]
        for held in band[1:]:
            other = held.emit[held.at : held.at + len(due)]
            if other != due:
                same = next(
                    k for k, pair in enumerate(zip(due, other, strict=True)) if pair[0] != pair[1]
                )
                due = due[:same]
        end = begin + len(due)
    return end - begin


def _catch_up(feed: Any, lead: Any, places: Any, end: int) -> None:
    """Tell the feed, once, that the steps before the ``places`` left have been taken."""
    feed._catch_up = None
    at = end - length_hint(places)
    if at > lead.at:
        feed._went_on(lead, at)


def run_stretch(stepper: Stepper, band: tuple[Any, ...], steps: int, asked: Sized) -> bool:
    """Run the next steps of the band; False when one of them ended the run.

    It stops earlier when a callback changed what the answers stood on, and when ``asked`` (an
    interrupt) is no longer empty.
    """
    algorithm, feed = stepper.algorithm, stepper.feed
    schedule, transactions, results = stepper.schedule, stepper.transactions, stepper.results
    portfolio, subscriptions = algorithm.portfolio, algorithm.subscription_manager
    clock, offset = algorithm._clock, stepper.local.offset
    current = algorithm.current_slice
    if type(current) is not Slice:
        current = None
    cash_book, brokerage, capacity = portfolio.cash_book, transactions.brokerage, results._capacity
    event, scan = schedule.next_utc, subscriptions._next_scan_utc
    lead, more = band[0], band[1:]
    config, hidden = lead.config, lead.internal
    # whether nothing of the data is shown to the algorithm
    internal = all(held.internal for held in band)
    security = config._security
    no_volatility = security._no_volatility
    share = config._type is TradeBar and security.type is SecurityType.EQUITY
    solvent, next_look = stepper.solvent, stepper.next_look
    models = algorithm._stock_models(internal)
    universe_selection, alpha, construction, risk, execution = models or (None,) * 5
    # the consolidators that were looked at, and whether all of them send what they get
    known: list[Any] = []
    passing = not more
    first, end = lead.at, lead.at + steps
    at = first - 1
    updates: list[Any] = []
    alone = ((config, None),)
    moments, points = lead.moments, lead.points
    # the algorithm's times of the steps, where the bars have them
    times = lead.ends
    if times is not None and (
        times[first] - moments[first] != offset
        or bisect_right(lead.cuts, first) != bisect_right(lead.cuts, end - 1)
    ):
        times = None
    # where the clockwork of the engine and the samples are due: numbers compare quicker than times
    look_at, sample = bisect_left(moments, next_look, first, end), results._next_sample
    sample_at = bisect_left(moments, sample, first, end)
    places = iter(range(first, end))
    feed._catch_up = partial(_catch_up, feed, lead, places, end)
    try:
        for at in places:
            value = portfolio._value
            if value is None or value is not solvent:
                solvent = portfolio._total_portfolio_value
                if solvent <= 0:
                    # the full step looks at it again, and says so
                    feed._catch_up = partial(_catch_up, feed, lead, range(at, end), end)
                    at, solvent = at - 1, None
                    return True
            utc: datetime = moments[at]
            point = points[at]

            # 2. the clock, and the data of this moment
            clock.utc = utc
            if getrefcount(current) != _UNKEPT or algorithm.current_slice is not current:
                current = algorithm.current_slice = _NEW(Slice)
                current._made = True
            if current._made:
                current._bars = current._quotes = current._ticks = current._all = None
                current._special, current._made = None, False
            current.time = utc + offset if times is None else times[at]
            current._utc = utc
            shown = current._points = [] if hidden else [point]
            if more:
                updates = [(config, point)]
                for held in more:
                    place = held.at
                    held.at, held.due = place + 1, held.emit[place + 1]
                    updates.append((held.config, held.points[place]))
                    if not held.internal:
                        shown.append(held.points[place])
                for other, its in updates:
                    other._security._update(other, its)
            elif share and security.volatility_model is no_volatility:
                if not point.is_fill_forward:
                    cache = security.cache
                    if not point.close:
                        cache._settle()
                    cache._pending_trade = point
                security.holdings._set_price = None
            else:
                security._update(config, point)
            builder = algorithm.trade_builder
            if builder._positions:
                stepper._follow_trades(builder, updates or alone)
            look = at >= look_at
            if look and utc >= stepper.next_hourly_scan:
                stepper._hourly_scan(utc)
            if len(cash_book) > 1:
                cash_book._update_conversions()
                portfolio._invalidate()
            elif portfolio._parts is None or portfolio._parts:
                portfolio._follow_prices()

            # 3. working orders meet the new data
            if transactions._queue or (brokerage.needs_scan and not brokerage._all_wait()):
                transactions.process_synchronous_events()
                if schedule.next_utc is not event and schedule.next_utc <= utc:
                    stepper._call(schedule.set_time, utc, "Scheduled event")
                if algorithm.status is not _RUNNING:
                    return False

            # 4. margin
            if look:
                if utc >= stepper.next_margin_call and not stepper._check_margin(utc):
                    return False
                next_look = stepper.next_look = min(
                    stepper.next_hourly_scan, stepper.next_margin_call, stepper.local.valid_to
                )
                look_at = bisect_left(moments, next_look, at + 1, end)

            # 5. consolidators and indicators, then the user's handlers
            consolidators = config.consolidators
            if consolidators or more:
                if consolidators != known:
                    known = list(consolidators)
                    passing = not more and all(type(one) in PASSING for one in known)
                try:
                    if passing:
                        moment = point.end_time
                        for one in known:
                            if moment != one._last_time:
                                one._prev, one._cur = one._cur, point
                                if one._window is not None:
                                    one._window.add(point)
                                for handler in one._general:
                                    handler(one, point)
                                one.consolidated = one._last = point
                                one._last_time = moment
                    else:
                        stepper._consolidate(updates or [(config, point)])
                except Exception as error:
                    algorithm._set_runtime_error(error, "Consolidators update")
                    return False
            try:
                if not internal:
                    algorithm.on_data(current)
                if (
                    models is None
                    or algorithm.universe_selection is not universe_selection
                    or algorithm.insights._score_function is not None
                    or (
                        not internal
                        and (
                            algorithm.alpha is not alpha
                            or algorithm.portfolio_construction is not construction
                            or algorithm.risk_management is not risk
                            or algorithm.execution is not execution
                            or execution._targets._items._places
                        )
                    )
                ):
                    algorithm._on_framework_data(current)
            except Exception as error:
                algorithm._set_runtime_error(error, "OnData")
                return False

            # 6. updates and cancels of this step, then the samples
            if transactions._queue or (brokerage.needs_scan and not brokerage._all_wait()):
                transactions.process_synchronous_events()
            bar = results._bar
            if (
                bar is None
                or portfolio._value is not bar[3]
                or results._value is not bar[3]
                or at >= sample_at
                or (capacity.active and (capacity._monitored or utc >= capacity._next))
            ):
                results.on_step(utc)
                if results._next_sample is not sample:
                    sample = results._next_sample
                    sample_at = bisect_left(moments, sample, at + 1, end)
            if algorithm._pending_universes or algorithm._pending_members:
                algorithm._apply_pending_universes()
            if (
                feed._band is not band
                or schedule.next_utc is not event
                or subscriptions._next_scan_utc is not scan
                or algorithm.status is not _RUNNING
                or asked
            ):
                return True
    finally:
        if feed._catch_up is not None:
            feed._catch_up()
        stepper.solvent = solvent
        feed.data_points += (at + 1 - first) * len(band)
    return True
