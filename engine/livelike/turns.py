"""Real threads that take turns: a seeded scheduler decides who goes on, and when model time moves.

Exactly one actor runs at any moment; it gives the turn away at yield points (calls into LEAN,
waits, sleeps, contended locks). Who is next is drawn from a seeded generator among the actors that
can go on, so that an interleaving is the same each time. When nobody can go on, model time jumps to
the next moment somebody waits for.
"""

from __future__ import annotations

import random
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import FrameType
from typing import Any

from engine.types.errors import EngineError

_REAL_LOCK = threading.Lock
_ENGINE = __file__.rsplit("/", 2)[0]
_STANDARD = random.__file__.rsplit("/", 1)[0]
#: an actor that waits longer than this for a lock, in model time, will never get it
_LOCK_PATIENCE = timedelta(hours=1)
_FAR = datetime(9000, 1, 1)

Due = Callable[[], "datetime | None"]


class Deadlock(EngineError):
    """Threads wait for each other; the message says which, and where."""


class Over(SystemExit):
    """Unwinds an idle thread of a run that has ended; refuses the calls of threads left over."""


class Actor:
    """A thread that takes part."""

    __slots__ = ("due", "idle", "lock", "name", "since", "test", "thread", "until", "wake")

    def __init__(self, name: str) -> None:
        self.name = name
        self.thread: threading.Thread | None = None
        self.wake = _REAL_LOCK()
        self.wake.acquire()
        self.until: datetime | None = None
        self.due: Due | None = None
        self.test: Callable[[], bool] | None = None
        self.lock: Any = None
        self.since: datetime | None = None
        self.idle = False

    def can_go(self, now: datetime) -> bool:
        """Tell whether this actor waits for nothing any more."""
        if self.lock is not None and not self.lock.locked():
            return True
        if self.test is not None and self.test():
            return True
        moment = self.moment()
        if moment is not None:
            return moment <= now
        return self.lock is None and self.test is None and self.due is None

    def moment(self) -> datetime | None:
        """Return the model time at which this actor goes on by itself."""
        if self.due is not None:
            return self.due()
        return self.until

    def forget(self) -> None:
        """Wait for nothing."""
        self.until = self.due = self.test = self.lock = self.since = None
        self.idle = False


class Turns:
    """The scheduler of one life of an algorithm.

    Parameters
    ----------
    rng : random.Random
        Draws who is next.
    now : datetime
        Model time (naive UTC) at the start.
    preempt : float
        Probability that a line of the user's code gives the turn away, in [0, 1).
    """

    def __init__(self, rng: random.Random, now: datetime, preempt: float = 0.0) -> None:
        self.rng = rng
        self.now = now
        self.preempt = preempt
        self.switches = 0
        self.failure: BaseException | None = None
        self.finished = threading.Event()
        self.over = False
        self._actors: list[Actor] = []
        self._by_thread: dict[int, Actor] = {}
        self._arrivals: deque[Actor] = deque()
        self._held = 0
        self._free = True
        self._door = _REAL_LOCK()
        self._own: dict[str, bool] = {}

    # -- actors --------------------------------------------------------------------------------

    def spawn(self, name: str, body: Callable[[], None]) -> Actor:
        """Start a thread; it gets its first turn when the scheduler draws it."""
        actor = Actor(name)

        def run() -> None:
            from engine.types.decimals import use_lean_context

            actor.wake.acquire()
            use_lean_context()
            if self.preempt:
                sys.settrace(self._trace)
            try:
                body()
            except Over:
                return
            except BaseException as error:
                self._fail(error)
                self._park(actor)
            finally:
                sys.settrace(None)
            self._leave(actor)

        thread = threading.Thread(target=run, name=name, daemon=True)
        actor.thread = thread
        self._actors.append(actor)
        thread.start()
        assert thread.ident is not None
        self._by_thread[thread.ident] = actor
        return actor

    def begin(self) -> None:
        """Give the first turn away; called by the thread that waits for the end."""
        self._free = False
        self._pick().wake.release()

    def current(self) -> Actor | None:
        """Return the actor of this thread, ``None`` for a thread of the user's own."""
        return self._by_thread.get(threading.get_ident())

    def takes_part(self, ident: int | None) -> bool:
        """Tell whether a thread takes turns at this moment, or lives in real time."""
        return ident in self._by_thread

    @contextmanager
    def guest(self, name: str) -> Iterator[None]:
        """Let a thread of the user's own take part for the length of a call into LEAN."""
        actor = self.current()
        if actor is not None:
            self.give_way()
            yield
            return
        if self.over:
            raise Over
        actor = Actor(f"guest {name}")
        self._by_thread[threading.get_ident()] = actor
        self._arrivals.append(actor)
        actor.wake.acquire()
        from engine.types.decimals import use_lean_context

        use_lean_context()
        try:
            yield
        finally:
            self._leave(actor)

    # -- giving the turn away ------------------------------------------------------------------

    def give_way(self) -> None:
        """Let others go first, if the draw says so."""
        actor = self.current()
        if actor is not None and not self._held:
            self._switch(actor)

    def wait(
        self,
        until: datetime | None = None,
        test: Callable[[], bool] | None = None,
        due: Due | None = None,
        idle: bool = False,
    ) -> None:
        """Wait for a model time, a condition or whichever comes first."""
        actor = self.current()
        if actor is None:
            return
        actor.until, actor.test, actor.due, actor.idle = until, test, due, idle
        self._switch(actor)
        actor.forget()

    def sleep(self, seconds: float) -> None:
        """Wait in model time."""
        self.wait(until=self.now + timedelta(seconds=max(0.0, seconds)))

    def wait_for_lock(self, lock: Any, seconds: float = -1) -> None:
        """Wait until a lock is free or the time is over."""
        actor = self.current()
        assert actor is not None
        actor.lock, actor.since = lock, self.now
        if seconds >= 0:
            actor.until = self.now + timedelta(seconds=seconds)
        self._switch(actor)
        actor.forget()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let nobody in between: what LEAN does under its own locks."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    # -- the draw ------------------------------------------------------------------------------

    def _switch(self, actor: Actor) -> None:
        self.switches += 1
        held, self._held = self._held, 0
        try:
            chosen = self._pick()
        except BaseException as error:
            self._fail(error)
            self._park(actor)
            return
        if chosen is not actor:
            chosen.wake.release()
            actor.wake.acquire()
        if self.over:
            self._park(actor)
        self._held = held

    def _pick(self) -> Actor:
        """Draw who is next; move model time when nobody can go on."""
        while True:
            while self._arrivals:
                self._actors.append(self._arrivals.popleft())
            ready = [actor for actor in self._actors if actor.can_go(self.now)]
            if ready:
                chosen = ready[0] if len(ready) == 1 else self.rng.choice(ready)
                return chosen
            moments = [m for a in self._actors if (m := a.moment()) is not None]
            if not moments or min(moments) > _FAR:
                raise Deadlock(f"nothing can go on any more: {self.describe()}")
            self.now = min(moments)
            for actor in self._actors:
                if actor.since is not None and self.now - actor.since > _LOCK_PATIENCE:
                    raise Deadlock(f"{actor.name} never gets a lock: {self.describe()}")

    def _leave(self, actor: Actor) -> None:
        self._by_thread.pop(threading.get_ident(), None)
        if actor in self._actors:
            self._actors.remove(actor)
        if self.over or not self._actors:
            return
        try:
            self._pick().wake.release()
        except BaseException as error:
            self._fail(error)

    def _park(self, actor: Actor) -> None:
        """Stop this thread for good; an idle one unwinds, one inside the user's code stays still.

        Unwinding would run the user's ``finally`` and ``except`` after the death of the process.
        """
        if actor.idle:
            raise Over
        sys.settrace(None)
        while True:
            actor.wake.acquire()

    # -- the end -------------------------------------------------------------------------------

    def _fail(self, error: BaseException) -> None:
        if self.failure is None:
            self.failure = error
        self.finish()

    def finish(self) -> None:
        """End the life: nobody gets a turn any more."""
        if not self.over:
            self.over = True
            for actor in self._actors:
                if actor.idle and actor is not self.current():
                    actor.wake.release()
            self.finished.set()

    def die(self) -> None:
        """End the life from an actor's thread, which never returns from here."""
        self.finish()
        actor = self.current()
        if actor is not None:
            actor.idle = False
            self._park(actor)

    def describe(self) -> str:
        """Say where everybody stands."""
        frames = sys._current_frames()
        lines = []
        for actor in self._actors:
            ident = None if actor.thread is None else actor.thread.ident
            frame = frames.get(ident or 0)
            where = "" if frame is None else _place(frame)
            what = "waits for a lock" if actor.lock is not None else "waits"
            lines.append(f"{actor.name} {what}{where}")
        return "; ".join(lines)

    # -- giving the turn away inside the user's code -------------------------------------------

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        file = code.co_filename
        own = self._own.get(file)
        if own is None:
            own = self._own[file] = not (
                file.startswith((_ENGINE, _STANDARD, "<")) or "site-packages" in file
            )
        # never inside an import: its lock is not ours
        if not own or code.co_name == "<module>":
            return None
        return self._line

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and not self.over and self.rng.random() < self.preempt:
            self.give_way()
        return self._line


def _place(frame: FrameType) -> str:
    """Return the innermost line of a stack that is not the scheduler's own."""
    for entry in reversed(traceback.extract_stack(frame)):
        if not entry.filename.endswith(("turns.py", "locks.py", "threading.py")):
            return f" at {entry.filename.rsplit('/', 1)[-1]}:{entry.lineno} in {entry.name}"
    return ""
