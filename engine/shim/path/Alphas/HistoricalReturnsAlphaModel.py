"""One of LEAN's models under the module name that its Python files have."""

from engine.framework.twins.alphas import HistoricalReturnsTwin as HistoricalReturnsAlphaModel

__all__ = ["HistoricalReturnsAlphaModel"]
