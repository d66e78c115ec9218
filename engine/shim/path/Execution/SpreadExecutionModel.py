"""One of LEAN's models under the module name that its Python files have."""

from engine.framework.execution.conditional import SpreadExecutionModel

__all__ = ["SpreadExecutionModel"]
