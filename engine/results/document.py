"""The result of a run as dictionaries: our own shape, and LEAN's for ``lean report``."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.results import samples as charts
from engine.results.parts import Part, pieces_of, whole
from engine.statistics.serialization import performance_json, performance_text, time_text
from engine.types.jsontext import joined

_STANDARD = (
    charts.DRAWDOWN,
    charts.TURNOVER,
    "Exposure",
    charts.MARGIN,
    charts.SALES,
    "Capacity",
)
_SEPARATE = (charts.EQUITY_CHART, charts.BENCHMARK)


def profit_records(transactions: Any) -> list[tuple[datetime, Decimal, bool]]:
    """Booked profits with their times, and whether each is a win."""
    wins = set(transactions.winning_transactions)
    return [
        (time, profit, time in wins)
        for time, profit in sorted(transactions._transaction_record.items())
    ]


class Document:
    """Everything that the files of a finished run hold.

    What is large is a :class:`Part` until somebody asks for :meth:`content` or for a text.
    """

    def __init__(
        self, handler: Any, status: str, error: str, stack_trace: str, seconds: float
    ) -> None:
        from engine.orders.serialization import order_list_hash

        self._handler = handler
        algorithm, engine = handler._algorithm, handler._engine
        self._algorithm = algorithm
        self._status = status
        self._error = error
        self._stack = stack_trace
        self._seconds = seconds
        self._results = handler.statistics_results()
        orders = engine.transactions.orders
        self._runtime = handler.runtime(self._results.summary)
        self._summary = dict(self._results.summary)
        self._hash = order_list_hash(orders.values())
        self._orders = _orders(orders)
        self._events = _events(engine.transactions.order_events, algorithm.algorithm_id)
        profits = {
            time_text(time): float(profit)
            for time, profit, _ in profit_records(algorithm.transactions)
        }
        self._profit_loss = Part(lambda: profits)
        performance = self._results.total_performance
        self._performance = Part(
            lambda: performance_json(performance), lambda: performance_text(performance)
        )
        # points by their series: both shapes hold them
        self._made: dict[int, Part] = {}
        self._content: dict[str, Any] | None = None
        self._result = self._own_shape()

    def _configuration(self) -> dict[str, Any]:
        algorithm = self._algorithm
        return {
            "accountCurrency": algorithm.portfolio.cash_book.account_currency,
            "brokerage": int(algorithm.brokerage_name),
            "accountType": int(algorithm.brokerage_model.account_type),
            "parameters": {k: str(v) for k, v in algorithm.get_parameters().items()},
            "startDate": f"{algorithm.start_date:%Y-%m-%dT%H:%M:%SZ}",
            "endDate": f"{algorithm.end_date:%Y-%m-%dT%H:%M:%SZ}",
            "tradingDaysPerYear": algorithm.settings.trading_days_per_year or 252,
        }

    def _state(self) -> dict[str, str]:
        algorithm = self._algorithm
        return {
            "LogCount": str(len(self._handler.messages.lines)),
            "OrderCount": str(algorithm.transactions.orders_count),
            "InsightCount": str(algorithm.insights.total_count),
        }

    def _insights(self) -> Part | None:
        from engine.framework.insight_json import insight_record, insight_text
        from engine.framework.support import NO_TIME

        insights = list(self._algorithm.insights.get_insights())
        if not insights:
            return None
        insights.sort(key=lambda insight: insight._generated or NO_TIME)
        return Part(
            lambda: [insight_record(insight) for insight in insights],
            lambda: joined(map(insight_text, insights)),
        )

    def _values(self, series: Any) -> Part:
        """Return the points of a series, made once for both shapes."""
        made = self._made.get(id(series))
        if made is None:
            made = self._made[id(series)] = Part(series._json_values, series._json_text)
        return made

    def _points(self, chart: str, series: str) -> Part | list[Any]:
        found = self._handler.book.find(chart, series)
        return [] if found is None else self._values(found)

    def _own_shape(self) -> dict[str, Any]:
        """Every series whole."""
        handler, book = self._handler, self._handler.book
        feed = handler._engine.feed
        standard = {
            name: {
                series.name: self._values(series) for series in book.charts[name].series.values()
            }
            for name in _STANDARD
            if name in book.charts
        }
        plotted = {
            series.name: self._values(series)
            for series in book.charts[charts.EQUITY_CHART].series.values()
            if series.name not in (charts.EQUITY, charts.RETURN)
        }
        if plotted:
            standard[charts.EQUITY_CHART] = plotted
        own = {
            name: chart._json(self._values)
            for name, chart in book.charts.items()
            if name not in _STANDARD and name not in _SEPARATE
        }
        return {
            "algorithm": self._algorithm.algorithm_id,
            "statistics": {**self._summary, "OrderListHash": self._hash},
            "runtime_statistics": self._runtime,
            "algorithm_configuration": self._configuration(),
            # LEAN counts the points of history() too
            "data_points": (0 if feed is None else feed.data_points)
            + self._algorithm._history_provider.data_point_count,
            "status": self._status,
            "runtime_error": self._error if self._status == "RuntimeError" else "",
            "stack_trace": self._stack,
            "state": self._state(),
            "order_events": self._events,
            "orders": self._orders,
            "equity": self._points(charts.EQUITY_CHART, charts.EQUITY),
            "daily_return": self._points(charts.EQUITY_CHART, charts.RETURN),
            "benchmark": self._points(charts.BENCHMARK, charts.BENCHMARK),
            "charts": standard,
            "custom_charts": own,
            "profit_loss": self._profit_loss,
            "total_performance": self._performance,
            "insights": self._insights(),
            "log": list(handler.messages.lines),
            "messages": {
                "debug": list(handler.messages.debug),
                "error": list(handler.messages.error),
            },
            "engine_seconds": round(self._seconds, 6),
        }

    @property
    def status(self) -> str:
        return self._status

    @property
    def log(self) -> list[str]:
        found: list[str] = self._result["log"]
        return found

    @property
    def data_points(self) -> int:
        found: int = self._result["data_points"]
        return found

    @property
    def seconds(self) -> float:
        found: float = self._result["engine_seconds"]
        return found

    @property
    def statistics(self) -> dict[str, str]:
        found: dict[str, str] = self._result["statistics"]
        return found

    def content(self) -> dict[str, Any]:
        """Return our own shape as a dictionary: what ``result.json`` holds."""
        if self._content is None:
            self._content = whole(self._result)
        return self._content

    def pieces(self) -> list[str]:
        """Return our own shape as JSON, in pieces.

        Raises
        ------
        ValueError
            Here and below, for a number that JSON does not know.
        """
        return pieces_of(self._result)

    def events_text(self) -> str:
        """Return the order events, which LEAN has in a file of their own."""
        return self._events.text()

    def lean_pieces(self) -> list[str]:
        """Return LEAN's shape as JSON, in pieces; it has no order events."""
        return pieces_of(self._lean_shape())

    def _lean_shape(self) -> dict[str, Any]:
        algorithm = self._algorithm
        return {
            # 1, 3, 6 and 12 months ending at every month: nothing that reads this file looks at
            # them, and over decades they cost more than the run
            "rollingWindow": {},
            "charts": {
                name: chart._json(self._values) for name, chart in self._handler.book.charts.items()
            },
            "orders": self._orders,
            "profitLoss": self._profit_loss,
            "statistics": self._summary,
            "runtimeStatistics": self._runtime,
            "state": {
                "RuntimeError": self._error if self._status == "RuntimeError" else "",
                "StackTrace": self._stack,
                **self._state(),
                "Name": algorithm.name,
                "Status": self._status,
            },
            "serverStatistics": {},
            "algorithmConfiguration": {
                "name": algorithm.name,
                "tags": sorted(algorithm.tags),
                **self._configuration(),
                "outOfSampleMaxEndDate": None,
                "outOfSampleDays": 0,
            },
            "totalPerformance": self._performance,
        }


def _orders(orders: Any) -> Part:
    from engine.orders.serialization import order_record
    from engine.orders.texts import orders_text

    return Part(
        lambda: {str(number): order_record(order) for number, order in orders.items()},
        lambda: orders_text(orders),
    )


def _events(events: Any, algorithm_id: str) -> Part:
    from engine.orders.serialization import order_event_json, plain_number
    from engine.orders.texts import events_text

    return Part(
        lambda: [order_event_json(event, algorithm_id, plain_number) for event in events],
        lambda: events_text(events, algorithm_id),
    )
