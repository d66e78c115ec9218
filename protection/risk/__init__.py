"""Tails, VaR and ES with their backtests, drawdown accounting, the order gate and stress.

The names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Public name -> module below this room. Rows are grouped by the part that owns them.
_HOMES = {
    # tails
    "DEFAULT_PRIOR": "tails.gpd",
    "GarchFit": "tails.garch",
    "GarchSpec": "tails.garch",
    "GpdFit": "tails.gpd",
    "ShapePrior": "tails.gpd",
    "StudentFit": "tails.student_fit",
    "TCopula": "tails.copula",
    "cornish_fisher_quantile": "tails.cornish_fisher",
    "cornish_fisher_var_es": "tails.cornish_fisher",
    "empirical_var_es": "tails.empirical",
    "fit_garch": "tails.garch",
    "fit_gpd": "tails.gpd",
    "fit_t_copula": "tails.copula",
    "fit_student_t": "tails.student_fit",
    "pool_shapes": "tails.gpd",
    "pot_interval": "tails.pot",
    "pot_var_es": "tails.pot",
    "student_var_es": "tails.student",
    "t_tail_dependence": "tails.copula",
    # var_es
    "ConservativeTail": "var_es.fallback",
    "CopulaTail": "var_es.copula",
    "CornishFisher": "var_es.static",
    "FilteredHistorical": "var_es.conditional",
    "GarchEvt": "var_es.conditional",
    "GarchT": "var_es.conditional",
    "Gaussian": "var_es.static",
    "Historical": "var_es.static",
    "OnlineTail": "var_es.online",
    "PeaksOverThreshold": "var_es.static",
    "RiskMetrics": "var_es.conditional",
    "StudentT": "var_es.static",
    "TailModel": "var_es.model",
    "recommended": "var_es.conditional",
    "OrderEffect": "var_es.estimates",
    "PortfolioTail": "var_es.online_portfolio",
    "TailDiagnostics": "var_es.estimates",
    "TailEstimate": "var_es.estimates",
    "TailInterval": "var_es.estimates",
    # stress
    "SCENARIOS": "stress.library",
    "LiquidityResult": "stress.shocks",
    "ReverseStress": "stress.reverse",
    "ShockResult": "stress.shocks",
    "StressResult": "stress.replay",
    "StressScenario": "stress.scenario",
    "correlation_to_one": "stress.shocks",
    "custom_shock": "stress.shocks",
    "largest_exposure": "stress.reverse",
    "levels_crossed": "stress.replay",
    "liquidity_withdrawal": "stress.shocks",
    "replay_portfolio": "stress.replay",
    "replay_strategy": "stress.replay",
    "reverse_stress": "stress.reverse",
    "smallest_multiple": "stress.reverse",
    "stress_scenario": "stress.library",
    # limits
    "TailLimit": "limits.tail",
    "TailReading": "limits.tail",
    # backtest
    "Comparison": "backtest.scores",
    "ShortfallTest": "backtest.shortfall",
    "TestResult": "backtest.coverage",
    "TrafficLight": "backtest.coverage",
    "Evaluation": "backtest.rolling",
    "RollingForecasts": "backtest.rolling",
    "accept_region": "backtest.coverage",
    "acerbi_szekely": "backtest.shortfall",
    "binomial": "backtest.coverage",
    "calibration_line": "backtest.quantile",
    "christoffersen": "backtest.coverage",
    "conditional_coverage": "backtest.coverage",
    "diebold_mariano": "backtest.scores",
    "dynamic_quantile": "backtest.coverage",
    "evaluate": "backtest.rolling",
    "fissler_ziegel": "backtest.scores",
    "independence": "backtest.coverage",
    "kupiec": "backtest.coverage",
    "quantile_regression": "backtest.quantile",
    "quantile_score": "backtest.scores",
    "rolling_forecasts": "backtest.rolling",
    "traffic_light": "backtest.coverage",
}

__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'protection.risk' has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
