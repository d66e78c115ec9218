"""``QCAlgorithm``: the class an algorithm derives from."""

from __future__ import annotations

from typing import Any

from engine.algorithm.charting import ChartingMixin
from engine.algorithm.framework import FrameworkMixin
from engine.algorithm.handlers import HandlersMixin
from engine.algorithm.history import HistoryMixin
from engine.algorithm.identifiers import IdentifiersMixin
from engine.algorithm.indicators import IndicatorsMixin
from engine.algorithm.messages import MessagesMixin
from engine.algorithm.parameters import ParametersMixin
from engine.algorithm.scheduling import SchedulingMixin
from engine.algorithm.settings import AlgorithmSettings
from engine.algorithm.setup import SetupMixin
from engine.algorithm.signal_export import SignalExportManager
from engine.algorithm.trading import TradingMixin
from engine.algorithm.universe import UniverseMixin
from engine.types.dotnet import LeanObject
from engine.types.enums import AlgorithmMode, DeploymentTarget
from engine.types.symbol import Symbol, SymbolCache


class QCAlgorithm(
    HandlersMixin,
    SetupMixin,
    MessagesMixin,
    ParametersMixin,
    SchedulingMixin,
    UniverseMixin,
    FrameworkMixin,
    TradingMixin,
    HistoryMixin,
    IndicatorsMixin,
    ChartingMixin,
    IdentifiersMixin,
    LeanObject,
):
    """Base of every algorithm; its parts are the mixins of this package."""

    _engine: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> QCAlgorithm:
        # everything is built before the user's own __init__ runs, which may not call ours
        algorithm: QCAlgorithm = super().__new__(cls)
        from engine.run import current_engine

        engine = current_engine()
        algorithm._engine = engine
        engine.algorithm = algorithm
        algorithm._build()
        return algorithm

    def _build(self) -> None:
        engine = self._engine
        self.settings = AlgorithmSettings()
        self._init_setup()
        self._init_messages()
        self._init_parameters()
        engine.build_services(self)
        self._init_scheduling()
        self._init_trading()
        self._init_history()
        self._init_indicators()
        self._init_charting()
        self._init_universe()
        self._init_framework()
        self.set_brokerage_model(engine.default_brokerage_model())
        self.algorithm_id = type(self).__name__
        self.current_slice: Any = None
        self.project_id = 0

    @property
    def signal_export(self) -> SignalExportManager:
        """Sends targets to signal services in live mode."""
        manager: SignalExportManager | None = self.__dict__.get("_signal_export")
        if manager is None:
            manager = self.__dict__["_signal_export"] = SignalExportManager(self)
        return manager

    @property
    def object_store(self) -> Any:
        return self._engine.object_store

    @property
    def market_hours_database(self) -> Any:
        return self._engine.hours

    @property
    def symbol_properties_database(self) -> Any:
        return self._engine.properties

    @property
    def algorithm_mode(self) -> AlgorithmMode:
        return AlgorithmMode.LIVE if self.live_mode else AlgorithmMode.BACKTESTING

    @property
    def deployment_target(self) -> DeploymentTarget:
        return DeploymentTarget.LOCAL_PLATFORM

    def symbol(self, ticker: str) -> Symbol:
        """Return the symbol that the algorithm added under a ticker."""
        return SymbolCache.get_symbol(ticker)

    def ticker(self, symbol: Symbol) -> str:
        """Return the ticker of a security today."""
        return self._engine.maps.ticker(symbol, self.time)

    def set_algorithm_id(self, algorithm_id: str) -> None:
        self.algorithm_id = algorithm_id

    def add_command(self, command: Any) -> None:
        """Register a command class; commands arrive in live trading only.

        Raises
        ------
        NotImplementedError
            When the class has no ``run``.
        """
        if not any(callable(getattr(command, name, None)) for name in ("run", "Run")):
            raise NotImplementedError(
                f"expected {command.__name__} to define run(self, algorithm), it does not; "
                "add the method"
            )
        self.__dict__.setdefault("_commands", {})[command.__name__] = command
