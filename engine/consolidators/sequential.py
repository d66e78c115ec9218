"""Two consolidators one after the other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.consolidators.base import ConsolidatorBase, listen
from engine.types.bars import BaseData
from engine.types.errors import ArgumentException


class SequentialConsolidator(ConsolidatorBase):
    """Feeds the bars of ``first`` to ``second`` and sends the bars of ``second``.

    Raises
    ------
    ArgumentException
        Where ``second`` does not take what ``first`` makes.
    """

    def __init__(self, first: Any, second: Any) -> None:
        super().__init__()
        if second.input_type is not BaseData and not issubclass(
            first.output_type, second.input_type
        ):
            raise ArgumentException(
                "first.OutputType must equal second.OutputType! "
                f"({first.output_type.__name__}, {second.input_type.__name__})"
            )
        self.first, self.second = first, second
        listen(first, lambda _sender, bar: second.update(bar))
        listen(second, lambda _sender, bar: self._emit(bar))

    @property
    def input_type(self) -> type:
        return self.first.input_type

    @property
    def output_type(self) -> type:
        return self.second.output_type

    @property
    def working_data(self) -> Any:
        return self.second.working_data

    def update(self, data: Any) -> None:
        self.first.update(data)

    def scan(self, current_local_time: datetime) -> None:
        self.first.scan(current_local_time)

    def _idle(self) -> bool:
        idle = getattr(self.first, "_idle", None)
        return idle is not None and idle() and self.second.working_data is None

    def dispose(self) -> None:
        self.first.dispose()
        self.second.dispose()
        super().dispose()

    def reset(self) -> None:
        self.first.reset()
        self.second.reset()
        super().reset()
