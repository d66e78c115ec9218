"""``QuantBook``: history and indicators in a notebook, without a run.

>>> from engine.notebook import QuantBook, Resolution
>>> qb = QuantBook()  # doctest: +SKIP
>>> spy = qb.add_equity("SPY", Resolution.DAILY).symbol  # doctest: +SKIP
>>> bars = qb.history(spy, 100, Resolution.DAILY)  # doctest: +SKIP

Everything that ``AlgorithmImports`` gives an algorithm can be imported from here too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import run
from engine.algorithm.qcalgorithm import QCAlgorithm
from engine.cli import data_folder
from engine.types.decimals import use_lean_context
from engine.types.enums import AlgorithmMode

_engines: dict[Path, run.Engine] = {}


def _engine_of(data: Path) -> run.Engine:
    """Return the services over a data folder: its databases and files are read once."""
    use_lean_context()
    known = _engines.get(data)
    if known is None:
        known = _engines[data] = run.Engine(data)
    known.maps.install()
    return known


class QuantBook(QCAlgorithm):
    """An algorithm that never runs: it asks for data.

    Time stands at the last midnight; ``set_start_date`` moves it, and histories of the last so many
    bars end there. Data comes from ``$LEAN_DATA`` or ``./data``.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> QuantBook:
        engine = _engine_of(data_folder(None).resolve())
        before, run._CURRENT = run._CURRENT, engine
        try:
            book: QuantBook = super().__new__(cls)  # type: ignore[assignment]
        finally:
            run._CURRENT = before
        return book

    def __init__(self) -> None:
        self._set_finished_warming_up()
        self.set_start_date(self.end_date)

    @property
    def algorithm_mode(self) -> AlgorithmMode:
        return AlgorithmMode.RESEARCH

    def initialize(self) -> None:
        """Nothing: a notebook sets up what it needs itself."""

    def indicator(self, indicator: Any, symbol: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the values of an indicator as a data frame, one column for each of its parts.

        ``(indicator, symbol, period | timedelta[, resolution[, selector]])`` or ``(indicator,
        symbol, start, end[, resolution[, selector]])``.
        """
        return self.indicator_history(indicator, symbol, *args, **kwargs).data_frame


def __getattr__(name: str) -> Any:
    from engine.shim.exports import exports

    if not name.startswith("_") and name in exports():
        return exports()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
