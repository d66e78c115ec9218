"""Sending targets to signal services: like LEAN, only in live mode.

A backtest says so once and goes on. The services that LEAN brings can be named, but not reached
from here; a provider of the user's own is called in live-like runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from engine.framework.targets import PortfolioTarget
from engine.securities.native import method
from engine.securities.parameters import InitialMarginParameters
from engine.statistics.arithmetic import divide
from engine.types.dotnet import LeanObject
from engine.types.errors import ArgumentException, EngineUnsupported


class SignalExportTargetParameters(LeanObject):
    """What a provider is given: the targets and the algorithm."""

    def __init__(self, targets: Iterable[PortfolioTarget] = (), algorithm: Any = None) -> None:
        self.targets = list(targets)
        self.algorithm = algorithm


class BaseSignalExport(LeanObject):
    """A signal service that LEAN knows; the engine does not reach it."""

    _service = "signal services"

    def send(self, parameters: SignalExportTargetParameters) -> bool:
        """Refuse: nothing leaves this machine.

        Raises
        ------
        EngineUnsupported
            Always.
        """
        raise EngineUnsupported(
            f"engine does not implement sending to {self._service}; use lean live"
        )

    def dispose(self) -> None:
        """Nothing is held."""


class Collective2SignalExport(BaseSignalExport):
    """Collective2: an account key and the number of a system."""

    _service = "Collective2"

    def __init__(self, api_key: str, system_id: int, use_white_label_api: bool = False) -> None:
        self._system_id = system_id


class CrunchDAOSignalExport(BaseSignalExport):
    """CrunchDAO: an account key and a model."""

    _service = "CrunchDAO"

    def __init__(
        self, api_key: str, model: str, submission_name: str = "", comment: str = ""
    ) -> None:
        self._model = model


class NumeraiSignalExport(BaseSignalExport):
    """Numerai: the two keys of an account and a model."""

    _service = "Numerai"

    def __init__(
        self, public_id: str, secret_id: str, model_id: str, file_name: str = "predictions.csv"
    ) -> None:
        self._model_id = model_id


class VBaseSignalExport(BaseSignalExport):
    """vBase: an account key and a collection."""

    _service = "vBase"

    def __init__(
        self,
        api_key: str,
        collection_name: str,
        store_stamped_file: bool = True,
        idempotent: bool = False,
    ) -> None:
        for value, name in ((api_key, "API key"), (collection_name, "Collection name")):
            if not value or not value.strip():
                raise ArgumentException(f"vBaseSignalExport: {name} not provided")
        self._collection_name = collection_name


class SignalExportManager(LeanObject):
    """``signal_export`` of an algorithm.

    Attributes
    ----------
    automatic_export_time_span : timedelta, optional
        How long after a fill LEAN sends the portfolio by itself in live mode; kept, not used.
    """

    def __init__(self, algorithm: Any) -> None:
        self._algorithm = algorithm
        self._providers: list[Any] = []
        self._told = False
        self.automatic_export_time_span: timedelta | None = timedelta(seconds=5)

    def add_signal_export_provider(self, signal_export: Any) -> None:
        """Add a service, or an object with ``send(parameters)``."""
        self._providers.append(signal_export)

    def add_signal_export_providers(self, *signal_exports: Any) -> None:
        """Add several; a sequence of them will do."""
        for one in signal_exports:
            if isinstance(one, Iterable):
                self._providers.extend(one)
            else:
                self._providers.append(one)

    def set_target_portfolio(self, *portfolio_targets: Any) -> bool:
        """Send targets, given one by one or as a sequence; whether all services took them."""
        targets: list[Any] = []
        for one in portfolio_targets:
            targets.extend([one] if isinstance(one, PortfolioTarget) else one or ())
        algorithm = self._algorithm
        if not algorithm.live_mode:
            if not self._told:
                self._told = True
                algorithm.debug("Portfolio targets are only sent in live mode")
            return True
        if not self._providers:
            return False
        if not targets:
            algorithm.debug("No portfolio target given")
            return False
        parameters = SignalExportTargetParameters(targets, algorithm)
        sent = [bool(method(provider, "send")(parameters)) for provider in self._providers]
        return all(sent)

    def set_target_portfolio_from_portfolio(self) -> bool:
        """Send the shares of the portfolio's value that are held now."""
        if self._algorithm.portfolio._total_portfolio_value <= 0:
            self._algorithm.error("Total portfolio value was less than or equal to 0")
            return False
        return self.set_target_portfolio(self._held())

    def _held(self) -> list[PortfolioTarget]:
        portfolio = self._algorithm.portfolio
        most = portfolio._total_portfolio_value_less_free_buffer
        found = []
        for security in self._algorithm.securities.values():
            if not security.is_tradable:
                continue
            quantity = security.holdings._quantity
            margin = method(security.buying_power_model, "get_initial_margin_requirement")(
                InitialMarginParameters(security, quantity)
            )._value
            share = divide(abs(margin * security._leverage), most)
            found.append(PortfolioTarget(security.symbol, -share if quantity < 0 else share))
        return found
