"""One of LEAN's models under the module name that its Python files have."""

from engine.framework.risk.per_security import MaximumUnrealizedProfitPercentPerSecurity

__all__ = ["MaximumUnrealizedProfitPercentPerSecurity"]
