"""Collects a run while it goes on (equity, samples, charts, messages) and makes the result."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.results import document, files
from engine.results import samples as charts
from engine.results.messages import MessageLog
from engine.results.points import Candlestick
from engine.securities.currencies import currency_symbol
from engine.statistics.arithmetic import (
    divide,
    percent,
    rounded_ratio,
    sample_number,
    sample_price,
    to_money,
)
from engine.statistics.builder import Samples, StatisticsBuilder, StatisticsResults, summary
from engine.statistics.capacity import CapacityEstimate
from engine.statistics.interest_rate import InterestRateProvider
from engine.types.decimals import ZERO
from engine.types.enums import SecurityType, SeriesType
from engine.types.errors import ArgumentException

_MINUTE = timedelta(minutes=1)
_MICRO = timedelta(microseconds=1)
_SHORTEST = 4 * _MINUTE
_SAMPLES = 4000
_MAX_SERIES = 10
_MAX_POINTS = 4000
_HOUR = timedelta(hours=1)
_EQUITY = SecurityType.EQUITY
_LINE = SeriesType.LINE


class ResultHandler:
    """What LEAN's backtesting result handler does, without threads and packets.

    The loop calls :meth:`begin` after ``initialize``, :meth:`on_warmup_finished`, :meth:`on_step`
    at the end of every step, :meth:`sample` at every midnight of the algorithm's zone, at the
    regular end ``on_step(utc, True)`` and :meth:`sample`; then :meth:`finish` and :meth:`write`.
    """

    def __init__(self, algorithm: Any, engine: Any) -> None:
        self._algorithm = algorithm
        self._engine = engine
        self.messages = MessageLog()
        self.statistics_error = ""
        """Why the statistics are empty, where they are."""
        self.add_debug = self.messages.add_debug
        self.add_error = self.messages.add_error
        self.add_log = self.messages.add_log
        self.book = charts.ChartBook()
        self.runtime_statistics: dict[str, str] = {}
        self._custom: dict[str, str] = {}
        # sign of the account's currency, which is settled when the run starts
        self._money = "$"
        self._capacity: CapacityEstimate | None = None
        self._turnover = charts.Turnover()
        self._past_start = False
        self._next_sample = datetime.min
        self._period = _SHORTEST
        # .NET's ticks (0.1 microseconds) beyond the times of the next and of the last sample
        self._next_ticks = self._equity_ticks = 0
        self._starting = self._daily = self._highest = ZERO
        self._value = ZERO
        self._benchmark = ZERO
        self._bar: list[Decimal] | None = None
        self._series_names: dict[str, None] = {}
        self._series_refused = False
        self._points_refused: set[tuple[str, str]] = set()
        self._sent: dict[int, int] = {}
        self._tickers: dict[Any, str] = {}
        # value and price of the last candlestick
        self._shown: tuple[Any, Decimal] = (None, ZERO)
        # kinds of fee models that are the engine's own
        self._quiet_fees: set[type] = set()
        self._started = False
        self._document: document.Document | None = None
        if getattr(algorithm, "risk_free_interest_rate_model", None) is None:
            algorithm.risk_free_interest_rate_model = InterestRateProvider(
                engine.data_folder, self.add_system_debug
            )

    # -- the run -------------------------------------------------------------------------------

    def begin(self, starting_value: Decimal | None = None) -> None:
        """Start after ``initialize``: the account's value (by default now) is the base of all."""
        algorithm = self._algorithm
        value = (
            algorithm.portfolio._total_portfolio_value if starting_value is None else starting_value
        )
        self._starting = self._daily = self._highest = self._value = value
        span = algorithm.end_date - algorithm.start_date
        if span >= _SHORTEST * _SAMPLES:
            self._period = timedelta(microseconds=(span // _MICRO) // _SAMPLES)
        self._capacity = CapacityEstimate(algorithm)
        self._money = self._currency
        self._started = True

    def on_warmup_finished(self) -> None:
        """Take the value after the warm-up as the base: exchange rates are known now."""
        self._update_value()
        value = self._value
        # an equal value keeps its scale, which shows in the statistics
        if self._highest != value:
            self._highest = value
        if self._daily != value:
            self._daily = value
        if self._starting != value:
            self._starting = value
            self._bar = None

    def on_order_event(self, event: Any) -> None:
        """Take an order event."""
        if self._capacity is not None:
            self._capacity.on_order_event(event)

    def on_step(self, utc: datetime, force: bool = False) -> None:
        """Follow the equity at the end of a time step; sample it when it is time."""
        portfolio = self._algorithm.portfolio
        value = portfolio._value
        if value is None:
            value = portfolio._total_portfolio_value
        self._value = value
        capacity = self._capacity
        assert capacity is not None
        if force or (capacity.active and (capacity._monitored or utc >= capacity._next)):
            capacity.update(utc, force)
        bar = self._bar
        if bar is None:
            self._bar = [value, value, value, value]
        elif value is not bar[3] and value != bar[3]:
            bar[3] = value
            if value > bar[1]:
                bar[1] = value
            elif value < bar[2]:
                bar[2] = value
        if (utc >= self._next_sample and self._is_due(utc)) or force:
            self._next_sample = utc + self._period
            self._next_ticks = self._ticks()
            self._ask_fee_models()
            self._sample_equity(utc, self._next_ticks)
            self._take_user_charts()
            self.messages.flush()
            self.runtime_statistics.update(dict(self._algorithm.runtime_statistics.items()))

    def on_values(self, values: list[Decimal]) -> None:
        """Follow the equity over steps in which nothing else is due."""
        bar = self._bar
        if bar is None:
            bar = self._bar = [values[0]] * 4
        for value in values:
            if value is not bar[3] and value != bar[3]:
                bar[3] = value
                if value > bar[1]:
                    bar[1] = value
                elif value < bar[2]:
                    bar[2] = value
        self._value = values[-1]

    def _ticks(self) -> int:
        """Ticks of LEAN's clock beyond ours: 1 in the slice of a universe that started late."""
        return getattr(self._algorithm, "_utc_ticks", 0)

    def _is_due(self, utc: datetime) -> bool:
        return utc > self._next_sample or self._ticks() > self._next_ticks

    def sample(self, utc: datetime) -> None:
        """Sample all standard charts: every midnight, and once at the end."""
        algorithm = self._algorithm
        self._update_value()
        if algorithm.benchmark is not None:
            self._benchmark = algorithm.benchmark._evaluate(utc)
        value, portfolio = self._value, algorithm.portfolio
        performance = self._performance()
        self._highest = max(value, self._highest)
        self._grow_bar(value)
        self._sample_equity(utc)
        parts = portfolio._parts_of_now()
        if not algorithm.is_warming_up:
            self._sample_charts(utc, value, performance, parts)
        if value:
            self._sample_turnover(utc, value, portfolio._total_sale_volume)
        margins = portfolio.positions._margins(parts)
        charts.sample_margin(self.book, utc, margins, value, self._ticker)
        self._daily = value

    def _sample_charts(
        self, utc: datetime, value: Decimal, performance: Decimal, parts: list[Any] | None
    ) -> None:
        book = self.book
        book.hold(self._algorithm.portfolio.values())
        book.sample(charts.BENCHMARK_LINE, utc, self._benchmark)
        book.sample(charts.RETURN_LINE, utc, performance, SeriesType.BAR, "%", 1)
        charts.sample_drawdown(book, utc, value, self._highest)
        charts.sample_sales(book, utc, self._money)
        charts.sample_exposure(book, utc, value, parts)
        assert self._capacity is not None
        book.sample(charts.CAPACITY_LINE, utc, self._capacity.capacity, _LINE, self._money)

    def _sample_turnover(self, utc: datetime, value: Decimal, volume: Decimal) -> None:
        algorithm = self._algorithm
        if not self._past_start:
            local = algorithm._clock.local(algorithm.time_zone)
            if local == algorithm.start_date:
                return
            self._past_start = local > algorithm.start_date
        turnover = self._turnover.take(utc, volume, value)
        if not algorithm.is_warming_up:
            self.book.sample(charts.TURNOVER_LINE, utc, turnover, _LINE, "%")

    def _sample_equity(self, utc: datetime, ticks: int = 0) -> None:
        bar = self._bar or [self._value] * 4
        self._bar = None
        if not self._algorithm.is_warming_up:
            first, high, low, last = bar
            shown = self._shown
            opened = shown[1] if first is shown[0] else sample_price(first)
            closed = opened if last is first else sample_price(last)
            # the highest and the lowest are mostly the first and the last
            top = opened if high is first else closed if high is last else sample_price(high)
            bottom = opened if low is first else closed if low is last else sample_price(low)
            self._shown = last, closed
            point = Candlestick._of(utc, (opened, top, bottom, closed))
            values = self.book.equity.values
            if not values or utc > values[-1]._utc or ticks > self._equity_ticks:
                values.append(point)
                self._equity_ticks = ticks

    def _grow_bar(self, value: Decimal) -> None:
        bar = self._bar
        if bar is None:
            self._bar = [value] * 4
        else:
            bar[1], bar[2], bar[3] = max(bar[1], value), min(bar[2], value), value

    def _update_value(self) -> None:
        self._value = self._algorithm.portfolio._total_portfolio_value
        self._ask_fee_models()

    def _ask_fee_models(self) -> None:
        """Have the unrealized profit computed where that calls code of the user, as LEAN does.

        The figure itself is shown once, at the end.
        """
        portfolio = self._algorithm.portfolio
        for security in portfolio._invested_securities():
            kind = type(security.fee_model)
            if kind in self._quiet_fees and security.type is _EQUITY:
                continue
            if security.type is not _EQUITY or not kind.__module__.startswith("engine."):
                portfolio._total_unrealized_profit  # noqa: B018
                return
            self._quiet_fees.add(kind)

    def _performance(self) -> Decimal:
        if not self._daily or self._value is self._daily:
            return ZERO
        return rounded_ratio((self._value - self._daily) * 100, self._daily, 10)

    def _ticker(self, symbol: Any) -> str:
        """The ticker of today, as the margin chart shows it."""
        name = self._tickers.get(symbol)
        if name is None:
            maps = getattr(self._engine, "maps", None)
            name = symbol.value if maps is None else maps.ticker(symbol, datetime.now())
            self._tickers[symbol] = name
        return name

    @property
    def _currency(self) -> str:
        return currency_symbol(self._algorithm.portfolio.cash_book.account_currency)

    def _stamp(self, text: str) -> str:
        return f"{self._algorithm.time:%Y-%m-%d %H:%M:%S} {text}"

    def add_system_debug(self, text: str) -> None:
        """Write a line of the engine, stamped."""
        self.messages.add_now(self._stamp(text))

    def log_message(self, text: str) -> None:
        """Write a log line of the engine, stamped (``Algorithm Stopped``)."""
        self.messages.add_now(self._stamp(text), "log")

    def set_summary_statistic(self, name: str, value: str) -> None:
        """Add a figure to the summary; LEAN's own cannot be replaced.

        Raises
        ------
        ArgumentException
            Before the run has started, where LEAN fails too.
        """
        if not self._started:
            raise ArgumentException(
                f"expected set_summary_statistic('{name}', ...) after initialize, was called in "
                "it; call it from on_end_of_algorithm"
            )
        self._custom[name] = value

    # -- charts of the user --------------------------------------------------------------------

    def _take_user_charts(self) -> None:
        for chart in self._algorithm._charts.values():
            held = self.book.charts.get(chart.name)
            if held is None:
                held = self.book.charts[chart.name] = chart.clone_empty()
            for series in chart.series.values():
                if not self._may_add(series.name):
                    continue
                start = self._sent.get(id(series), 0)
                new = series.values[start:]
                self._sent[id(series)] = len(series.values)
                if not new:
                    continue
                own = held.series.get(series.name)
                if own is None:
                    own = held.series[series.name] = series.clone(True)
                if series.series_type is SeriesType.PIE:
                    template = series.clone(True)
                    template.values = new
                    own.add_point(template.consolidate_chart_points())
                elif len(own.values) + len(new) <= _MAX_POINTS:
                    own.values.extend(new)
                elif (chart.name, series.name) not in self._points_refused:
                    self._points_refused.add((chart.name, series.name))
                    self.add_system_debug(
                        "Exceeded maximum data points per series for organization tier, "  # noqa: S608
                        f"chart update skipped. Chart Name {chart.name}. "
                        f"Series name {series.name}. "
                        "https://qnt.co/docs-charting-quotas"
                        f"Limit is currently set at {_MAX_POINTS}"
                    )

    def _may_add(self, name: str) -> bool:
        if name in self._series_names:
            return True
        if len(self._series_names) < _MAX_SERIES:
            self._series_names[name] = None
            return True
        if not self._series_refused:
            self._series_refused = True
            self.add_system_debug(
                "Exceeded maximum chart series count for organization tier, new series will be "
                f"ignored. Limit is currently set at {_MAX_SERIES}. "
                "https://qnt.co/docs-charting-quotas"
            )
        return False

    # -- figures -------------------------------------------------------------------------------

    def _samples(self) -> Samples | None:
        """The series that the statistics need; ``None`` while nothing was sampled or earned."""
        algorithm, book = self._algorithm, self.book
        equity = book.equity.values
        if not equity:
            return None
        returns = book.pairs(charts.EQUITY_CHART, charts.RETURN)
        benchmark = book.pairs(charts.BENCHMARK, charts.BENCHMARK)
        if charts.BENCHMARK not in book.charts:
            performance = self._performance()
            if not performance:
                return None
            utc = algorithm._utc
            returns = [(utc, sample_number(performance))]
            benchmark = [(utc, sample_number(self._benchmark))]
        curve: list[tuple[datetime, Decimal]] = []
        for point in equity:
            # of two samples of one microsecond the second lies a tick later
            again = bool(curve) and curve[-1][0] == point._utc
            curve.append((point._utc + _MICRO if again else point._utc, point._close))
        return Samples(
            curve,
            returns,
            benchmark,
            book.pairs(charts.TURNOVER, charts.TURNOVER),
            document.profit_records(algorithm.transactions),
            algorithm.trade_builder.closed_trades,
            self._starting,
            algorithm.risk_free_interest_rate_model,
            algorithm.settings.trading_days_per_year or 252,
        )

    def statistics_results(self, rolling: bool = False) -> StatisticsResults:
        """Compute the statistics of what was sampled so far; empty before the first sample.

        As in LEAN, figures that no decimal can hold leave them empty; ``statistics_error`` says so.
        """
        self.statistics_error = ""
        try:
            return self._computed(rolling)
        except (ArgumentException, ArithmeticError) as error:
            self.statistics_error = (
                f"the statistics are empty: {error}; look for impossible prices in the data"
            )
            return StatisticsResults()

    def _computed(self, rolling: bool) -> StatisticsResults:
        algorithm = self._algorithm
        results = StatisticsResults()
        samples = self._samples() if self._started else None
        if samples is not None:
            builder = StatisticsBuilder(samples)
            results.total_performance = builder.total()
            if rolling:
                results.rolling_performances = builder.rolling()
            capacity = self._capacity
            assert capacity is not None
            results.summary = summary(
                results.total_performance,
                algorithm.transactions.orders_count,
                algorithm.portfolio._total_fees,
                self._currency,
                capacity.capacity,
                capacity.lowest_capacity_asset,
            )
            for name, value in self._custom.items():
                results.summary.setdefault(name, value)
        elif self._started:
            results.total_performance.closed_trades = algorithm.trade_builder.closed_trades
        return results

    def runtime(self, figures: dict[str, str]) -> dict[str, str]:
        """Runtime statistics: the user's and LEAN's, sorted by name."""
        portfolio, currency = self._algorithm.portfolio, self._currency
        earned = self._value - self._starting
        shown = dict(self.runtime_statistics)
        shown["Probabilistic Sharpe Ratio"] = figures.get("Probabilistic Sharpe Ratio", "0%")
        shown["Unrealized"] = to_money(portfolio._total_unrealized_profit, currency)
        shown["Fees"] = "-" + to_money(portfolio._total_fees, currency)
        shown["Net Profit"] = to_money(portfolio._total_net_profit, currency)
        shown["Return"] = percent(divide(earned, self._starting) if self._starting > 0 else ZERO)
        shown["Equity"] = to_money(self._value, currency)
        shown["Holdings"] = to_money(portfolio._total_holdings_value, currency)
        shown["Volume"] = to_money(portfolio._total_sale_volume, currency)
        return dict(sorted(shown.items(), key=lambda item: (item[0].lower(), item[0])))

    # -- the end -------------------------------------------------------------------------------

    def finish(
        self, status: str, error: str = "", stack_trace: str = "", seconds: float = 0.0
    ) -> document.Document:
        """Make the result: its ``content()`` is what is in ``result.json``.

        Parameters
        ----------
        status : str
            ``Completed``, ``RuntimeError`` or ``Stopped``.
        error, stack_trace : str
            Of a run-time error.
        seconds : float
            Wall time of the run.
        """
        algorithm = self._algorithm
        if error:
            error = self._stamp(
                error
                if error.startswith(("During the algorithm", "Runtime Error", "interrupted"))
                else f"Runtime Error: {error}"
            )
            self.messages.flush()
            self.messages.add_now(error, "error")
        if self._started:
            self.on_step(algorithm._utc, True)
        self.messages.flush()
        self._update_value()
        self._document = document.Document(self, status, error, stack_trace, seconds)
        return self._document

    def write(self, directory: Path | str) -> None:
        """Write what :meth:`finish` made: ``result.json`` and LEAN's own files.

        Parameters
        ----------
        directory : path
            Made if it is missing; each file is written in one piece or not at all.
        """
        target = Path(directory)
        name = self._algorithm.algorithm_id
        made = self._document
        assert made is not None
        with files.Writing() as out:
            out.text(target / f"{name}-log.txt", "\n".join([*made.log, ""]))
            out.text(target / f"{name}-order-events.json", made.events_text())
            out.text(target / "result.json", *made.pieces())
            out.text(target / f"{name}.json", *made.lean_pieces())
