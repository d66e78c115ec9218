"""Risk-free rates: the Fed's primary credit rate of LEAN's data, a constant, a function."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from engine.statistics.arithmetic import average, divide
from engine.types.days import iso_day
from engine.types.decimals import ZERO, to_decimal
from engine.types.dotnet import LeanObject
from engine.types.errors import DataError

_FIRST = date(1998, 1, 1)
_HUNDRED = Decimal(100)
FILE = Path("alternative", "interest-rate", "usa", "interest-rate.csv")
DEFAULT_RATE = Decimal("0.01")


class InterestRateProvider(LeanObject):
    """A yearly rate as a fraction, carried forward from the last entry of LEAN's file.

    Parameters
    ----------
    data_folder : path
        LEAN's data folder. Without the rate file every day has LEAN's default, 0.01.
    on_missing : callable, optional
        Told once, in one sentence, that the file is missing.

    Raises
    ------
    DataError
        If a line of the file cannot be read; the sentence names file and line.
    """

    DEFAULT_RISK_FREE_RATE = float(DEFAULT_RATE)

    def __init__(
        self, data_folder: str | Path, on_missing: Callable[[str], None] | None = None
    ) -> None:
        self._path = Path(data_folder) / FILE
        self._on_missing = on_missing
        self._days: list[int] = []
        self._rates: list[Decimal] | None = None

    def _load(self) -> list[Decimal]:
        if self._rates is None:
            entries = self._read()
            self._days = [day.toordinal() for day in entries]
            self._rates = list(entries.values())
        return self._rates

    def _read(self) -> dict[date, Decimal]:
        if not self._path.is_file():
            if self._on_missing is not None:
                self._on_missing(
                    f"no risk-free rates: '{self._path}' is missing, Sharpe ratio and alpha use "
                    f"{DEFAULT_RATE} a year; copy the file from LEAN's data folder"
                )
            return {_FIRST: DEFAULT_RATE}
        entries: dict[date, Decimal] = {}
        lines = self._path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines[1:], start=2):
            if not line.strip():
                continue
            parts = line.split(",")
            try:
                day = iso_day(parts[0]).date()
                entries[day] = divide(Decimal(parts[1]), _HUNDRED)
            except (ValueError, IndexError, InvalidOperation) as error:
                raise DataError(
                    f"expected 'yyyy-mm-dd,rate in per cent', was {line!r} in {self._path} "
                    f"line {number}"
                ) from error
        if not entries:
            return {_FIRST: DEFAULT_RATE}
        return dict(sorted(entries.items()))

    def _rate(self, day: date) -> Decimal:
        rates = self._load()
        return rates[max(0, bisect_right(self._days, day.toordinal()) - 1)]

    def get_interest_rate(self, date: date) -> float:
        """Rate in force on a date; before the first entry the first one."""
        return float(self._rate(date))


class ConstantRiskFreeRateInterestRateModel(LeanObject):
    """One yearly rate, a fraction."""

    def __init__(self, risk_free_rate: Any) -> None:
        self._risk_free_rate = to_decimal(risk_free_rate)

    def _rate(self, day: date) -> Decimal:
        return self._risk_free_rate

    def get_interest_rate(self, date: date) -> float:
        return float(self._risk_free_rate)


class FuncRiskFreeRateInterestRateModel(LeanObject):
    """A yearly rate by a function of the date."""

    def __init__(self, get_interest_rate_func: Callable[[datetime], Any]) -> None:
        self._function = get_interest_rate_func

    def get_interest_rate(self, date: datetime) -> float:
        return float(self._function(date))


def average_rate(model: Any, times: Iterable[datetime]) -> Decimal:
    """Mean of a model's rates at given times; zero without a model or times."""
    if model is None:
        return ZERO
    exact = getattr(model, "_rate", None)
    if exact is None:
        return average(to_decimal(model.get_interest_rate(time)) for time in times)
    # many samples lie on one day: ask once a day
    counts: dict[date, int] = {}
    for time in times:
        day = time.date()
        counts[day] = counts.get(day, 0) + 1
    total = ZERO
    for day, count in counts.items():
        total += exact(day) * count
    samples = sum(counts.values())
    return divide(total, Decimal(samples)) if samples else ZERO
