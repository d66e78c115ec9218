"""``Command``: the base of command classes, run by live trading only."""

from __future__ import annotations

from typing import Any

from engine.types.dotnet import LeanObject


class Command(LeanObject):
    """A command whose attributes are filled from the fields of its file."""

    def run(self, algorithm: Any) -> bool | None:
        """Do it; the answer goes into the result file.

        Raises
        ------
        NotImplementedError
            When the user's class does not define it.
        """
        raise NotImplementedError(
            "Please implement the 'def run(algorithm) -> bool | None:' method"
        )
