"""``PortfolioConstructionModel``.

When to rebalance, which insights count, and targets from percentages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from engine.framework.insight import Insight
from engine.framework.support import as_utc, span_of
from engine.framework.targets import PortfolioTarget, target_for_share
from engine.scheduling.date_rules import END_OF_TIME
from engine.securities.native import LeanModel, method
from engine.types.decimals import to_decimal
from engine.types.enums import InsightDirection, PortfolioBias, Resolution
from engine.types.symbol import Symbol
from engine.types.timezones import aware

Rebalance = Callable[[datetime], "datetime | None"]


def rebalance_rule(rebalance: Any) -> Rebalance | None:
    """Return ``naive utc -> next naive utc or None`` from what a user may give.

    That is a resolution, a time span, a date rule, a function of the (aware) UTC time, or None for
    "always".
    """
    if rebalance is None:
        return None
    if isinstance(rebalance, Resolution):
        rebalance = span_of(rebalance)
    if isinstance(rebalance, timedelta):
        span = rebalance
        return (lambda utc: utc + span) if span else None
    if hasattr(rebalance, "get_dates"):
        return _by_dates(rebalance)

    def ask(utc: datetime) -> datetime | None:
        moment = rebalance(aware(utc))
        return None if moment is None else as_utc(moment)

    return ask


def _by_dates(rule: Any) -> Rebalance:
    dates: Any = None
    current: datetime | None = None

    def ask(utc: datetime) -> datetime | None:
        nonlocal dates, current
        if dates is None:
            dates = iter(rule.get_dates(utc, END_OF_TIME))
            current = next(dates, None)
        if current is not None and utc >= current:
            current = next(dates, None)
        return END_OF_TIME if current is None else current

    return ask


class PortfolioConstructionModel(LeanModel):
    """Base of all construction models.

    A subclass overrides ``determine_target_percent`` or ``create_targets``.
    """

    rebalance_on_security_changes = True
    rebalance_on_insight_changes = True
    algorithm: Any = None
    _rebalance: Rebalance | None = None
    _next: datetime | None = None
    _changed = False

    def __init__(self, rebalancing_func: Any = None) -> None:
        self._rebalance = rebalance_rule(rebalancing_func)

    def set_rebalancing_func(self, rebalance: Any) -> None:
        """Set when to rebalance: a resolution, time span, date rule, function or None."""
        self._rebalance = rebalance_rule(rebalance)

    def create_targets(self, algorithm: Any, insights: list[Insight]) -> list[Any]:
        """Return the targets of this step; nothing while no rebalance is due."""
        self.algorithm = algorithm
        utc = algorithm._utc
        if type(self).is_rebalance_due is PortfolioConstructionModel.is_rebalance_due:
            due = self._is_due(insights, utc)
        else:
            due = bool(self.is_rebalance_due(insights, aware(utc)))
        if not due:
            return []
        active = list(self.get_target_insights())
        percents = self.determine_target_percent(active)
        targets: list[Any] = []
        failed: set[Symbol] = set()
        for insight in active:
            if insight not in percents:
                continue
            target = target_for_share(algorithm, insight.symbol, to_decimal(percents[insight]))
            if target is None:
                failed.add(insight.symbol)
            else:
                targets.append(target)
        book = algorithm.insights
        gone = dict.fromkeys(i.symbol for i in book.remove_expired_insights(utc))
        over = [s for s in gone if s not in failed and not book.has_active_insights(s, utc)]
        return [*targets, *(PortfolioTarget(symbol, 0) for symbol in over)]

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        """Note the change, and expire the insights of what left."""
        if self.algorithm is None:
            self.algorithm = algorithm
        self._changed = True
        algorithm.insights.expire([s.symbol for s in changes.removed_securities])

    def get_target_insights(self) -> list[Insight]:
        """Return the newest active insight of every symbol."""
        latest: dict[Symbol, Insight] = {}
        wanted = method(self, "should_create_target_for_insight")
        for insight in self.algorithm.insights.get_active_insights(self.algorithm._utc):
            if not wanted(insight):
                continue
            known = latest.get(insight.symbol)
            if known is None or insight.generated_time_utc >= known.generated_time_utc:
                latest[insight.symbol] = insight
        return list(latest.values())

    def should_create_target_for_insight(self, insight: Insight) -> bool:
        """Tell whether an insight counts."""
        return True

    def determine_target_percent(self, active_insights: list[Insight]) -> dict[Insight, float]:
        """Return the share of the portfolio (signed, 1 is all) for each insight."""
        raise NotImplementedError(
            "Types deriving from 'PortfolioConstructionModel' must implement the "
            "'Dictionary<Insight, double> DetermineTargetPercent(ICollection<Insight>)' method."
        )

    def is_rebalance_due(self, insights: list[Insight], algorithm_utc: datetime) -> bool:
        """Tell whether to rebalance now; it moves the clock of the rule."""
        return self._is_due(insights, as_utc(algorithm_utc))

    def _is_due(self, insights: Iterable[Insight], utc: datetime) -> bool:
        rule = self._rebalance
        if rule is None:
            self._changed = False
            return True
        expiry = self.algorithm.insights._next_expiry()
        if self._next is None:
            self._next = rule(utc)
            if self._next is not None and self._next <= utc:
                # asked again at the next step: a rule shall not be asked twice for one moment
                self._next = None
                self._changed = False
                return True
        if (
            (self._next is not None and self._next <= utc)
            or (self.rebalance_on_security_changes and self._changed)
            or (
                self.rebalance_on_insight_changes
                and (bool(insights) or (expiry is not None and expiry < utc))
            )
        ):
            self.refresh_rebalance(utc)
            return True
        return False

    def refresh_rebalance(self, algorithm_utc: datetime) -> None:
        """Ask the rule for the next time and forget security changes."""
        if self._rebalance is not None:
            self._next = self._rebalance(as_utc(algorithm_utc))
        self._changed = False

    @staticmethod
    def filter_invalid_insight_magnitude(
        algorithm: Any, insights: Iterable[Insight]
    ) -> list[Insight]:
        """Return the insights whose magnitude lies within the settings.

        Errors go to the user's log.
        """
        most = float(algorithm.settings._max_absolute_portfolio_target_percentage)
        least = float(algorithm.settings._min_absolute_portfolio_target_percentage)
        valid = []
        for insight in insights:
            size = abs(insight.magnitude or 0.0)
            if size and (size > most or size < least):
                algorithm.error(
                    "PortfolioConstructionModel.FilterInvalidInsightMagnitude():"
                    f"The insight target Magnitude: {insight.magnitude}, will not comply with the "
                    f"current "
                    f"'Algorithm.Settings' 'MaxAbsolutePortfolioTargetPercentage': {most} or "
                    f"'MinAbsolutePortfolioTargetPercentage': {least}. Skipping insight."
                )
                continue
            valid.append(insight)
        return valid


class NullPortfolioConstructionModel(PortfolioConstructionModel):
    """Makes no targets."""

    def __init__(self) -> None:
        super().__init__(None)

    def create_targets(self, algorithm: Any, insights: list[Insight]) -> list[Any]:
        return []


class BiasedConstructionModel(PortfolioConstructionModel):
    """What models with a portfolio bias share."""

    _bias = PortfolioBias.LONG_SHORT

    def __init__(
        self, rebalance: Any = Resolution.DAILY, portfolio_bias: Any = PortfolioBias.LONG_SHORT
    ) -> None:
        super().__init__(rebalance)
        self._bias = PortfolioBias(portfolio_bias)

    def _respects(self, insight: Insight) -> bool:
        return self._bias == PortfolioBias.LONG_SHORT or int(insight.direction) == int(self._bias)

    def _direction(self, insight: Insight) -> int:
        return int(insight.direction if self._respects(insight) else InsightDirection.FLAT)
