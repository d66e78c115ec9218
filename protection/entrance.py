"""Observations through the door: what is refused moves no meter and is said once.

:class:`Entrance` stands between :class:`protection.assembly.Assembly` and
:class:`protection.system.ProtectionSystem`, and works only where ``admission.door.mode`` is on.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, Any

from protection.assembly import Assembly
from protection.blockchain.trail import Trail
from protection.circuit_breakers.board import symbol_scope
from protection.circuit_breakers.watch import SymbolWatch
from protection.contracts.actions import Action, Event
from protection.contracts.errors import FixInput, RetryWrite
from protection.contracts.passage import Passage
from protection.contracts.records import Admission, Bar, Quote, Trade

if TYPE_CHECKING:
    from protection.admission.door import Admission as Door
    from protection.admission.doorway import Doorway


class Entrance(Assembly):
    """Assembly whose observations may have to pass a door."""

    @property
    def door(self) -> Door | None:
        """The door for data, with its counters, quarantine and operators' calls; None when off.

        What an operator releases from its quarantine goes to the caller and moves no meter: by then
        it is old.
        """
        return None if self._doorway is None else self._doorway.door

    def _describe_door(self) -> list[str]:
        if self._doorway is None:
            return []
        registry = self._doorway.door.registry
        signed = sum(1 for source in registry if source.keys)
        return [
            f"door: {len(registry)} sources, {signed} of them sign; what is refused moves no "
            "meter, and denies adding where no good price of the symbol is as new"
        ]

    @abstractmethod
    def _observe(self, record: Any) -> Admission:
        """Take in a record that may pass."""

    def _observe_through(
        self, doorway: Doorway, observation: Any, warm_up: bool, passage: Passage | None
    ) -> Admission:
        with self._turn:
            self.counters["observed"] += 1
            self._warming = warm_up
            price: Bar | Quote | Trade | None = observation
            recorded = True
            try:
                if passage is None:
                    price, passage = doorway.ask(observation)
                if passage.cause:
                    recorded = self._refuse(doorway, price, passage)
                    answer = Admission(False, f"{passage.cause}: {passage.reason}")
                else:
                    answer = self._let_in(price, passage)
            except Exception as error:
                self._internal("observe", error)
                answer = Admission(False, f"internal error: {error!r}")
            self._warming = False
            if self._trail is not None and recorded:
                self._told(Trail.observed, price, answer, warm_up, passage)
            now = self._clock.now()
            if doorway.due is None or now >= doorway.due:
                self._store_door(doorway, now)
            return answer

    def _let_in(self, price: Bar | Quote | Trade | None, passage: Passage) -> Admission:
        self.counters["door.admitted"] += 1
        for each in passage.released:
            watch = self._watches.get(each.symbol)
            if watch is None or watch.time is None or each.time > watch.time:
                self.counters["door.released"] += 1
                self._observe(each)
        if price is None:  # several figures at once: there is no meter for them
            return Admission(True, weight=passage.weight)
        answer = self._observe(price)
        return Admission(True, "", passage.weight) if answer.accepted else answer

    def _refuse(
        self, doorway: Doorway, price: Bar | Quote | Trade | None, passage: Passage
    ) -> bool:
        """Count it, say it once, and deny adding where it leaves the price unknown.

        Returns
        -------
        whether it is recorded: of what anybody could have sent only the first is
        """
        from protection.admission.doorway import IMPOSSIBLE, REPEATED

        cause, now = passage.cause, self._clock.now()
        self.counters["door.refused"] += 1
        self.counters[f"door.{cause}"] += 1
        first = doorway.first(passage)
        if first and cause not in REPEATED:
            who = passage.source if passage.genuine else "nobody known"
            text = f"{cause} from {who}: {passage.reason}"
            self._emit(Event(now, "door", f"source:{who}", "open", "refused", text))
        if not passage.genuine:
            return first
        if cause in REPEATED:
            return True
        if price is None or not isinstance(price.symbol, str):
            self._internal("observe", FixInput(f"{cause}: {passage.reason}"))
            return True
        symbol, settings = price.symbol, self.settings
        watch = self._watches.get(symbol)
        if watch is None:
            watch = self._watches[symbol] = SymbolWatch(symbol, settings.volatility, settings.flash)
        if cause not in IMPOSSIBLE and _as_new(watch, price, doorway):
            return True
        watch.fault = f"{cause}: {passage.reason}"
        text = f"data of {symbol}: {watch.fault}; adding denied"
        self._board.set_fault("data", Action.FREEZE, text, now, symbol_scope(symbol))
        return True

    def _enter_session(self, doorway: Doorway, now: datetime) -> None:
        doorway.enter()
        self._store_door(doorway, now)

    def _store_door(self, doorway: Doorway, now: datetime) -> None:
        doorway.due = now + doorway.every
        try:
            doorway.door.save()
        except (RetryWrite, FixInput) as error:
            self.counters["store_errors"] += 1
            self._board.set_fault("door", Action.FREEZE, f"{error}; adding denied", now)
        else:
            self._board.clear_fault("door", now, "what the door remembers is stored again")


def explained(observation: Any, error: Exception) -> Exception:
    """The error, or what to write where an envelope came to a system without a door."""
    from protection.admission.envelope import Envelope

    if not isinstance(observation, Envelope):
        return error
    return FixInput("expected a record, was an Envelope; write admission.door.mode = on")


def _as_new(watch: SymbolWatch, price: Bar | Quote | Trade, doorway: Doorway) -> bool:
    """Whether the last good price of the symbol is about as new as a refused one."""
    known, time = watch.time, price.time
    return known is not None and time.tzinfo is not None and time - known <= doorway.patience
