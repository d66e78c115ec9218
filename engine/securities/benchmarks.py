"""Benchmarks: the series that results are compared with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.orders.exact import from_python
from engine.securities.native import LeanModel, method
from engine.types.errors import ArgumentException


class FuncBenchmark(LeanModel):
    """What a function of the time returns."""

    def __init__(self, benchmark: Callable[[datetime], Any]) -> None:
        if not callable(benchmark):
            raise ArgumentException(
                f"expected a function of the time, was {type(benchmark).__name__}"
            )
        self._function = benchmark

    def evaluate(self, time: datetime) -> float:
        return float(self._evaluate(time))

    def _evaluate(self, time: datetime) -> Decimal:
        return from_python(self._function(time))


class SecurityBenchmark(LeanModel):
    """The price of a security in the account currency.

    ``SecurityBenchmark(security)``, or ``SecurityBenchmark(algorithm, symbol)``, which makes a
    security that has only
    a price.
    """

    def __init__(self, security: Any, symbol: Any = None) -> None:
        if symbol is not None:
            security = security.securities.create_benchmark_security(symbol)
        self.security = security

    def evaluate(self, time: datetime) -> float:
        return float(self._evaluate(time))

    def _evaluate(self, time: datetime) -> Decimal:
        security = self.security
        price: Decimal = security._price * security.quote_currency._conversion_rate
        return price

    @staticmethod
    def create_instance(securities: Any, symbol: Any) -> SecurityBenchmark:
        return SecurityBenchmark(securities.create_benchmark_security(symbol))


def wrap_benchmark(benchmark: Any) -> Any:
    """Return a benchmark as the engine asks it, also for a user object with ``evaluate`` only."""
    native = benchmark is None or isinstance(benchmark, FuncBenchmark | SecurityBenchmark)
    return benchmark if native else FuncBenchmark(method(benchmark, "evaluate"))
