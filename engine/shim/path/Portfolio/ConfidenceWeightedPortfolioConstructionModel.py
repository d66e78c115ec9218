"""One of LEAN's models under the module name that its Python files have."""

from engine.framework.construction.weighting import ConfidenceWeightedPortfolioConstructionModel

__all__ = ["ConfidenceWeightedPortfolioConstructionModel"]
