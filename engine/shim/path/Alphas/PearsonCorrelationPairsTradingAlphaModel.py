"""One of LEAN's models under the module name that its Python files have."""

from engine.framework.twins.alphas import (
    PearsonCorrelationTwin as PearsonCorrelationPairsTradingAlphaModel,
)

__all__ = ["PearsonCorrelationPairsTradingAlphaModel"]
