"""The algorithm framework of ``QCAlgorithm``.

Five models, insights, and the pass that runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.framework.alphas.base import CompositeAlphaModel, NullAlphaModel
from engine.framework.construction.base import NullPortfolioConstructionModel
from engine.framework.execution.base import ImmediateExecutionModel
from engine.framework.insight import Insight
from engine.framework.insight_collection import GeneratedInsightsCollection, InsightManager
from engine.framework.risk.base import CompositeRiskManagementModel, NullRiskManagementModel
from engine.framework.support import as_list, distinct_by_symbol, model_name, restart_ids
from engine.framework.targets import PortfolioTarget
from engine.securities.native import method
from engine.types.dotnet import Event
from engine.types.enums import InsightType
from engine.types.errors import ArgumentException
from engine.universes.models import (
    CompositeUniverseSelectionModel,
    CustomUniverseSelectionModel,
    ManualUniverseSelectionModel,
    NullUniverseSelectionModel,
    ScheduledUniverseSelectionModel,
    never_refreshed,
    refresh_time,
)

_PRICE = InsightType.PRICE
_ASKED_ONCE = (
    NullUniverseSelectionModel,
    ManualUniverseSelectionModel,
    CustomUniverseSelectionModel,
    ScheduledUniverseSelectionModel,
)


def _check(model: Any, kind: str, *names: str) -> Any:
    """Refuse a model that lacks a method, as LEAN does when it wraps one."""
    for name in names:
        if not hasattr(model, name) and not hasattr(
            model, "".join(part.capitalize() for part in name.split("_"))
        ):
            raise NotImplementedError(
                f"{kind}.{name} must be implemented. Please implement this missing method on "
                f"{type(model)}"
            )
    return model


class FrameworkMixin:
    """Alpha, construction, risk, execution and universe selection models of an algorithm."""

    if TYPE_CHECKING:

        @property
        def _utc(self) -> datetime: ...

        @property
        def time(self) -> datetime: ...

    _engine: Any
    is_warming_up: bool
    securities: Any
    settings: Any
    universe_manager: Any
    add_universe: Callable[..., Any]
    debug: Callable[[str], None]
    error: Callable[[str], None]
    log: Callable[[str], None]

    def _init_framework(self) -> None:
        restart_ids()
        PortfolioTarget.minimum_order_margin_percentage_warning_sent = None
        self.insights = InsightManager(self)
        self.insights_generated = Event()
        self._debug_mode = False
        self.alpha: Any = NullAlphaModel()
        self.portfolio_construction: Any = NullPortfolioConstructionModel()
        self.risk_management: Any = NullRiskManagementModel()
        self.execution: Any = ImmediateExecutionModel()
        self.universe_selection: Any = NullUniverseSelectionModel()
        self._selected_universes: dict[Any, None] = {}
        self._told_warmup_insights = False
        self._told_delisted_insights = False

    @property
    def debug_mode(self) -> bool:
        """Whether the framework writes insights, targets and overrides to the log."""
        return self._debug_mode

    @debug_mode.setter
    def debug_mode(self, enabled: bool) -> None:
        self._debug_mode = enabled

    # -- models --------------------------------------------------------------------------------

    def set_alpha(self, alpha: Any) -> None:
        """Set the alpha model."""
        self.alpha = _check(alpha, "IAlphaModel", "update", "on_securities_changed")

    def add_alpha(self, alpha: Any) -> None:
        """Add an alpha model to those set before."""
        if type(self.alpha) is NullAlphaModel:
            self.set_alpha(alpha)
        elif isinstance(self.alpha, CompositeAlphaModel):
            self.alpha.add_alpha(_check(alpha, "IAlphaModel", "update", "on_securities_changed"))
        else:
            self.alpha = CompositeAlphaModel(
                self.alpha, _check(alpha, "IAlphaModel", "update", "on_securities_changed")
            )

    def set_portfolio_construction(self, portfolio_construction: Any) -> None:
        """Set the model that makes targets from insights."""
        self.portfolio_construction = _check(
            portfolio_construction,
            "IPortfolioConstructionModel",
            "create_targets",
            "on_securities_changed",
        )

    def set_execution(self, execution: Any) -> None:
        """Set the model that makes orders from targets."""
        self.execution = _check(execution, "IExecutionModel", "execute", "on_securities_changed")

    def set_risk_management(self, risk_management: Any) -> None:
        """Set the model that may change targets."""
        self.risk_management = _check(
            risk_management, "IRiskManagementModel", "manage_risk", "on_securities_changed"
        )

    def add_risk_management(self, risk_management: Any) -> None:
        """Add a risk model behind those set before; it sees the targets as they left them."""
        current = self.risk_management
        if type(current) is NullRiskManagementModel:
            self.set_risk_management(risk_management)
            return
        _check(risk_management, "IRiskManagementModel", "manage_risk", "on_securities_changed")
        if isinstance(current, CompositeRiskManagementModel):
            current.add_risk_management(risk_management)
        else:
            self.risk_management = CompositeRiskManagementModel(current, risk_management)

    def set_universe_selection(self, universe_selection: Any) -> None:
        """Set the model that makes universes."""
        self.universe_selection = _check(
            universe_selection, "UniverseSelectionModel", "create_universes"
        )

    def add_universe_selection(self, universe_selection: Any) -> None:
        """Add a universe selection model to those set before."""
        current = self.universe_selection
        if type(current) is NullUniverseSelectionModel:
            self.set_universe_selection(universe_selection)
            return
        _check(universe_selection, "UniverseSelectionModel", "create_universes")
        if isinstance(current, CompositeUniverseSelectionModel):
            current.add_universe_selection(universe_selection)
        else:
            self.universe_selection = CompositeUniverseSelectionModel(current, universe_selection)

    # -- the run -------------------------------------------------------------------------------

    def _framework_post_initialize(self) -> None:
        """Hand the rebalancing settings to the construction model and make the universes."""
        model, settings = self.portfolio_construction, self.settings
        asked = {
            "rebalance_on_security_changes": settings.rebalance_portfolio_on_security_changes,
            "rebalance_on_insight_changes": settings.rebalance_portfolio_on_insight_changes,
        }
        for name, value in asked.items():
            if value is not None:
                setattr(model, name, value)
        for universe in as_list(method(self.universe_selection, "create_universes")(self)):
            self.add_universe(universe)
            self._selected_universes[universe.configuration.symbol] = None
        if self._debug_mode:

            def tell(_sender: Any, collection: GeneratedInsightsCollection) -> None:
                said = sorted(collection.insights, key=lambda i: str(i.symbol))
                self.log(f"{self.time}: {' | '.join(map(str, said))}")

            self.insights_generated += tell

    def _refresh_universes(self) -> None:
        model = self.universe_selection
        if self._utc < refresh_time(model):
            return
        manager, chosen = self.universe_manager, self._selected_universes
        for symbol in [s for s, u in manager.items() if u.dispose_requested]:
            manager.remove(symbol)
            chosen.pop(symbol, None)
        leaving = dict(chosen)
        for universe in as_list(method(model, "create_universes")(self)):
            symbol = universe.configuration.symbol
            chosen[symbol] = None
            self.add_universe(universe)
            leaving.pop(symbol, None)
        for symbol in leaving:
            manager[symbol].dispose()

    def _stock_models(self, internal: bool) -> tuple[Any, ...] | None:
        """Return the models while a pass of them could do nothing, None otherwise.

        Of steps with ``internal`` data alone only the universe selection learns. What
        :meth:`_on_framework_data` asks besides is left to the caller: the insight scores and the
        targets of the execution model.
        """
        model = self.universe_selection
        if type(model) not in _ASKED_ONCE and not (internal and never_refreshed(model)):
            return None
        if not internal and not (
            type(self.alpha) is NullAlphaModel
            and type(self.portfolio_construction) is NullPortfolioConstructionModel
            and type(self.risk_management) is NullRiskManagementModel
            and type(self.execution) is ImmediateExecutionModel
        ):
            return None
        return (
            self.universe_selection,
            self.alpha,
            self.portfolio_construction,
            self.risk_management,
            self.execution,
        )

    def _on_framework_data(self, slice: Any) -> None:
        """Run the models on the data of one step."""
        selection = self.universe_selection
        if type(selection) not in _ASKED_ONCE and not never_refreshed(selection):
            self._refresh_universes()
        if self.insights._score_function is not None:
            self.insights.step(self._utc)
        if not slice._points or (
            # a pass of the stock defaults could do nothing at all
            type(self.alpha) is NullAlphaModel
            and type(self.portfolio_construction) is NullPortfolioConstructionModel
            and type(self.risk_management) is NullRiskManagementModel
            and type(self.execution) is ImmediateExecutionModel
            and not self.execution._targets._items._places
        ):
            return
        insights = as_list(method(self.alpha, "update")(self, slice))
        if insights:
            insights = self._begin_insights(insights)
            self._publish(insights)
        self._process_insights(insights)

    def _on_framework_securities_changed(self, changes: Any) -> None:
        """Tell the models what came and what left."""
        if self._debug_mode:
            self.debug(f"{self.time}: {changes}")
        for model in (
            self.alpha,
            self.portfolio_construction,
            self.execution,
            self.risk_management,
        ):
            method(model, "on_securities_changed")(self, changes)

    def emit_insights(self, *insights: Any) -> None:
        """Emit insights by hand; construction, risk and execution run before the call returns."""
        if self.is_warming_up:
            if not self._told_warmup_insights:
                self._told_warmup_insights = True
                self.error("Warning: insights emitted during algorithm warmup are ignored.")
            return
        given: list[Insight] = []
        for item in insights:
            given.extend(item if isinstance(item, Iterable) else [item])
        given = self._begin_insights(given)
        self._publish(given)
        self._process_insights(given)

    # -- parts ---------------------------------------------------------------------------------

    def _begin_insights(self, insights: list[Any]) -> list[Any]:
        """Give insights their times, reference value and source.

        Drop those of delisted securities.
        """
        utc = self._utc
        valid = []
        for insight in insights:
            if not isinstance(insight, Insight):
                raise ArgumentException(
                    f"expected insights of the alpha model, was {insight!r} in the list; return a "
                    f"list of Insight"
                )
            security = self.securities[insight.symbol]
            if security.is_delisted:
                if not self._told_delisted_insights:
                    self._told_delisted_insights = True
                    self.error(
                        "QCAlgorithm.EmitInsights(): Warning: cannot emit insights for delisted "
                        "securities, these "
                        "will be discarded"
                    )
                continue
            insight._generated = utc
            if insight.type == _PRICE:
                insight._reference_value = security._price
            else:
                insight.reference_value = method(security.volatility_model, "volatility")
            if not insight.source_model:
                insight.source_model = model_name(self.alpha)
            symbol = insight.symbol
            hours = self._engine.hours.get_exchange_hours(
                symbol.id.market, symbol, symbol.security_type
            )
            insight.set_period_and_close_time(hours)
            valid.append(insight)
        return valid

    def _publish(self, insights: list[Any]) -> None:
        if self._debug_mode:
            self.log(f"{self.time}: ALPHA: {' | '.join(sorted(map(str, insights)))}")
        self.insights.add_range(insights)
        if self.insights_generated:
            self.insights_generated(self, GeneratedInsightsCollection(self._utc, insights))

    def _process_insights(self, insights: list[Any]) -> None:
        targets = as_list(method(self.portfolio_construction, "create_targets")(self, insights))
        self._aim(targets, "PORTFOLIO")
        overrides = as_list(method(self.risk_management, "manage_risk")(self, targets))
        self._aim(overrides, "RISK")
        if overrides:
            targets = distinct_by_symbol([*overrides, *targets])
            if self._debug_mode:
                said = " | ".join(sorted(map(str, targets)))
                self.log(f"{self.time}: RISK ADJUSTED TARGETS: {said}")
        elif targets:
            targets = distinct_by_symbol(targets)
        method(self.execution, "execute")(self, targets)

    def _aim(self, targets: list[Any], who: str) -> None:
        for target in targets:
            self.securities[target.symbol].holdings.target = target
        if targets and self._debug_mode:
            self.log(f"{self.time}: {who}: {' | '.join(sorted(map(str, targets)))}")
