"""The kill switch: durable before it is acknowledged, cleared only by name and reason.

The lock is one record under ``trading.lock`` with its whole history. It is never deleted: a
resume writes a record that says so. Whatever cannot be read as a whole record (an empty file made
by hand, a half-written or altered one, one of a newer version) counts as killed.

In a folder the same records go to ``trading.journal`` first, which takes one flush: a kill is
durable then, and the lock is there for others to see. A kill is in force when lock or journal says
so, a resume when both do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from protection.circuit_breakers.kill_log import KillLog, merged
from protection.contracts.clock import Clock
from protection.contracts.errors import RecoverState, RetryWrite
from protection.contracts.persons import named
from protection.contracts.stores import FullLog, StateStore, pack, pack_damaged, unpack

LOCK_KEY = "trading.lock"
_KIND = "trading-lock"
_VERSION = 1
_WITHOUT = (
    "expected an actor and a reason, was actor {actor!r}, reason {reason!r}; "
    "repeat the call with both"
)


@dataclass(frozen=True, slots=True)
class KillRecord:
    """One action on the switch.

    Attributes
    ----------
    killed : True for a kill, False for a resume
    actor, reason : who and why, never empty
    time : ISO text, UTC
    flatten : whether positions are to be closed
    role, second : of a resume: in which role, and who else agreed
    """

    killed: bool
    actor: str
    reason: str
    time: str
    flatten: bool
    role: str = ""
    second: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionary."""
        told = {
            "killed": self.killed,
            "actor": self.actor,
            "reason": self.reason,
            "time": self.time,
            "flatten": self.flatten,
        }
        return told | {k: v for k in ("role", "second") if (v := getattr(self, k))}


class KillSwitch:
    """State of the lock, in memory and in the store.

    Parameters
    ----------
    store : where the lock is kept
    clock : stamps the records
    """

    def __init__(self, store: StateStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.RLock()
        self._history: list[KillRecord] = []
        self._killed = False
        self._flatten = False
        self._durable = True
        self._text = ""
        self._stamp: object | None = None
        self._log = KillLog(store, LOCK_KEY)
        self._load()

    @property
    def killed(self) -> bool:
        """Whether trading is killed; a plain attribute read, safe from any thread."""
        return self._killed

    @property
    def flatten(self) -> bool:
        """Whether the kill asks to close positions."""
        return self._killed and self._flatten

    @property
    def durable(self) -> bool:
        """Whether the state in memory is the one on the disk."""
        return self._durable

    @property
    def reason(self) -> str:
        """One sentence on why it is killed, else empty."""
        return self._text if self._killed else ""

    @property
    def history(self) -> tuple[KillRecord, ...]:
        """Every kill and resume, oldest first."""
        return tuple(self._history)

    def kill(self, actor: str, reason: str, *, flatten: bool = True) -> KillRecord:
        """Kill: in memory at once, durable when this returns.

        Raises
        ------
        NameActor
            Without actor or reason; nothing has changed then.
        RetryWrite
            When the lock could not be written. Trading IS killed in this process; repeat until
            the call returns, because a restart would not know.
        """
        who, why = named(actor, reason, _WITHOUT)
        self._killed = True  # before the lock: a gate on another thread sees it at once
        with self._lock:
            self._killed = True
            self._flatten = flatten
            record = KillRecord(True, who, why, self._clock.now().isoformat(), flatten)
            self._text = f"killed by {who} at {record.time}: {why}"
            self._history.append(record)
            self._durable = False
            self._write_kill(record)
            return record

    def resume(self, actor: str, reason: str, role: str = "", second: str = "") -> KillRecord:
        """Clear the kill; durable first, in memory after.

        Parameters
        ----------
        actor, reason : who and why
        role, second : kept in the record; who may resume is judged by the system

        Raises
        ------
        NameActor
            Without actor or reason.
        RetryWrite
            When it could not be written; it stays killed then.
        """
        who, why = named(actor, reason, _WITHOUT)
        with self._lock:
            time = self._clock.now().isoformat()
            record = KillRecord(False, who, why, time, False, role, second)
            self._history.append(record)
            try:
                self._log_resume(record)
                self._write()
            except Exception:
                self._history.pop()
                self._durable = False
                self._put_back()
                raise
            self._killed, self._flatten, self._text = False, False, ""
            return record

    def presume_killed(self, reason: str) -> None:
        """Take it as killed without anybody having said so; asks no flattening, writes nothing."""
        with self._lock:
            if not self._killed:
                self._killed, self._flatten, self._text = True, False, reason

    def poll(self) -> bool:
        """Look whether somebody else changed the stored lock; returns :attr:`killed`."""
        try:
            stamp = self._store.stamp(LOCK_KEY)
        except OSError as error:
            self.presume_killed(f"killed: the lock cannot be looked at ({error})")
            return True
        if stamp != self._stamp:
            with self._lock:
                if stamp != self._stamp:
                    self._reload()
        return self._killed

    def _lock_text(self) -> str:
        return _packed([record.as_dict() for record in self._history])

    def _write(self) -> None:
        """Force the lock to the disk."""
        self._store.write(LOCK_KEY, self._lock_text())
        self._durable = True
        self._stamp = self._store.stamp(LOCK_KEY)

    def _write_kill(self, record: KillRecord) -> None:
        """Into the journal and then the lock; without a journal, force the lock itself."""
        try:
            self._log.append(len(self._history) - 1, record.as_dict())
        except RetryWrite as error:
            self._write()
            if isinstance(error, FullLog):
                self._clear_log()
            return
        self._durable = True
        try:
            self._log.lay(self._lock_text())
            self._stamp = self._store.stamp(LOCK_KEY)
        except OSError:
            return  # it is durable; that others cannot see it in the lock stops nobody here

    def _clear_log(self) -> None:
        """Begin the journal anew, now that the lock on the disk holds everything."""
        try:
            self._log.clear()
        except RetryWrite:
            return  # still full: the next kill forces the lock, the next resume tries again

    def _log_resume(self, record: KillRecord) -> None:
        """Enter a resume into the journal, where there is one; put an unreadable one away."""
        if self._log.unreadable:
            self._behind_lock(self._log.retire)
        if not self._log.usable:
            return
        try:
            self._log.append(len(self._history) - 1, record.as_dict())
        except FullLog:
            self._behind_lock(self._log.clear)
            self._log.append(len(self._history) - 1, record.as_dict())

    def _behind_lock(self, change: Callable[[], None]) -> None:
        """Change the journal during a resume, while the lock on the disk says killed."""
        resumed = self._history.pop()
        try:
            self._write()
            change()
        finally:
            self._history.append(resumed)

    def _put_back(self) -> None:
        """Undo a resume that was written but not made durable: journal and lock say killed."""
        if not self._history:
            return  # there is nothing to go back to but an unreadable lock, which was kept
        try:
            if self._log.usable:
                self._log.append(len(self._history) - 1, self._history[-1].as_dict())
            self._write()
        except RetryWrite:
            return  # the resume's own error, which is on its way, tells of the same disk

    def _reload(self) -> None:
        """Take over a lock that changed outside: it can kill, and it can never resume.

        A resume is given through this object, so a stored lock that suddenly says otherwise, or
        that vanished, is not believed.
        """
        was_killed, text, flatten = self._killed, self._text, self._flatten
        had_lock = self._stamp is not None
        self._load()
        if was_killed and not self._killed:
            self._killed, self._text, self._flatten = True, text, flatten
        elif had_lock and self._stamp is None:
            self.presume_killed("killed: the stored lock has vanished")

    def _load(self) -> None:
        try:
            self._stamp = self._store.stamp(LOCK_KEY)
            history = self._stored()
        except (RecoverState, OSError) as error:
            self.presume_killed(f"killed: the stored lock is unreadable ({error})")
            return
        if not history:
            return
        last = history[-1]
        self._history = history
        self._killed, self._flatten = last.killed, last.killed and last.flatten
        self._text = f"killed by {last.actor} at {last.time}: {last.reason}" if last.killed else ""

    def _stored(self) -> list[KillRecord]:
        """History of lock and journal; the last record is in force.

        Raises
        ------
        RecoverState
            When one of them is unreadable.
        OSError
            When they cannot be looked at.
        """
        log = self._log.read()
        text = self._store.read(LOCK_KEY)
        try:
            locked = []
            if text is not None:
                locked = [_record(entry) for entry in unpack(text, _KIND, _VERSION)["history"]]
                if not locked:
                    raise RecoverState("it holds no record")
            return merged(locked, [(int(entry["index"]), _record(entry)) for entry in log])
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(f"expected records of kills and resumes: {error!r}") from error

    def evidence(self) -> str | None:
        """Lock and journal as one lock that comes up the same; None where nothing is stored."""
        try:
            text = self._store.read(LOCK_KEY)
        except RecoverState:
            return None
        alone = _lines(text)
        try:
            lines = [record.as_dict() for record in self._stored()]
        except (RecoverState, OSError) as error:
            return text if alone is None else pack_damaged(_KIND, _VERSION, str(error))
        return text if lines == alone else _packed(lines)


def _lines(text: str | None) -> list[Any] | None:
    """Records of a lock; none of a lock that is not there, None of one that cannot be read."""
    try:
        return [] if text is None else list(unpack(text, _KIND, _VERSION)["history"])
    except (RecoverState, KeyError, TypeError):
        return None


def _packed(lines: list[dict[str, Any]]) -> str:
    return pack(_KIND, _VERSION, {"history": lines})


def _record(entry: Any) -> KillRecord:
    return KillRecord(
        bool(entry["killed"]),
        str(entry["actor"]),
        str(entry["reason"]),
        str(entry["time"]),
        bool(entry["flatten"]),
        str(entry.get("role", "")),
        str(entry.get("second", "")),
    )


def lock_text(actor: str, reason: str, time: datetime, *, flatten: bool = True) -> str:
    """Text of a lock that kills, for programs that write ``trading.lock`` themselves.

    Raises
    ------
    NameActor
        Without actor or reason.
    """
    who, why = named(actor, reason, _WITHOUT)
    record = KillRecord(True, who, why, time.isoformat(), flatten)
    return pack(_KIND, _VERSION, {"history": [record.as_dict()]})
