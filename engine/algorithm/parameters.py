"""Parameters given to the run."""

from __future__ import annotations

from typing import Any

from engine.types.dotnet import LeanDict
from engine.types.errors import ArgumentException


class ParametersMixin:
    """``get_parameter`` of ``QCAlgorithm``."""

    def _init_parameters(self) -> None:
        self._parameters: dict[str, str] = {}

    def get_parameter(self, name: str, default_value: Any = None) -> Any:
        """Return a parameter in the type of its default: str, int or float; None when there is
        neither.
        """
        text = self._parameters.get(name)
        if text is None:
            return default_value
        try:
            if isinstance(default_value, bool) or not isinstance(default_value, (int, float)):
                return text
            if isinstance(default_value, int):
                return int(text)
            return float(text)
        except ValueError:
            # LEAN answers with the default when the text is no number
            return default_value

    def get_parameters(self) -> LeanDict[str, str]:
        """Return all parameters."""
        found: LeanDict[str, str] = LeanDict()
        found.update(self._parameters)
        return found

    def set_parameters(self, parameters: dict[str, Any]) -> None:
        """Take the parameters of the run; attributes declared for them are not filled."""
        for name, value in parameters.items():
            if not isinstance(name, str):
                raise ArgumentException(f"expected parameter names as text, was {name!r}")
            self._parameters[name] = str(value)
