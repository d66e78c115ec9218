"""Warm-up and history of indicators in ``QCAlgorithm``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from engine.algorithm.consolidating import ConsolidatingMixin, point_pusher
from engine.consolidators.base import listen
from engine.consolidators.subscriptions import as_symbol
from engine.indicators.base import IndicatorBase
from engine.indicators.composite import managed
from engine.indicators.fields import data_type_of
from engine.indicators.history import IndicatorHistory, record
from engine.types.bars import QuoteBar, Tick, TradeBar
from engine.types.enums import Resolution
from engine.types.slice import Slice
from engine.types.subscription import INCREMENTS
from engine.types.timezones import from_utc, to_utc


def symbols_of(symbols: Any) -> list[Any]:
    """Return the symbols of one symbol, ticker or security, or of several."""
    if isinstance(symbols, (list, tuple, set)) or (
        isinstance(symbols, Iterable) and not isinstance(symbols, str)
    ):
        return [as_symbol(symbol) for symbol in symbols]
    return [as_symbol(symbols)]


def resolution_or_selector(resolution: Any, selector: Any) -> tuple[Any, Any]:
    """Tell the two last arguments of LEAN's overloads apart."""
    if callable(resolution):
        return None, resolution
    return resolution, selector


class IndicatorHistoryMixin(ConsolidatingMixin):
    """``warm_up_indicator`` and ``indicator_history``."""

    time_zone: Any
    _history_requests: Callable[..., list[Any]]
    _history_slices: Callable[[list[Any]], Any]
    _warned_no_warm_up: bool
    _wrapped: dict[int, tuple[Any, Any]]

    def _managed(self, indicator: Any) -> Any:
        if isinstance(indicator, IndicatorBase):
            return indicator
        known = self._wrapped.get(id(indicator))
        if known is None:
            known = self._wrapped[id(indicator)] = (indicator, managed(indicator))
        return known[1]

    def _has_warm_up_period(self, indicator: Any) -> bool:
        if getattr(indicator, "warm_up_period", None) is not None:
            return True
        if not self._warned_no_warm_up:
            self._warned_no_warm_up = True
            self.debug(
                "Warning: the 'WarmUpIndicator' feature only works with indicators which inherit "
                "from 'IIndicatorWarmUpPeriodProvider' and define a warm up period, setting "
                f"property 'WarmUpPeriod' with a value > 0. The provided indicator of type "
                f"'{type(indicator).__name__}' will not be warmed up."
            )
        return False

    def warm_up_indicator(
        self,
        symbol: Any,
        indicator: Any,
        resolution: Any = None,
        selector: Any = None,
        **other: Any,
    ) -> None:
        """Feed an indicator with the history it needs: ``resolution`` is a Resolution or a
        timedelta.
        """
        resolution = other.get("period", resolution)
        symbol = other.get("symbols", symbol)
        symbols, indicator = symbols_of(symbol), self._managed(indicator)
        if not self._has_warm_up_period(indicator):
            return
        if isinstance(resolution, timedelta):
            self._warm_up_by_span(symbols, indicator, resolution, selector)
        else:
            self.indicator_history(indicator, symbols, 0, resolution, selector)

    def _warm_up_by_span(
        self, symbols: list[Any], indicator: Any, span: timedelta, selector: Any
    ) -> None:
        periods = indicator.warm_up_period
        if not periods:
            return
        resolution = _not_above(span)
        step = INCREMENTS[resolution]
        if step:
            periods *= span // step
        if indicator._input == "point":
            feed = point_pusher(indicator, selector)
        else:
            push = indicator._push_bar

            def feed(_sender: Any, bar: Any) -> None:
                push(bar if selector is None else selector(bar))

        made = {}
        for symbol in symbols:
            if self._configs_of(symbol):
                made[symbol] = self._create_consolidator(symbol, None, None, span, None)
                listen(made[symbol], feed)
                self.subscription_manager.add_consolidator(symbol, made[symbol])
            else:
                short = timedelta(0) if step == span else span
                kind, tick_type = self._usual_type(symbol)
                made[symbol] = self.create_consolidator(short, kind, tick_type)
                listen(made[symbol], feed)
        for piece in self._slices_for(symbols, periods=periods, resolution=resolution):
            for symbol, consolidator in made.items():
                data = _from_slice(piece, consolidator.input_type, symbol)
                if data is not None:
                    consolidator.update(data)
        for symbol, consolidator in made.items():
            if consolidator.working_data is not None:
                consolidator.scan(self._local_time_of(symbol))
            self.subscription_manager.remove_consolidator(symbol, consolidator)

    def indicator_history(self, indicator: Any, *args: Any, **kwargs: Any) -> IndicatorHistory:
        """Return the values that an indicator would have had.

        ``(indicator, symbols, periods | timedelta, resolution, selector)``, ``(indicator, symbols,
        start, end, resolution, selector)`` or ``(indicator, slices, selector)``. The indicator is
        reset first and warmed up with the bars before.
        """
        indicator = self._managed(indicator)
        request = dict(zip(("symbol", "period"), args[:2], strict=False), **kwargs)
        rest = list(args[2:])
        symbols = request.get("symbol", request.get("symbols"))
        span = request.get("period", request.get("span", request.get("start")))
        if "history" in request or _is_slices(symbols):
            slices = request.get("history", symbols)
            selector = request.get("selector", span if callable(span) else None)
            return self._indicator_history(indicator, slices, selector)
        end = request.get("end")
        if end is None and rest and hasattr(rest[0], "hour") and hasattr(rest[0], "year"):
            end = rest.pop(0)
        resolution = request.get("resolution", rest.pop(0) if rest else None)
        selector = request.get("selector", rest.pop(0) if rest else None)
        resolution, selector = resolution_or_selector(resolution, selector)
        return self._indicator_request(
            indicator, symbols_of(symbols), span, end, resolution, selector
        )

    def _indicator_request(
        self,
        indicator: Any,
        symbols: list[Any],
        span: Any,
        end: Any,
        resolution: Any,
        selector: Any,
    ) -> IndicatorHistory:
        warm_up = int(getattr(indicator, "warm_up_period", 0) or 0)
        if isinstance(span, int):
            if warm_up > 0 and span > 0:
                warm_up -= 1
            slices = self._slices_for(symbols, periods=span + warm_up, resolution=resolution)
        else:
            if isinstance(span, timedelta):
                span, end = self.time - span, self.time
            slices = self._slices_for(
                symbols, start=span, end=end, resolution=resolution, extra_bars=max(0, warm_up - 1)
            )
        return self._indicator_history(indicator, slices, selector)

    def _slices_for(
        self,
        symbols: list[Any],
        periods: int | None = None,
        start: Any = None,
        end: Any = None,
        resolution: Any = None,
        extra_bars: int = 0,
    ) -> Any:
        """Return slices of the last ``periods`` bars, or from ``extra_bars`` bars before ``start``
        to ``end``.
        """
        options = {"resolution": resolution}
        if periods is not None:
            requests = self._history_requests(symbols, None, (periods,), options)
        else:
            requests = self._history_requests(symbols, None, (start, end), options)
            if extra_bars:
                first = min(map(self._earlier(extra_bars), requests), default=start)
                requests = self._history_requests(symbols, None, (min(first, start), end), options)
        return self._history_slices(requests)

    def _earlier(self, bars: int) -> Callable[[Any], datetime]:
        """Return the function from a request to the local time ``bars`` bars before its start."""
        from engine.data.stream import use_strict_times
        from engine.data.times import start_for_bars

        strict = self.settings.daily_precise_end_time

        def local_start(request: Any) -> datetime:
            hours, config = request.hours, request.config
            begin = start_for_bars(
                hours,
                from_utc(request.start, hours.time_zone),
                max(INCREMENTS[request.resolution], timedelta(seconds=1)),
                bars,
                request.extended,
                config.data_time_zone,
                use_strict_times(strict, config.symbol, request.resolution, hours),
            )
            return from_utc(to_utc(begin, hours.time_zone), self.time_zone)

        return local_start

    def _indicator_history(self, indicator: Any, slices: Any, selector: Any) -> IndicatorHistory:
        kind: type | None = None
        if indicator._input == "point":
            feed = point_pusher(indicator, selector)
            kind = data_type_of(selector)
        else:
            push = indicator._push_bar
            if indicator._input == "trade":
                kind = TradeBar

            def feed(_sender: Any, bar: Any) -> None:
                push(bar if selector is None else selector(bar))

        return record(indicator, (p for piece in slices for p in _points(piece, kind)), feed)


def _is_slices(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and isinstance(value[0], Slice)
    return hasattr(value, "__next__")


def _not_above(span: timedelta) -> Resolution:
    """Return the largest resolution that is not longer than a span."""
    for resolution in (Resolution.DAILY, Resolution.HOUR, Resolution.MINUTE, Resolution.SECOND):
        if INCREMENTS[resolution] <= span:
            return resolution
    return Resolution.TICK


def _from_slice(piece: Any, kind: type, symbol: Any) -> Any:
    if kind is TradeBar:
        return piece.bars.get(symbol)
    if kind is QuoteBar:
        return piece.quote_bars.get(symbol)
    found = piece.get(symbol)
    return found[-1] if isinstance(found, list) else found


def _points(piece: Any, kind: type | None) -> list[Any]:
    """Return what a slice holds for an indicator: one object a symbol, ticks by their last."""
    if kind is TradeBar:
        return list(piece.bars.values())
    if kind is QuoteBar:
        return list(piece.quote_bars.values())
    if kind is Tick:
        return [ticks[-1] for ticks in piece.ticks.values()]
    return [v[-1] if isinstance(v, list) else v for v in piece.values()]
