"""How much money a strategy could run, from the volume around its orders."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from engine.securities.native import method
from engine.securities.parameters import ReservedBuyingPowerForPositionParameters
from engine.statistics.arithmetic import discrete, divide
from engine.types.bars import TradeBar
from engine.types.decimals import ONE, ZERO, to_decimal
from engine.types.enums import OrderStatus, SecurityType

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_EFFECT = timedelta(days=30)
#: the market needs so long for a fill: five minutes at least for bars of seconds
_LEAST, _MOST = timedelta(minutes=5), timedelta(minutes=120)
_FOREX_VOLUME = Decimal(25_000_000)
_CFD_VOLUME = Decimal(200)
_DOLLARS_PER_MINUTE = Decimal(6_000_000)
_DOLLARS = float(_DOLLARS_PER_MINUTE)
#: far more than what floats lose
_CLOSE_CALL = 1e-6
#: what no market trades, and what is no number, is left to the exact way
_TOO_MUCH = 1e20
_SESSION_MINUTES = Decimal(390)
_FASTEST = Decimal("0.20")
#: shares of the volume of bars of at least so long, and of shorter ones
_SHARES = ((_DAY, Decimal("0.02")), (_HOUR, Decimal("0.05")), (_MINUTE, Decimal("0.20")))
_SHARE_OF_SECONDS = Decimal("0.50")
_THOUSANDS = Decimal("1000.00")
_NEW, _OLD = Decimal("0.33"), Decimal("0.66")
_MICROSECONDS = Decimal(60_000_000)
_MICRO = timedelta(microseconds=1)
_FILLED = (OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED)


@lru_cache(maxsize=256)  # mostly one or two
def _minutes(span: timedelta) -> Decimal:
    return divide(Decimal(span // _MICRO), _MICROSECONDS)


class SymbolCapacity:
    """Market volume near the fills of one security, in account currency."""

    __slots__ = (
        "_discount",
        "_factor",
        "_last_order",
        "_previous_time",
        "_previous_volume",
        "_reset",
        "_volume",
        "sale_volume",
        "security",
        "symbol",
        "trades",
    )

    def __init__(self, security: Any) -> None:
        self.security = security
        self.symbol = security.symbol
        self.trades = 0
        self.sale_volume = ZERO
        self._volume = self._factor = self._discount = ZERO
        self._previous_volume: Any = ZERO
        self._previous_time: datetime | None = None
        self._last_order: datetime | None = None
        self._reset = False

    @property
    def market_volume(self) -> Decimal:
        """The part of the market volume that the strategy may take."""
        return self._volume * self._factor

    def on_fill(self, event: Any) -> None:
        """Take a fill: quick trading counts less of the volume."""
        security = self.security
        utc = event._utc_time
        self.sale_volume += (
            security.quote_currency._conversion_rate
            * event._fill_price
            * abs(event._fill_quantity)
            * security.symbol_properties._contract_multiplier
        )
        since = utc - (self._last_order if self._last_order is not None else utc - _DAY)
        discount = 2 * divide(_minutes(since), _SESSION_MINUTES)
        self._discount = ONE if discount > 1 else max(_FASTEST, discount)
        if self._reset:
            self._volume = ZERO
            self.trades = 0
            self._reset = False
        self.trades += 1
        self._last_order = utc

    def update(self, utc: datetime, current: Any) -> bool:
        """Take the bar of a step; True when no more volume belongs to the last fill."""
        found = self._bar(current)
        if found is None or not found[1]:
            return False
        bar, traded, period = found
        previous, before = self._previous_time, self._previous_volume
        self._previous_time, self._previous_volume = utc, traded
        security = self.security
        rate = security.quote_currency._conversion_rate
        included: bool | None
        if period >= _HOUR:
            included = self._in_period(utc, period)
        else:
            included = self._at_once(utc, period)
            if included is None and period >= _MINUTE and previous is not None:
                included = self._nearly(utc, utc - previous, bar, traded, before)
            if included is None:
                between = ZERO if previous is None else _minutes(utc - previous)
                price, volume = bar._d_close * rate, to_decimal(traded)
                if between:
                    average = divide(price * (volume + to_decimal(before)), between)
                else:
                    average = price * volume
                included = self._in_reach(utc, period, average)
        if not included:
            return True
        self._factor = _share(period)
        self._volume += (
            bar._d_close
            * self._discount
            * to_decimal(traded)
            * rate
            * security.symbol_properties._contract_multiplier
        )
        return False

    def _bar(self, current: Any) -> tuple[Any, Any, timedelta] | None:
        """The step's bar, its volume and period; quotes have a volume of their own."""
        if current is None:
            return None
        points = current._points
        if len(points) == 1 and current._bars is None and type(points[0]) is TradeBar:
            # the only one of the step: no dictionary is needed to find it
            bar = points[0]
            if bar.symbol != self.symbol:
                return None
        else:
            bar = dict.get(current.bars, self.symbol)  # type: ignore[assignment]
        if bar is not None:
            return bar, bar.volume, bar.period
        quote = current.quote_bars.get(self.symbol)
        if quote is None:
            return None
        kind = self.symbol.security_type
        if kind == SecurityType.FOREX:
            volume = _FOREX_VOLUME
        elif kind == SecurityType.CFD:
            volume = _CFD_VOLUME
        else:
            sizes = to_decimal(quote.last_bid_size) + to_decimal(quote.last_ask_size)
            volume = divide(sizes, Decimal(2))
        return quote, volume, quote.period

    def _in_period(self, utc: datetime, period: timedelta) -> bool:
        """Whether a bar of an hour or a day is the one of the last fill."""
        order = self._last_order
        if order is None:
            return False
        if period >= _DAY:
            if utc == order:
                return True
            # the day of the bar begins with the first midnight from the order on
            midnight = datetime(utc.year, utc.month, utc.day)
            return order <= midnight < order + _DAY
        # the first full hour from the order on
        full = not (utc.minute or utc.second or utc.microsecond)
        return full and order <= utc < order + _HOUR

    def _at_once(self, utc: datetime, period: timedelta) -> bool | None:
        """Answer :meth:`_in_reach` where it is the same for every volume; else None."""
        order = self._last_order
        if order is None:
            return False
        since = utc - order
        if since <= (_MINUTE if period >= _MINUTE else _LEAST):
            return True
        return False if since > _MOST else None

    def _nearly(
        self, utc: datetime, between: timedelta, bar: Any, traded: Any, before: Any
    ) -> bool | None:
        """Answer :meth:`_in_reach` for a bar of minutes by floats, unless it is a close call."""
        assert self._last_order is not None
        since = -((self._last_order - utc) // _MINUTE)  # whole minutes, rounded up
        rate = float(self.security.quote_currency._conversion_rate)
        # of the exact price: the other is the user's to change
        dollars = float(bar._d_close) * rate * (float(traded) + float(before)) * since
        limit = _DOLLARS * (between / _MINUTE)
        if not 0 < dollars < _TOO_MUCH or limit <= 0 or abs(dollars - limit) < limit * _CLOSE_CALL:
            return None
        return dollars < limit

    def _in_reach(self, utc: datetime, period: timedelta, average: Decimal) -> bool:
        """Whether a short bar lies within the time that the market needs for the last fill."""
        order = self._last_order
        if order is None:
            return False
        dollars, shortest = _DOLLARS_PER_MINUTE, 1
        if period < _MINUTE:
            dollars, shortest = divide(dollars, Decimal(60)), 5
        wait = divide(dollars, average) if average else Decimal(10)
        return utc <= order + (_MOST if wait > 120 else timedelta(minutes=max(shortest, int(wait))))

    def reset(self) -> None:
        """Begin a new period: sales count anew, the volume with the next fill."""
        self._reset = True
        self.sale_volume = ZERO

    def should_remove(self, utc: datetime) -> bool:
        """Whether the security is flat and its last fill a month ago."""
        assert self._last_order is not None
        return utc >= self._last_order + _EFFECT and not self.security.invested


def _share(period: timedelta) -> Decimal:
    """The share of a bar's volume that may be taken."""
    for shortest, share in _SHARES:
        if period >= shortest:
            return share
    return _SHARE_OF_SECONDS


class CapacityEstimate:
    """LEAN's capacity of a run, taken anew once a week (or a run, when it is shorter).

    Costs nothing until the first fill: ``active`` tells whether :meth:`update` is needed.
    """

    def __init__(self, algorithm: Any) -> None:
        self._algorithm = algorithm
        self._by_symbol: dict[Any, SymbolCapacity] = {}
        self._monitored: list[SymbolCapacity] = []
        start, end = algorithm.start_date, algorithm.end_date
        self._period = max(min(end - start - _DAY, 7 * _DAY), _DAY)
        self._next = _midnight_from(start + self._period)
        self._capacity = ZERO
        # the estimate and what was shown for it
        self._shown = ZERO, discrete(ZERO, _THOUSANDS)
        self.lowest_capacity_asset: Any = None
        self.active = False

    @property
    def capacity(self) -> Decimal:
        """In account currency, to the nearest thousand."""
        exact_one, shown = self._shown
        if exact_one is not self._capacity:
            exact_one = self._capacity
            shown = discrete(exact_one, _THOUSANDS)
            self._shown = exact_one, shown
        return shown

    def on_order_event(self, event: Any) -> None:
        """Take an order event; only fills count."""
        if event.status not in _FILLED:
            return
        symbol = event.symbol
        found = self._by_symbol.get(symbol)
        if found is None:
            found = SymbolCapacity(self._algorithm.securities[symbol])
            self._by_symbol[symbol] = found
            self.active = True
        found.on_fill(event)
        if found not in self._monitored:
            self._monitored.append(found)

    def update(self, utc: datetime, force: bool = False) -> None:
        """Take the data of a step, and once a period estimate the capacity."""
        current = self._algorithm.current_slice
        if self._monitored and current is not None and current._points:
            self._monitored = [one for one in self._monitored if not one.update(utc, current)]
        if (force or (self.active and utc >= self._next)) and self._by_symbol:
            self._estimate(utc)

    def _estimate(self, utc: datetime) -> None:
        value = self._algorithm.portfolio._total_portfolio_value
        if not value:
            return
        held = self._by_symbol.values()
        sales = sum([one.sale_volume for one in held], ZERO)
        volumes = [one.market_volume for one in held]
        volume = min(volumes)
        smallest = list(held)[volumes.index(volume)]
        security = smallest.security
        self.lowest_capacity_asset = security.symbol
        share = divide(smallest.sale_volume, sales) if sales else ZERO
        scale = max(share, divide(_buying_power_used(security) * security._leverage, value))
        daily = divide(volume, Decimal(smallest.trades))
        estimate = divide(daily, scale) if scale else self._capacity
        if self._capacity:
            estimate = _NEW * estimate + self._capacity * _OLD
        self._capacity = estimate
        for symbol, one in list(self._by_symbol.items()):
            if not one.should_remove(utc):
                one.reset()
                continue
            del self._by_symbol[symbol]
            if one in self._monitored:
                self._monitored.remove(one)
        self.active = bool(self._by_symbol)
        self._next = _midnight_from(datetime(utc.year, utc.month, utc.day) + self._period)


def _midnight_from(moment: datetime) -> datetime:
    """Return the first midnight that is not before a moment."""
    midnight = datetime(moment.year, moment.month, moment.day)
    return midnight if midnight == moment else midnight + _DAY


def _buying_power_used(security: Any) -> Decimal:
    ask = method(security.buying_power_model, "get_reserved_buying_power_for_position")
    answer = ask(ReservedBuyingPowerForPositionParameters(security))
    exact = getattr(answer, "_absolute_used_buying_power", None)
    return exact if exact is not None else to_decimal(answer.absolute_used_buying_power)
