"""Small helpers of LEAN's ``Util``, ``Configuration`` and ``Globals``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.types.dotnet import Event, LeanObject, LeanType
from engine.types.enums import Resolution, SecurityType, TickType
from engine.types.errors import EngineUnsupported
from engine.types.symbol import Symbol

_SLOW = (Resolution.HOUR, Resolution.DAILY)
_SINGLE = (SecurityType.BASE, SecurityType.INDEX, SecurityType.EQUITY)
_PAIRS = (SecurityType.FOREX, SecurityType.CFD)
_COINS = (SecurityType.CRYPTO, SecurityType.CRYPTO_FUTURE)


class CircularQueue(LeanObject):
    """Gives its items over and over; ``circle_completed`` comes whenever the first one is given."""

    def __init__(self, *items: Any) -> None:
        if len(items) == 1 and isinstance(items[0], Iterable) and not isinstance(items[0], str):
            items = tuple(items[0])
        self._items = items
        self._next = 0
        self.circle_completed = Event()

    def __class_getitem__(cls, kind: Any) -> type[CircularQueue]:
        return cls

    def dequeue(self) -> Any:
        """Return the next item; after the last one the first comes again."""
        item = self._items[self._next]
        self._next = (self._next + 1) % len(self._items)
        if item == self._items[0]:
            self.circle_completed(self, None)
        return item


class LeanData(LeanObject):
    """Names of files in LEAN's data folder."""

    @staticmethod
    def generate_zip_file_name(
        symbol: Symbol, date: datetime, resolution: Resolution, tick_type: TickType
    ) -> str:
        """Return the name of the zip file of a security for a day."""
        kind = TickType(tick_type).name.lower()
        if resolution not in _SLOW:
            _refuse_derivatives(symbol)
            return f"{date:%Y%m%d}_{kind}.zip"
        if symbol.security_type in _SINGLE or symbol.security_type in _PAIRS:
            return f"{symbol.value.lower()}.zip"
        _refuse_derivatives(symbol)
        name = symbol.value if symbol.security_type == SecurityType.CRYPTO else symbol.id.symbol
        return f"{name.lower()}_{kind}.zip"

    @staticmethod
    def generate_relative_zip_file_directory(symbol: Symbol, resolution: Resolution) -> str:
        """Return the folder of a security's files, seen from the data folder."""
        _refuse_derivatives(symbol)
        kind = SecurityType(symbol.security_type).name.lower().replace("_", "")
        parts = [kind, symbol.id.market.lower(), Resolution(resolution).name.lower()]
        if resolution not in _SLOW:
            parts.append(symbol.value.lower())
        return str(Path(*parts))

    @staticmethod
    def generate_relative_zip_file_path(
        symbol: Symbol, date: datetime, resolution: Resolution, tick_type: TickType
    ) -> str:
        """Return the path of a security's zip file, seen from the data folder."""
        folder = LeanData.generate_relative_zip_file_directory(symbol, resolution)
        name = LeanData.generate_zip_file_name(symbol, date, resolution, tick_type)
        return str(Path(folder, name))

    @staticmethod
    def generate_zip_file_path(
        data_directory: str,
        symbol: Symbol,
        date: datetime,
        resolution: Resolution,
        tick_type: TickType,
    ) -> str:
        """Return the path of a security's zip file."""
        path = LeanData.generate_relative_zip_file_path(symbol, date, resolution, tick_type)
        return str(Path(data_directory, path))


def _refuse_derivatives(symbol: Symbol) -> None:
    if symbol.security_type not in (*_SINGLE, *_PAIRS, *_COINS):
        raise EngineUnsupported(
            f"engine does not implement files of {symbol.security_type}; use lean backtest"
        )


def _engine() -> Any:
    from engine.run import current_engine

    return current_engine()


class _GlobalsType(LeanType):
    """Gives what belongs to the run that is going on."""

    @property
    def data_folder(cls) -> str:
        return str(_engine().data_folder)

    @property
    def cache_data_folder(cls) -> str:
        return str(_engine().data_folder)

    @property
    def live_mode(cls) -> bool:
        return False

    @property
    def project_id(cls) -> int:
        return 0

    @property
    def results_destination_folder(cls) -> str:
        return str(Path.cwd())


class Globals(LeanObject, metaclass=_GlobalsType):
    """``QuantConnect.Globals``: where the data are."""

    @staticmethod
    def get_data_folder_path(relative_path: str) -> str:
        return str(Path(_engine().data_folder, relative_path))


class Config(LeanObject):
    """``QuantConnect.Configuration.Config``: settings of the run, kept for the run only."""

    @staticmethod
    def get(key: str, default_value: str = "") -> str:
        """Return a setting as text."""
        engine = _engine()
        known = {"data-folder": str(engine.data_folder), "environment": "backtesting"}
        return str(engine.configuration.get(key, known.get(key, default_value)))

    @staticmethod
    def get_bool(key: str, default_value: bool = False) -> bool:
        return Config.get(key, str(default_value)).strip().lower() == "true"

    @staticmethod
    def get_int(key: str, default_value: int = 0) -> int:
        return int(Config.get(key, str(default_value)))

    @staticmethod
    def get_double(key: str, default_value: float = 0.0) -> float:
        return float(Config.get(key, str(default_value)))

    @staticmethod
    def set(key: str, value: Any) -> None:
        """Change a setting until the end of the run."""
        _engine().configuration[key] = value
