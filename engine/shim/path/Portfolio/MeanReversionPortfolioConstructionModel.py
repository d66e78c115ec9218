"""One of LEAN's models under the module name that its Python files have."""

from engine.framework.construction.mean_reversion import MeanReversionPortfolioConstructionModel

__all__ = ["MeanReversionPortfolioConstructionModel"]
