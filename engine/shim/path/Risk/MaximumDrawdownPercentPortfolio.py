"""One of LEAN's models under the module name that its Python files have."""

from engine.framework.risk.portfolio import MaximumDrawdownPercentPortfolio

__all__ = ["MaximumDrawdownPercentPortfolio"]
