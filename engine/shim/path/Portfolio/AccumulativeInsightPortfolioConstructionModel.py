"""One of LEAN's models under the module name that its Python files have."""

from engine.framework.construction.accumulative import AccumulativeInsightPortfolioConstructionModel

__all__ = ["AccumulativeInsightPortfolioConstructionModel"]
