"""One of LEAN's models under the module name that its Python files have."""

from engine.framework.execution.conditional import VolumeWeightedAveragePriceExecutionModel

__all__ = ["VolumeWeightedAveragePriceExecutionModel"]
