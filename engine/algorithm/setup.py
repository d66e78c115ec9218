"""What an algorithm sets in ``initialize``: dates, cash, zone, brokerage, benchmark, warm-up,
models.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.types.decimals import to_decimal
from engine.types.enums import AccountType, BrokerageName, Resolution, SecurityType
from engine.types.errors import ArgumentException, InvalidOperationException
from engine.types.overloads import by_name
from engine.types.symbol import Symbol, SymbolCache
from engine.types.timekeeper import TimeKeeper
from engine.types.timezones import TimeZones, aware, to_utc

_DAY = timedelta(days=1)
_FIRST = datetime(1998, 1, 1)
_END_OF_DAY = _DAY - timedelta(microseconds=1)


def _midnight(args: tuple[Any, ...]) -> datetime:
    """Read ``(year, month, day)`` or one date."""
    try:
        if len(args) == 3:
            year, month, day = (int(a) for a in args)
            return datetime(year, month, day)
        if len(args) == 1 and isinstance(args[0], date):
            return datetime(args[0].year, args[0].month, args[0].day)
    except ValueError as error:
        raise ArgumentException(f"Date Invalid: {error}") from error
    raise ArgumentException(f"expected year, month, day or one date, was {args!r}")


class SetupMixin:
    """Setters of ``QCAlgorithm`` that belong into ``initialize``."""

    _engine: Any
    portfolio: Any
    securities: Any
    transactions: Any
    schedule: Any

    def _init_setup(self) -> None:
        self.time_zone: ZoneInfo = TimeZones.NEW_YORK
        self._clock = TimeKeeper(_FIRST)
        self._start = self._start_date = _FIRST
        self._end_date = self._yesterday() + _END_OF_DAY
        self._locked = False
        self.is_warming_up = True
        self.live_mode = False
        self._warmup_bar_count: int | None = None
        self._warmup_time_span: timedelta | None = None
        self._user_set_security_initializer = False
        self.benchmark: Any = None
        self.brokerage_model: Any = None
        self.brokerage_name = BrokerageName.DEFAULT
        self.security_initializer: Any = None
        self.brokerage_message_handler: Any = None
        # the clock's time and what was shown for it
        self._shown_utc = datetime.min, aware(datetime.min)
        self.risk_free_interest_rate_model: Any = None

    @staticmethod
    def _yesterday() -> datetime:
        return _midnight((date.today(),)) - _DAY

    def _refuse_when_locked(self, what: str) -> None:
        if self._locked:
            raise InvalidOperationException(
                f"{what}() cannot be called after algorithm initialization; call it in initialize()"
            )

    # -- clock ---------------------------------------------------------------------------------

    @property
    def _utc(self) -> datetime:
        return self._clock.utc

    def _set_utc(self, utc: datetime) -> None:
        self._clock.utc = utc
        if self.is_warming_up and self._locked and self._clock.local(self.time_zone) >= self._start:
            self._set_finished_warming_up()

    def _set_finished_warming_up(self) -> None:
        self.is_warming_up = False

    @property
    def time(self) -> datetime:
        """Local time of the algorithm (naive)."""
        return self._clock.local(self.time_zone)

    @property
    def utc_time(self) -> datetime:
        """UTC time (aware)."""
        moment, shown = self._shown_utc
        if moment is not self._clock.utc:
            moment = self._clock.utc
            shown = aware(moment)
            self._shown_utc = moment, shown
        return shown

    @property
    def start_date(self) -> datetime:
        return self._start

    @property
    def end_date(self) -> datetime:
        return self._end_date

    def get_locked(self) -> bool:
        return self._locked

    def set_locked(self) -> None:
        self._locked = True

    def set_time_zone(self, time_zone: Any) -> None:
        """Set the zone of the algorithm, by name or from ``TimeZones``."""
        self._refuse_when_locked("set_time_zone")
        if isinstance(time_zone, str):
            try:
                time_zone = ZoneInfo(time_zone)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ArgumentException(
                    f"TimeZone with id '{time_zone}' was not found; "
                    "expected a name of the tz database, "
                    "as America/New_York"
                ) from error
        self.time_zone = time_zone
        self.schedule.time_rules.set_default_time_zone(time_zone)
        self.schedule.date_rules.set_default_time_zone(time_zone)
        self._start = self._start_date
        self._set_utc(to_utc(self._start_date, time_zone))

    @by_name("year month day", "start")
    def set_start_date(self, *args: Any) -> None:
        """Set the first day: ``(year, month, day)`` or a date."""
        start = _midnight(args)
        self._refuse_when_locked("set_start_date")
        if start < datetime(1900, 1, 1):
            raise ArgumentException("Please select a start date after January 1st, 1900.")
        if start > self._yesterday() + _DAY:
            raise ArgumentException(
                f"Please select start date less than today, was {start:%Y-%m-%d}"
            )
        self._start = self._start_date = start
        self._set_utc(to_utc(start, self.time_zone))

    @by_name("year month day", "end")
    def set_end_date(self, *args: Any) -> None:
        """Set the last day: ``(year, month, day)`` or a date; a later day than yesterday becomes
        yesterday.
        """
        end = _midnight(args)
        self._refuse_when_locked("set_end_date")
        self._end_date = min(end, self._yesterday()) + _END_OF_DAY

    # -- money ---------------------------------------------------------------------------------

    @property
    def account_currency(self) -> str:
        return self.portfolio.cash_book.account_currency

    def set_account_currency(self, account_currency: str, starting_cash: Any = None) -> None:
        """Set the currency of the account; before securities and cash are set."""
        self._refuse_when_locked("set_account_currency")
        tail = "" if starting_cash is None else f", with a starting cash of {starting_cash}"
        self.debug(  # type: ignore[attr-defined]
            f"Changing account currency from {self.account_currency} to {account_currency}{tail}..."
        )
        cash = None if starting_cash is None else to_decimal(starting_cash)
        self.portfolio.set_account_currency(account_currency, cash)

    def set_cash(self, *args: Any, **kwargs: Any) -> None:
        """``set_cash(amount)`` or ``set_cash(currency, amount[, conversion rate])``."""
        self._refuse_when_locked("set_cash")
        values = [*args, *kwargs.values()]
        if len(values) == 1:
            self.portfolio.set_cash(to_decimal(values[0]))
            return
        currency, amount = values[0], to_decimal(values[1])
        self.portfolio.set_cash(currency, amount, to_decimal(values[2] if len(values) > 2 else 0))

    # -- models --------------------------------------------------------------------------------

    def set_brokerage_model(
        self, brokerage: Any = None, account_type: Any = AccountType.MARGIN, *, model: Any = None
    ) -> None:
        """Set the rules of a brokerage, by name or as a model of your own."""
        brokerage = model if brokerage is None else brokerage
        from engine.securities.brokerages import (
            create_brokerage_model,
            get_brokerage_name,
            wrap_brokerage_model,
        )

        if isinstance(brokerage, BrokerageName):
            model = create_brokerage_model(self.transactions, brokerage, AccountType(account_type))
        else:
            model = wrap_brokerage_model(brokerage)
        self.brokerage_model = model
        self.brokerage_name = get_brokerage_name(model)
        if self._user_set_security_initializer:
            return
        self._reset_security_initializer(model)
        for security in self.securities.values():
            leverage = security._leverage
            self.security_initializer.initialize(security)
            security.set_leverage(leverage)

    def _reset_security_initializer(self, model: Any) -> None:
        from engine.securities.initializers import (
            BrokerageModelSecurityInitializer,
            CompositeSecurityInitializer,
        )
        from engine.securities.seeders import SecuritySeeder

        fresh = BrokerageModelSecurityInitializer(model, SecuritySeeder.NULL)
        current = self.security_initializer
        if isinstance(current, CompositeSecurityInitializer):
            self.debug(  # type: ignore[attr-defined]
                "Warning: SetBrokerageModel(): a custom security initializer has been "
                "added. Please call "
                "SetBrokerageModel() before calling AddSecurityInitializer()."
            )
            rest = [
                i
                for i in current.initializers
                if not isinstance(i, BrokerageModelSecurityInitializer)
            ]
            self.security_initializer = CompositeSecurityInitializer(fresh, *rest)
        else:
            self.security_initializer = fresh

    def set_security_initializer(self, security_initializer: Any) -> None:
        """Replace what happens to a new security; a model or a function of the security."""
        from engine.securities.initializers import wrap_security_initializer

        self._refuse_when_locked("set_security_initializer")
        self._user_set_security_initializer = True
        self.security_initializer = wrap_security_initializer(security_initializer)

    def add_security_initializer(self, security_initializer: Any) -> None:
        """Add to what happens to a new security."""
        from engine.securities.initializers import (
            CompositeSecurityInitializer,
            wrap_security_initializer,
        )

        self._refuse_when_locked("add_security_initializer")
        added = wrap_security_initializer(security_initializer)
        current = self.security_initializer
        first = (
            current.initializers if isinstance(current, CompositeSecurityInitializer) else [current]
        )
        self.security_initializer = CompositeSecurityInitializer(*first, added)

    def set_brokerage_message_handler(self, handler: Any) -> None:
        self.brokerage_message_handler = handler

    def set_risk_free_interest_rate_model(self, model: Any) -> None:
        self.risk_free_interest_rate_model = model

    def set_trade_builder(self, trade_builder: Any) -> None:
        """Group fills into closed trades by another builder.

        Raises
        ------
        TypeError
            For anything but a ``TradeBuilder``.
        """
        from engine.statistics.trade_builder import TradeBuilder

        if not isinstance(trade_builder, TradeBuilder):
            raise TypeError(
                f"expected a TradeBuilder, was {type(trade_builder).__name__}; make one with "
                "TradeBuilder(FillGroupingMethod, FillMatchingMethod)"
            )
        self.trade_builder = trade_builder

    @by_name("security_type ticker", "symbol", "ticker", "benchmark")
    def set_benchmark(self, *args: Any) -> None:
        """Set the benchmark: a symbol, a ticker, a function of time, or (security type, ticker)."""
        from engine.securities.benchmarks import FuncBenchmark, SecurityBenchmark

        self._refuse_when_locked("set_benchmark")
        if len(args) == 2:
            security_type, ticker = args
            market = self._market(ticker, SecurityType(security_type))
            self.benchmark = SecurityBenchmark(self, Symbol.create(ticker, security_type, market))
            return
        what = args[0]
        if callable(what) and not isinstance(what, Symbol):
            self.benchmark = FuncBenchmark(what)
            return
        if isinstance(what, str):
            found = SymbolCache._find(what)
            if found is None:
                found = next((s for s, _ in self.securities.items() if s.value == what), None)
            if found is None:
                self.debug(  # type: ignore[attr-defined]
                    f"Warning: SetBenchmark({what}): no existing symbol found, "
                    "benchmark security will be added "
                    "with Equity type."
                )
                found = Symbol.create(what, SecurityType.EQUITY, "usa")
            what = found
        self.benchmark = SecurityBenchmark(self, getattr(what, "symbol", what))

    def _market(self, ticker: str, security_type: SecurityType) -> str:
        return self.brokerage_model.default_markets.get(security_type, "usa")

    # -- warm-up -------------------------------------------------------------------------------

    def set_warm_up(self, *args: Any, **kwargs: Any) -> None:
        """Run data before the start: ``(bars or timedelta[, resolution])``."""
        self._refuse_when_locked("set_warm_up")
        values = [*args, *kwargs.values()]
        span = values[0]
        resolution = values[1] if len(values) > 1 else None
        if isinstance(span, timedelta):
            self._warmup_time_span, self._warmup_bar_count = span, None
        else:
            self._warmup_time_span, self._warmup_bar_count = None, int(span)
        self.settings.warmup_resolution = None if resolution is None else Resolution(resolution)  # type: ignore[attr-defined]

    set_warmup = set_warm_up
