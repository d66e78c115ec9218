"""Locks, sleeps and clocks that belong to the turns while a live-like run goes on.

``threading.Lock`` and ``threading.RLock`` made during a run give the turn away when they are
taken, ``time.sleep`` waits in model time, ``time.time`` and ``time.monotonic`` tell model time.
All of that holds for the threads of the run only; a thread of the user's own sees the real ones.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from engine.livelike.turns import Turns

_Lock = threading.Lock
_RLock = threading.RLock
_sleep, _time, _time_ns = time.sleep, time.time, time.time_ns
_monotonic, _monotonic_ns = time.monotonic, time.monotonic_ns
_EPOCH = datetime(1970, 1, 1)

_turns: Turns | None = None


def _mine() -> Turns | None:
    """Return the turns when this thread takes part in them."""
    turns = _turns
    return None if turns is None or turns.current() is None else turns


#: seconds of real time between two looks whether a thread of the user's own lets a lock go
_GLANCE = 0.01


class TurnLock:
    """A lock that gives the turn away while another thread holds it.

    A thread of the user's own takes no turns and lives in real time: what it holds is waited for in
    real time, and nobody else goes on meanwhile.
    """

    def __init__(self) -> None:
        self._real = _Lock()
        self._holder: int | None = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        taken = self._acquire(blocking, timeout)
        if taken:
            self._holder = threading.get_ident()
        return taken

    def _acquire(self, blocking: bool, timeout: float) -> bool:
        if self._real.acquire(False):
            return True
        if not blocking:
            return False
        turns = _mine()
        if turns is None:
            return self._real.acquire(True, timeout)
        end = None if timeout < 0 else _model_seconds(turns) + timeout
        while not self._real.acquire(False):
            left = -1.0 if end is None else end - _model_seconds(turns)
            if end is not None and left <= 0:
                return False
            if turns.takes_part(self._holder):
                turns.wait_for_lock(self._real, left)
            elif self._real.acquire(True, _GLANCE):
                break
        return True

    def release(self) -> None:
        self._holder = None
        self._real.release()

    def locked(self) -> bool:
        return self._real.locked()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class TurnRLock(TurnLock):
    """The re-entrant kind."""

    def __init__(self) -> None:
        super().__init__()
        self._owner: int | None = None
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        me = threading.get_ident()
        if self._owner == me:
            self._count += 1
            return True
        if not super().acquire(blocking, timeout):
            return False
        self._owner, self._count = me, 1
        return True

    def release(self) -> None:
        if self._owner != threading.get_ident():
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count:
            self._owner = None
            super().release()

    # what threading.Condition asks of a lock
    def _is_owned(self) -> bool:
        return self._owner == threading.get_ident()

    def _release_save(self) -> int:
        count, self._count, self._owner = self._count, 0, None
        super().release()
        return count

    def _acquire_restore(self, count: int) -> None:
        super().acquire()
        self._owner, self._count = threading.get_ident(), count


def _model_seconds(turns: Turns) -> float:
    return (turns.now - _EPOCH).total_seconds()


def real_yesterday() -> datetime:
    """Return the midnight before the present day of the real world."""
    today = datetime.fromtimestamp(_time()).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=1)


def _turn_sleep(seconds: float) -> None:
    turns = _mine()
    if turns is None:
        _sleep(seconds)
    else:
        turns.sleep(seconds)


def _turn_time() -> float:
    turns = _mine()
    return _time() if turns is None else _model_seconds(turns)


def _turn_time_ns() -> int:
    turns = _mine()
    return _time_ns() if turns is None else round(_model_seconds(turns) * 1e9)


def _turn_monotonic() -> float:
    turns = _mine()
    return _monotonic() if turns is None else _model_seconds(turns)


def _turn_monotonic_ns() -> int:
    turns = _mine()
    return _monotonic_ns() if turns is None else round(_model_seconds(turns) * 1e9)


_REPLACED: dict[tuple[Any, str], Any] = {
    (threading, "Lock"): TurnLock,
    (threading, "RLock"): TurnRLock,
    (time, "sleep"): _turn_sleep,
    (time, "time"): _turn_time,
    (time, "time_ns"): _turn_time_ns,
    (time, "monotonic"): _turn_monotonic,
    (time, "monotonic_ns"): _turn_monotonic_ns,
}


def _rebind(swap: dict[int, Any]) -> None:
    """Exchange names that modules outside of the standard library took by ``from ... import``."""
    names = {name for _, name in _REPLACED}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        if not file or module.__name__.startswith("engine.livelike") or _foreign(file):
            continue
        space = vars(module)
        for name in names & space.keys():
            other = swap.get(id(space[name]))
            if other is not None:
                space[name] = other


def _foreign(file: str) -> bool:
    return "site-packages" in file or file.startswith(threading.__file__.rsplit("/", 1)[0])


@contextmanager
def turn_taking() -> Iterator[None]:
    """Exchange locks, sleeps and clocks for the length of a run."""
    before = {key: getattr(*key) for key in _REPLACED}
    forward = {id(before[key]): ours for key, ours in _REPLACED.items()}
    back = {id(ours): before[key] for key, ours in _REPLACED.items()}
    for (module, name), ours in _REPLACED.items():
        setattr(module, name, ours)
    _rebind(forward)
    try:
        yield
    finally:
        for (module, name), original in before.items():
            setattr(module, name, original)
        _rebind(back)


def use_turns(turns: Turns | None) -> None:
    """Say whose turns they are now."""
    global _turns
    _turns = turns
