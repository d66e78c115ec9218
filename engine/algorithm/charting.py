"""Charts and statistics that an algorithm adds to the result."""

from __future__ import annotations

from typing import Any

from engine.types.bars import TradeBar
from engine.types.dotnet import LeanDict
from engine.types.errors import ArgumentException
from engine.types.overloads import by_name

#: chart -> series that LEAN itself draws; an empty tuple reserves the whole chart
RESERVED: dict[str, tuple[str, ...]] = {
    "Strategy Equity": ("Equity", "Return"),
    "Capacity": ("Strategy Capacity",),
    "Drawdown": ("Equity Drawdown",),
    "Benchmark": ("Benchmark",),
    "Assets Sales Volume": (),
    "Exposure": (),
    "Portfolio Margin": (),
    "Portfolio Turnover": ("Portfolio Turnover",),
}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value}"


class ChartingMixin:
    """``plot``, ``add_chart`` and the statistics of ``QCAlgorithm``."""

    _engine: Any
    _clock: Any
    _locked: bool

    def _init_charting(self) -> None:
        self._charts: dict[str, Any] = {}
        self.runtime_statistics: LeanDict[str, str] = LeanDict()

    def add_chart(self, chart: Any) -> None:
        """Add a chart; one of that name that is there already stays."""
        self._charts.setdefault(chart.name, chart)

    def add_series(self, chart: str, series: str, series_type: Any, unit: str = "$") -> None:
        """Add a series of a kind to a chart."""
        from engine.results.charts import Chart, make_series

        made = self._charts.get(chart)
        if made is None:
            made = self._charts[chart] = Chart(chart)
        made.series[series] = make_series(series_type, series, unit)

    @by_name(
        "series value",
        "series bar",
        "series py_object",
        "chart series value",
        "chart series bar",
        "series open high low close",
        "chart series open high low close",
        "chart first second third fourth",
    )
    def plot(self, *args: Any) -> None:
        """``plot([chart,] series, value | open, high, low, close | bar)`` or ``plot(chart,
        indicator, ...)``.
        """
        several = len(args) > 1 and not isinstance(args[1], (str, int, float, TradeBar))
        if several and all(hasattr(a, "current") for a in args[1:]):
            for indicator in args[1:]:
                self.plot(args[0], indicator.name, indicator.current.value)
            return
        chart, rest = "Strategy Equity", list(args)
        if len(rest) > 2 and isinstance(rest[1], str):
            chart = rest.pop(0)
        series, values = rest[0], rest[1:]
        if len(values) == 1 and isinstance(values[0], TradeBar):
            bar = values[0]
            values = [bar.open, bar.high, bar.low, bar.close]
        if len(values) not in (1, 4):
            raise ArgumentException(
                f"expected one value or open, high, low and close to plot, was {len(values)} values"
            )
        try:
            numbers = [float(getattr(v, "value", v)) for v in values]
        except (TypeError, ValueError) as error:
            raise ArgumentException(
                f"expected a number or an indicator to plot, was {values[0]!r}"
            ) from error
        found = self._series(chart, series, len(numbers) == 4)
        found.add_point(self._clock.utc, *numbers)

    record = plot

    def _series(self, chart_name: str, series_name: str, candles: bool) -> Any:
        from engine.results.charts import CandlestickSeries, Chart, Series

        reserved = RESERVED.get(chart_name)
        if reserved is not None:
            if not reserved:
                raise ArgumentException(f"'{chart_name}' is a reserved chart name.")
            if series_name in reserved:
                raise ArgumentException(
                    f"'{series_name}' is a reserved series name for chart '{chart_name}'."
                )
        chart = self._charts.get(chart_name)
        if chart is None:
            chart = self._charts[chart_name] = Chart(chart_name)
        series = chart.series.get(series_name)
        if series is None:
            series = CandlestickSeries(series_name) if candles else Series(series_name)
            chart.add_series(series)
        return series

    def plot_indicator(self, chart: str, *indicators: Any) -> None:
        """Plot indicators whenever they change; a leading True waits until each is ready."""
        wait, rest = False, [i for i in indicators if i is not None]
        if rest and isinstance(rest[0], bool):
            wait = rest.pop(0)
        for indicator in rest:
            indicator.updated += self._plotter(chart, indicator, wait)

    def _plotter(self, chart: str, indicator: Any, wait: bool) -> Any:
        def draw(sender: Any, point: Any) -> None:
            if not wait or indicator.is_ready:
                self.plot(chart, indicator.name, indicator.current.value)

        return draw

    @property
    def statistics(self) -> Any:
        """The statistics of the run so far: ``summary``, ``total_performance`` and the rest."""
        found = self._engine.results.statistics_results(rolling=True)
        found.summary = LeanDict(found.summary)
        return found

    def set_runtime_statistic(self, name: str, value: Any) -> None:
        """Show a value among the statistics of the running algorithm."""
        self.runtime_statistics[name] = _text(value)

    def set_summary_statistic(self, name: str, value: Any) -> None:
        """Add a value to the statistics of the result, once the run has started (as in LEAN)."""
        if name.isdigit() and 0 <= int(name) <= 100:
            raise ArgumentException(f"'{name}' is a reserved statistic name.")
        self._engine.results.set_summary_statistic(name, _text(value))

    def get_chart_updates(self, clear_chart_data: bool = False) -> list[Any]:
        """Return the charts."""
        return list(self._charts.values())
