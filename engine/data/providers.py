"""LEAN's providers of map and factor files, for algorithms that read adjustments by themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.types.dotnet import LeanObject
from engine.types.enums import DataNormalizationMode
from engine.types.errors import ArgumentException
from engine.types.symbol import Symbol


class DefaultDataProvider(LeanObject):
    """Gives the files of the run's data folder; nothing has to be set."""


class LocalDiskMapFileProvider(LeanObject):
    """The map files of the run's data folder."""

    def initialize(self, data_provider: Any) -> None:
        """Nothing to do: the folder is that of the run."""


class CorporateFactorProvider(LeanObject):
    """The factors of one security."""

    def __init__(
        self, permtick: str, data: Any, factor_file_minimum_date: datetime | None = None
    ) -> None:
        self.permtick = permtick
        self._factors = data

    def get_price_factor(
        self,
        search_date: datetime,
        data_normalization_mode: DataNormalizationMode,
        data_mapping_mode: Any = None,
        contract_offset: int = 0,
    ) -> float:
        """Return what the raw prices of a date are multiplied with.

        Raises
        ------
        ArgumentException
            For raw prices, which have no factor.
        """
        mode = DataNormalizationMode(data_normalization_mode)
        if mode == DataNormalizationMode.RAW:
            raise ArgumentException(
                "expected a normalization mode that adjusts prices, was RAW; raw prices have no "
                "factor"
            )
        if self._factors is None:
            return 1.0
        return float(self._factors.factor(search_date, mode))


class LocalDiskFactorFileProvider(LeanObject):
    """The factor files of the run's data folder."""

    def initialize(self, map_file_provider: Any, data_provider: Any) -> None:
        """Nothing to do: the folder is that of the run."""

    def get(self, symbol: Symbol) -> CorporateFactorProvider:
        """Return the factors of a symbol."""
        from engine.run import current_engine

        maps = current_engine().maps
        return CorporateFactorProvider(maps.map_file(symbol).permtick, maps.factor_file(symbol))
