"""One of LEAN's models under the module name that its Python files have."""

from engine.framework.execution.conditional import StandardDeviationExecutionModel

__all__ = ["StandardDeviationExecutionModel"]
