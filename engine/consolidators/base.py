"""What all consolidators share: the last bar, a short window of bars and the events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from engine.indicators.names import PascalNames
from engine.indicators.window import RollingWindow
from engine.types.bars import BaseData
from engine.types.dotnet import Event
from engine.types.members import add_attribute_names

Handler = Callable[[Any, Any], None]


class _Bars(PascalNames):
    """The last consolidated bars: ``current``, ``previous``, ``window`` and ``[i]``."""

    _window: RollingWindow[Any] | None = None
    _cur: Any = None
    _prev: Any = None

    def _keep(self, bar: Any) -> None:
        self._prev, self._cur = self._cur, bar
        if self._window is not None:
            self._window.add(bar)

    def _forget(self) -> None:
        self._prev = self._cur = None
        if self._window is not None:
            self._window.reset()

    @property
    def window(self) -> RollingWindow[Any]:
        found = self._window
        if found is None:
            found = self._window = RollingWindow(2)
            for bar in (self._prev, self._cur):
                if bar is not None:
                    found.add(bar)
        return found

    @property
    def current(self) -> Any:
        return self._cur

    @property
    def previous(self) -> Any:
        return self._prev if self._window is None else self.window[1]

    def __getitem__(self, i: int) -> Any:
        return self.window[i]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.window)


class ConsolidatorBase(_Bars):
    """Base of the consolidators.

    LEAN's typed consolidators have two events of one name: the engine's own handlers (indicators,
    ``consolidate``, the scan clock) hang on the general one (``_general``), the user's on the typed
    one (``data_consolidated``). ``_typed`` says when the typed one is called: ``None`` (there is
    only one event), ``"before"`` or ``"after"``.
    """

    _typed: str | None = None
    _scans = True
    _input_type: type = BaseData
    _output_type: type = BaseData

    data_consolidated: Event
    consolidated: Any
    _user: list[Handler]
    _general: list[Handler]

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Any:
        # a user's subclass need not call our __init__
        made = super().__new__(cls)
        made.data_consolidated = Event()
        handlers: Any = made.data_consolidated._handlers
        made._user = made._general = handlers
        if cls._typed is not None:
            made._general = list[Handler]()
        made.consolidated = None
        return made

    def __init__(self) -> None:
        pass

    @property
    def input_type(self) -> type:
        return self._input_type

    @property
    def output_type(self) -> type:
        return self._output_type

    @property
    def working_data(self) -> Any:
        return None

    def update(self, data: Any) -> None:
        """Take the next piece of data."""
        raise NotImplementedError

    def scan(self, current_local_time: datetime) -> None:
        """Send the bar if its time has come without data."""

    def _idle(self) -> bool:
        """Whether ``scan`` cannot do anything before new data comes."""
        return False

    def _working_end(self) -> datetime | None:
        working = self.working_data
        return None if working is None else working.end_time

    def _emit(self, bar: Any) -> None:
        if bar is not None:
            self._keep(bar)
        if self._typed == "before":
            for handler in tuple(self._user):
                handler(self, bar)
        for handler in tuple(self._general):
            handler(self, bar)
        self.consolidated = bar
        if self._typed == "after":
            for handler in tuple(self._user):
                handler(self, bar)

    def on_data_consolidated(self, consolidated: Any) -> None:
        """Send a bar; for subclasses that make their own."""
        self._emit(consolidated)

    def dispose(self) -> None:
        """Drop all handlers."""
        self._user.clear()
        self._general.clear()

    def reset(self) -> None:
        """Go back to the state before the first data."""
        self.consolidated = None
        self._forget()


add_attribute_names(ConsolidatorBase, (ConsolidatorBase,))


class PythonConsolidator(_Bars):
    """Base of consolidators written in Python: override ``update`` and ``scan``, call
    ``on_data_consolidated``.
    """

    def __new__(cls, *_args: Any, **_kwargs: Any) -> PythonConsolidator:
        made = super().__new__(cls)
        made.data_consolidated = Event()
        made.consolidated = None
        made.working_data = None
        made.input_type = BaseData
        made.output_type = BaseData
        return made

    def __init__(self) -> None:
        pass

    data_consolidated: Event
    consolidated: Any
    working_data: Any
    input_type: type
    output_type: type

    def on_data_consolidated(self, consolidator: Any, data: Any) -> None:
        """Send a bar to the handlers."""
        if data is not None:
            self._keep(data)
        self.data_consolidated(consolidator, data)

    def update(self, data: Any) -> None:
        """Take the next piece of data."""

    def scan(self, current_local_time: datetime) -> None:
        """Look whether a bar is due."""

    def reset(self) -> None:
        """Forget everything."""
        self.consolidated = self.working_data = None
        self._forget()

    def dispose(self) -> None:
        """Nothing to release."""


def listen(consolidator: Any, handler: Handler) -> None:
    """Hang a handler of the engine on a consolidator's general event."""
    general = getattr(consolidator, "_general", None)
    if general is None:
        consolidator.data_consolidated += handler
    else:
        general.append(handler)


def unlisten(consolidator: Any, handler: Handler) -> None:
    """Take a handler of the engine away."""
    general = getattr(consolidator, "_general", None)
    if general is None:
        consolidator.data_consolidated -= handler
    elif handler in general:
        general.remove(handler)
