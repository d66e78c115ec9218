"""How many shares can be borrowed, and at what rate."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, ClassVar

from engine.securities.native import LeanModel
from engine.types.days import compact_day
from engine.types.decimals import ZERO
from engine.types.enums import SecurityType
from engine.types.errors import DataError

_HUNDRED = Decimal(100)


class _ShortableProvider(LeanModel):
    """No limit and no rate, unless a subclass knows better."""

    def fee_rate(self, symbol: Any, local_time: datetime) -> float:
        return float(self._fee_rate(symbol, local_time))

    def _fee_rate(self, symbol: Any, local_time: datetime) -> Decimal:
        return ZERO

    def rebate_rate(self, symbol: Any, local_time: datetime) -> float:
        return float(self._rebate_rate(symbol, local_time))

    def _rebate_rate(self, symbol: Any, local_time: datetime) -> Decimal:
        return ZERO

    def shortable_quantity(self, symbol: Any, local_time: datetime) -> int | None:
        return None


class NullShortableProvider(_ShortableProvider):
    """Sets no limit and no rate."""

    INSTANCE: ClassVar[NullShortableProvider]


NullShortableProvider.INSTANCE = NullShortableProvider()


class LocalDiskShortableProvider(_ShortableProvider):
    """Reads ``<data>/equity/<market>/shortable/<brokerage>/symbols/<ticker>.csv``.

    Rows are ``yyyyMMdd,quantity[,rebate rate in percent[,fee rate in percent]]``; a day without a
    row has no limit and no
    rate. Without :attr:`_data_folder` the data folder of the present run is read.
    """

    _data_folder: ClassVar[Path | None] = None
    _brokerage = ""

    def __init__(self, brokerage: str = "") -> None:
        self._brokerage = brokerage.lower()
        self._ticker: str | None = None
        self._days: dict[date, tuple[int | None, Decimal, Decimal]] = {}

    def _row(self, symbol: Any, local_time: datetime) -> tuple[int | None, Decimal, Decimal] | None:
        if symbol is None:
            return None
        if symbol.value != self._ticker:
            self._ticker = symbol.value
            self._days = self._read(symbol)
        return self._days.get(date(local_time.year, local_time.month, local_time.day))

    def _read(self, symbol: Any) -> dict[date, tuple[int | None, Decimal, Decimal]]:
        folder = self._data_folder
        if folder is None:
            from engine.run import current_engine

            folder = Path(current_engine().data_folder)
        kind = SecurityType(symbol.security_type).name.lower().replace("_", "")
        path = folder / kind / symbol.id.market / "shortable" / self._brokerage / "symbols"
        path = path / f"{symbol.value.lower()}.csv"
        if not path.exists():
            return {}
        found = {}
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if not line or line.startswith("#"):
                continue
            cells = [*line.split(","), "", "", ""]
            try:
                day = compact_day(cells[0]).date()
                quantity = int(Decimal(cells[1])) if cells[1] else None
                rates = [Decimal(cell) / _HUNDRED if cell else ZERO for cell in cells[2:4]]
            except (ValueError, InvalidOperation) as error:
                raise DataError(
                    f"expected yyyyMMdd,quantity,rebate,fee in {path}, row {number}, was {line!r}; "
                    "repair the row"
                ) from error
            found[day] = (quantity, rates[0], rates[1])
        return found

    def _fee_rate(self, symbol: Any, local_time: datetime) -> Decimal:
        row = self._row(symbol, local_time)
        return ZERO if row is None else row[2]

    def _rebate_rate(self, symbol: Any, local_time: datetime) -> Decimal:
        row = self._row(symbol, local_time)
        return ZERO if row is None else row[1]

    def shortable_quantity(self, symbol: Any, local_time: datetime) -> int | None:
        row = self._row(symbol, local_time)
        return None if row is None else row[0]


class InteractiveBrokersShortableProvider(LocalDiskShortableProvider):
    """The lists of Interactive Brokers."""

    def __init__(self) -> None:
        super().__init__("interactivebrokers")
