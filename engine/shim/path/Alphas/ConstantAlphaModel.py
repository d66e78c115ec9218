"""One of LEAN's models under the module name that its Python files have."""

from engine.framework.twins.alphas import ConstantTwin as ConstantAlphaModel

__all__ = ["ConstantAlphaModel"]
