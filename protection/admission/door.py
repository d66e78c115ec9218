"""The one door: every observation is admitted, quarantined or rejected, and counted.

::

    registry = SourceRegistry(Source("feed", cadence_seconds=60.0))
    admission = Admission(registry, clock=clock, store=store)
    outcome = admission.decide(Envelope("feed", bar))

Order of the questions: who sent it (source, ban, signature, sequence and nonce), how much it
sends (rate, quota), what it says (possible, timely, in order, new), whether it fits (outlier,
consensus, noise), and whether too much comes from one owner. ``decide`` never raises; what goes
wrong inside rejects the observation.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

from protection.admission.concentration import Concentration, Shares
from protection.admission.crowd import Crowd
from protection.admission.envelope import (
    EPOCH,
    Admitted,
    Cause,
    Envelope,
    Outcome,
    Quarantined,
    Rejected,
    Sample,
    canonical,
)
from protection.admission.feed import Feed, Finding, impossible
from protection.admission.quarantine import Held, Quarantine
from protection.admission.registry import Source, SourceRegistry
from protection.admission.sequence import Arrival
from protection.admission.state import FeedHealth, SourceState, load_into, snapshot_of
from protection.contracts.admission_settings import AdmissionSettings
from protection.contracts.clock import Clock
from protection.contracts.counters import Counters
from protection.contracts.errors import FixInput, RecoverState, RetryWrite
from protection.contracts.persons import named
from protection.contracts.records import Bar, Quote, Trade
from protection.contracts.stores import StateStore, StateVault

STATE_KEY = "admission.state"
STATE_KIND = "admission-state"
STATE_VERSION = 1
FRESH_SECONDS = 3600.0
_REORDERED = ("reordered",)
_GAP = ("gap",)


class Admission:
    """Decides about every observation, on any thread.

    Parameters
    ----------
    registry : who may send, with keys; the lists in it are stored here
    settings : thresholds; the defaults when None
    clock : the host's time
    store : durable state, taken over at once; None keeps it in memory only. Operator actions and
        automatic bans are stored before the call returns, everything else at :meth:`save`

    Attributes
    ----------
    counters : outcomes: ``admitted`` and every cause by name
    """

    def __init__(
        self,
        registry: SourceRegistry,
        settings: AdmissionSettings | None = None,
        *,
        clock: Clock,
        store: StateStore | None = None,
    ) -> None:
        self.registry = registry
        self.settings = settings = settings if settings is not None else AdmissionSettings()
        self.counters = Counters()
        self.quarantine = Quarantine(settings.quarantine)
        self.concentration = Concentration(settings.concentration)
        self._clock = clock
        self._lock = RLock()
        self._states: dict[str, SourceState] = {}
        self._parked: dict[str, SourceState] = {}  # restored or removed, not registered now
        self._crowds: dict[str, Crowd] = {}
        self._released: list[Admitted] = []
        self._revision, self._owners, self._crowded = -1, 0, False
        self._quality, self._suspect = settings.quality, settings.trust.suspect
        self._future = timedelta(seconds=settings.quality.future_seconds)
        self._vault = (
            None if store is None else StateVault(store, STATE_KEY, STATE_KIND, STATE_VERSION)
        )
        self._unsaved = False
        self._sealed = ""
        if self._vault is not None:
            try:
                stored = self._vault.load()
                if stored is not None:
                    self.restore(stored)
            except RecoverState as error:
                self._sealed = str(error)
                self._vault.seal()

    # ------------------------------------------------------------------ the door

    def decide(self, envelope: Envelope) -> Outcome:
        """Admit, quarantine or reject one observation; never raises.

        An ``Admitted`` carries the trust weight; a ``Quarantined`` a ticket for :meth:`release`.
        """
        with self._lock:
            try:
                outcome = self._decide(envelope)
            except (TypeError, ValueError, AttributeError, OverflowError) as error:
                outcome = Rejected(Cause.INVALID, f"not to be read: {error!r}"[:300])
            except Exception as error:
                outcome = Rejected(Cause.INTERNAL, f"internal error: {error!r}"[:300])
            if isinstance(outcome, Admitted):
                self.counters["admitted"] += 1
            else:
                self.counters[outcome.cause._value_] += 1
            return outcome

    def _decide(self, envelope: Envelope) -> Outcome:
        if type(envelope) is not Envelope:
            kind = type(envelope).__name__
            return Rejected(Cause.UNKNOWN_INPUT, f"expected an Envelope, was {kind}")
        if self._sealed:
            return Rejected(Cause.INTERNAL, f"stored state is unreadable: {self._sealed}")
        now = self._clock.now()
        if self.registry.revision != self._revision:
            self._revise()
        state = self._states.get(envelope.source) or self._first(envelope.source)
        if state is None:
            return Rejected(Cause.UNKNOWN_SOURCE, f"unknown source {envelope.source!r:.80}")
        if state.banned:
            entry = self.registry.listed(self.registry.banned, envelope.source, now)
            if entry is not None:
                return Rejected(Cause.BANNED, f"banned by {entry.actor}: {entry.reason}")

        # Who: nothing before the signature holds may count against the source.
        sequence = envelope.sequence
        arrival = Arrival.NEXT
        if state.keys:
            failure = _forged(envelope, state)
            if failure is not None:
                return failure
        received = envelope.received
        if received is None:
            received = now
        seconds = ((received if received < now else now) - EPOCH).total_seconds()
        if sequence is not None:
            nonce = envelope.nonce
            if not state.keys and (
                type(sequence) is not int or sequence < 0 or type(nonce) is not bytes
            ):
                text = f"expected a sequence from 0 and bytes as nonce, was {sequence!r:.80}"
                return self._reject(state, seconds, Cause.INVALID, text)
            arrival = state.window.take(sequence, nonce)
            if arrival is Arrival.REPLAY or arrival is Arrival.TOO_OLD:
                text = f"sequence {sequence}, highest {state.window.highest}: "
                return self._reject(
                    state, seconds, Cause.REPLAY, text + f"{arrival.value} or nonce seen"
                )

        # How much.
        if not state.bucket.take(seconds):
            return self._reject(state, seconds, Cause.RATE, "no token left in the source's bucket")
        quota = state.quota
        if quota is not None and not quota.take(seconds):
            return self._reject(state, seconds, Cause.QUOTA, "the owner's quota is used up")

        # What.
        record = envelope.record
        symbol = record.symbol
        feed = state.feeds.get(symbol)
        finding = impossible(record)
        if finding is None:
            event = record.time
            limit = state.stale
            # the usual case costs three comparisons
            if not event <= received <= now or (limit is not None and now - event > limit):
                finding = self._untimely(event, received, now, state)
        if finding is not None:
            return self._reject(state, seconds, *finding)
        if feed is None:
            if len(state.feeds) >= self.settings.quality.symbols or type(symbol) is not str:
                return self._reject(state, seconds, Cause.INVALID, "no such or too many symbols")
            feed = Feed(self.settings)
        if feed.event is not None and not record.time > feed.event:
            finding = feed.order(record, sequence is not None)
            if finding is not None:
                return self._reject(state, seconds, *finding)
        if isinstance(record, Bar) and feed.silent(record):
            return Rejected(Cause.SILENCE, "repeats the last bar: nobody traded")

        # Whether it fits.
        notes = () if arrival is Arrival.NEXT else _GAP if arrival is Arrival.GAP else _REORDERED
        if isinstance(record, Sample):
            z, worst = feed.deviation(record.values), self.settings.quality.outlier_z
            state.feeds[symbol] = feed
            feed.mark(record, received)
            feed.take_sample(record)
            if worst is not None and z > worst:
                text = f"a component lies {z:.1f} scales from its median"
                return self._hold(envelope, state, seconds, now, Cause.OUTLIER, text)
        else:
            if isinstance(record, Trade):
                price = record.price
            elif isinstance(record, Quote):
                price = 0.5 * (record.bid + record.ask)
            else:
                price = record.close
            crowd = self._crowds.get(symbol)
            if crowd is None:
                crowd = self._crowds[symbol] = Crowd()
            state.feeds[symbol] = feed
            feed.mark(record, received)
            misfit = self._misfit(feed, crowd, state, price, seconds)
            if misfit is not None:
                if misfit[0] is Cause.CONSENSUS or not self._confirmed(
                    feed, crowd, state, price, seconds
                ):
                    held = self._hold(envelope, state, seconds, now, *misfit)
                    if misfit[0] is Cause.OUTLIER:
                        crowd.wait(state.owner, price, held.ticket)
                    return held
                notes = (*notes, "confirmed")
                self._free(crowd, seconds)
            feed.take(price, misfit is not None)
            if feed.noisy():
                ratio = feed.noise.ratio
                text = f"signal-to-noise ratio {ratio:.3f} is below {self.settings.noise.ratio:g}"
                return self._hold(envelope, state, seconds, now, Cause.NOISE, text)
            crowd.prices[state.owner] = (price, seconds)

        trust = state.trust
        if state.suspicious or trust.good < self._suspect * (trust.good + trust.bad):
            entry = self.registry.listed(self.registry.suspicious, envelope.source, now)
            if entry is not None or trust.score < self._suspect:
                trust.praise(seconds)
                text = f"{entry.actor}: {entry.reason}" if entry else trust.explain()
                return self._hold(envelope, state, seconds, now, Cause.SUSPICIOUS, text)
        shares = self.concentration
        if self._crowded and shares.waits(state.owner, self._owners):
            text = f"index {shares.hhi:.3f}: {state.owner} is {shares.share(state.owner):.0%}"
            return self._hold(envelope, state, seconds, now, Cause.CONCENTRATION, text)
        shares.add(state.owner, seconds)
        return Admitted(envelope, trust.praise(seconds), notes)

    # ------------------------------------------------------------------ questions

    def _first(self, name: str) -> SourceState | None:
        source = self.registry.get(name)
        if source is None:
            return None
        state = self._parked.pop(name, None)
        if state is None:
            state = SourceState(source, self.settings, self._quota_of(source))
        else:
            state.adopt(source, self.settings)
        state.list(self.registry)
        self._states[name] = state
        return state

    def _quota_of(self, source: Source) -> Any:
        owner = source.owner or source.name
        for state in self._states.values():
            if state.owner == owner:
                return state.quota
        return None

    def _revise(self) -> None:
        """Sources or lists have changed: take over keys, owners and marks."""
        self._revision = self.registry.revision
        self._owners = self.registry.owners()
        self._crowded = self.concentration.attainable(self._owners)
        for name, state in list(self._states.items()):
            source = self.registry.get(name)
            if source is None:
                self._parked[name] = self._states.pop(name)
            else:
                state.adopt(source, self.settings)
                state.list(self.registry)

    def _untimely(
        self, event: datetime, received: datetime, now: datetime, state: SourceState
    ) -> Finding | None:
        if received > now + self._future:
            return Cause.FUTURE, f"received {received.isoformat()}, after {now.isoformat()}"
        if event > received + self._future:
            return Cause.FUTURE, f"event {event.isoformat()}, received {received.isoformat()}"
        limit = state.stale
        if limit is None or now - event <= limit:
            return None
        hours, seconds = state.source.hours, limit.total_seconds()
        if now - received > limit and hours.open_seconds(received, now) > seconds:
            return Cause.STALE_RECEIPT, f"received {received.isoformat()}, over {seconds:g} s ago"
        if hours.open_seconds(event, now) > seconds:
            return Cause.STALE_EVENT, f"event {event.isoformat()}, over {seconds:g} open s ago"
        return None

    def _misfit(
        self,
        feed: Feed,
        crowd: Crowd,
        state: SourceState,
        price: float,
        seconds: float,
    ) -> Finding | None:
        """Does the price fit the feed's own past and what the other owners say?"""
        quality = self._quality
        limit = quality.outlier_z
        z = feed.jump(price, state.pace)
        if limit is not None and z > limit:
            alone = self._owners < 2
            if alone or not crowd.join(state.owner, price, limit * feed.scale):
                return Cause.OUTLIER, f"the return is {z:.1f} times the usual move"
        bound = quality.consensus_z
        if self._owners >= quality.consensus_sources and bound is not None:
            if crowd.left > 0 and abs(price / crowd.middle - 1.0) <= 0.5 * bound * feed.scale:
                crowd.left -= 1  # half way inside of a median one round old: no need to look
                return None
            others = crowd.others(state.owner, seconds - (state.fresh or FRESH_SECONDS))
            if len(others) + 1 >= quality.consensus_sources:
                middle = others[(len(others) - 1) // 2]
                crowd.middle, crowd.left = middle, len(others)
                distance = abs(math.log(price / middle)) / feed.scale
                if distance > bound and len(feed.returns) >= quality.outlier_minimum:
                    return (
                        Cause.CONSENSUS,
                        f"{distance:.1f} scales from the median of {len(others)} other owners",
                    )
        return None

    def _confirmed(
        self, feed: Feed, crowd: Crowd, state: SourceState, price: float, seconds: float
    ) -> bool:
        """Whether enough owners have seen the new level often enough, this time included."""
        settings, quality = self.settings.quarantine, self.settings.quality
        limit = quality.outlier_z or math.inf
        waiting = crowd.near(price, limit * feed.scale)
        owners = {owner for owner, _, _ in waiting} | {state.owner}
        since = seconds - (state.fresh or FRESH_SECONDS)
        watchers = len(crowd.others(state.owner, since)) + 1
        need = min(watchers, max(settings.owners, watchers // 2 + 1))
        return len(waiting) + 1 >= settings.confirmations and len(owners) >= need

    def _free(self, crowd: Crowd, seconds: float) -> None:
        """The level is confirmed: what waited for it is admitted, see :meth:`drain`."""
        for owner, price, ticket in crowd.pending:
            crowd.prices[owner] = (price, seconds)
            held = self.quarantine.pop(ticket)
            if held is not None:
                state = self._states.get(held.envelope.source)
                if state is not None:
                    state.trust.excuse(held.cause)
                weight = state.trust.weight if state is not None else self.settings.trust.floor
                self._released.append(Admitted(held.envelope, weight, ("confirmed",)))
                self.counters["confirmed"] += 1
        crowd.pending = []

    # ------------------------------------------------------------------ outcomes

    def _reject(self, state: SourceState, seconds: float, cause: Cause, reason: str) -> Rejected:
        state.counters[cause] += 1
        self._blame(state, cause, seconds)
        return Rejected(cause, reason)

    def _hold(
        self,
        envelope: Envelope,
        state: SourceState,
        seconds: float,
        now: datetime,
        cause: Cause,
        reason: str,
    ) -> Quarantined:
        state.counters[cause] += 1
        self._blame(state, cause, seconds)
        ticket = self.quarantine.hold(envelope, cause, reason, now)
        return Quarantined(envelope, cause, reason, ticket)

    def _blame(self, state: SourceState, cause: Cause, seconds: float) -> None:
        trust, limit = state.trust, self.settings.trust.ban
        trust.blame(cause, seconds)
        if trust.score < limit and not state.banned:
            name = state.source.name
            self.registry.ban(
                name, actor="admission", reason=trust.explain(), now=self._clock.now()
            )
            state.banned = True
            self._keep()

    # ------------------------------------------------------------------ operators

    def release(self, ticket: int, *, actor: str, reason: str) -> Admitted | None:
        """Admit an observation out of quarantine; None when the ticket is gone.

        Raises
        ------
        NameActor
            Without actor or reason.
        RetryWrite
            When the new state could not be stored.
        """
        named(actor, reason)
        with self._lock:
            held = self.quarantine.pop(ticket)
            if held is None:
                return None
            self.counters["released"] += 1
            state = self._states.get(held.envelope.source)
            weight = state.trust.weight if state is not None else self.settings.trust.floor
            self._store()
            return Admitted(held.envelope, weight, (f"released by {actor}: {reason}",))

    def discard(self, ticket: int, *, actor: str, reason: str) -> Held | None:
        """Drop an observation from quarantine for good; None when the ticket is gone.

        Raises
        ------
        NameActor
            Without actor or reason.
        RetryWrite
            When the new state could not be stored.
        """
        named(actor, reason)
        with self._lock:
            held = self.quarantine.pop(ticket)
            if held is not None:
                self.counters["discarded"] += 1
                self._store()
            return held

    def drain(self) -> tuple[Admitted, ...]:
        """Observations that confirmation has freed since the last call, oldest first."""
        with self._lock:
            released, self._released = tuple(self._released), []
            return released

    def ban(self, name: str, *, actor: str, reason: str, until: datetime | None = None) -> None:
        """Refuse a source from now on; durable when it returns.

        Raises
        ------
        NameActor
            Without actor or reason.
        RetryWrite
            When it could not be stored; it is in force all the same.
        """
        with self._lock:
            self.registry.ban(name, actor=actor, reason=reason, now=self._clock.now(), until=until)
            self._store()

    def pardon(self, name: str, *, actor: str, reason: str) -> None:
        """Lift ban and suspicion and set the trust back to its prior.

        Raises
        ------
        NameActor
            Without actor or reason.
        RetryWrite
            When it could not be stored.
        """
        with self._lock:
            self.registry.unban(name, actor=actor, reason=reason)
            self.registry.clear(name, actor=actor, reason=reason)
            state = self._states.get(name)
            if state is not None:
                state.forgive(self.settings)
            self._store()

    # ------------------------------------------------------------------ reading

    def trust(self, name: str) -> float:
        """Present score of a source; its prior when nothing came yet."""
        with self._lock:
            prior = self.settings.trust
            state = self._states.get(name)
            if state is None:
                return prior.prior_good / (prior.prior_good + prior.prior_bad)
            return state.trust.score

    def explain(self, name: str) -> str:
        """One sentence on a source: trust, what speaks against it, missing sequences, counts."""
        with self._lock:
            state = self._states.get(name)
            if state is None:
                known = self.registry.get(name) is not None
                return f"{name}: {'nothing received yet' if known else 'not registered'}"
            return f"{name}: {state.trust.explain()}; missing {state.window.missing}"

    def shares(self) -> tuple[Shares | None, str]:
        """Concentration of the intake and one sentence about it."""
        with self._lock:
            return self.concentration.reading(self.registry.owners())

    def health(self) -> tuple[FeedHealth, ...]:
        """Age of every feed in open time; a copy of an old bar has made none of them younger."""
        with self._lock:
            now = self._clock.now()
            return tuple(
                state.health(symbol, feed, now)
                for state in self._states.values()
                for symbol, feed in state.feeds.items()
            )

    # ------------------------------------------------------------------ state

    def snapshot(self) -> dict[str, Any]:
        """Everything a restart needs, as plain data."""
        with self._lock:
            return snapshot_of(
                {**self._parked, **self._states},
                self._crowds,
                self.registry,
                self.quarantine,
                self.concentration,
                self.counters,
                self._released,
            )

    def restore(self, stored: dict[str, Any]) -> None:
        """Take over what :meth:`snapshot` gave; sources that are no longer registered wait.

        Raises
        ------
        RecoverState
            When it is not such a snapshot.
        """
        with self._lock:
            self._parked.clear()
            try:
                self._released = load_into(
                    stored,
                    self._states,
                    self._crowds,
                    self.registry,
                    self.quarantine,
                    self.concentration,
                    self.counters,
                    self.settings,
                )
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise RecoverState(
                    f"expected the stored state of the admission, could not read it: {error!r}"
                ) from error
            self._revise()

    def save(self) -> bool:
        """Store the present state; False without a store or while it is sealed.

        Raises
        ------
        RetryWrite
            When it could not be made durable.
        """
        with self._lock:
            if self._vault is None:
                return False
            done = self._vault.save(self.snapshot())
            self._unsaved = False
            return done

    @property
    def unsaved(self) -> bool:
        """Whether an automatic ban could not be stored: repeat :meth:`save`."""
        return self._unsaved

    def recover(self, *, actor: str, reason: str) -> None:
        """Start afresh although the stored state is unreadable; the text is kept as evidence.

        Raises
        ------
        NameActor
            Without actor or reason.
        RetryWrite
            When the evidence or the new state could not be stored; the door stays shut.
        """
        named(actor, reason)
        with self._lock:
            if self._vault is not None and self._sealed:
                self._vault.release()
                self._sealed = ""
                self.save()

    def _store(self) -> None:
        if self._vault is not None:
            self._unsaved = True
            self.save()

    def _keep(self) -> None:
        """Store out of ``decide``, which must not raise: a failure is remembered and counted."""
        try:
            self._store()
        except (RetryWrite, FixInput):
            self.counters["store_failed"] += 1


def _forged(envelope: Envelope, state: SourceState) -> Rejected | None:
    """Why a signed source's envelope is not its own; None when it is."""
    signature, sequence, nonce = envelope.signature, envelope.sequence, envelope.nonce
    if not signature:
        return Rejected(Cause.UNSIGNED, f"{state.source.name} signs; this came without signature")
    if type(sequence) is not int or sequence < 0:
        return Rejected(Cause.UNSIGNED, f"expected a sequence from 0, was {sequence!r}")
    if type(nonce) is not bytes or not 1 <= len(nonce) <= 64:
        return Rejected(Cause.UNSIGNED, f"expected a nonce of 1 to 64 bytes, was {nonce!r:.80}")
    verifier = state.keys.get(envelope.key)
    if verifier is None:
        return Rejected(Cause.FORGED, f"{state.source.name} has no key {envelope.key!r:.80}")
    try:
        genuine = verifier.verify(canonical(envelope), signature)
    except FixInput as error:
        return Rejected(Cause.FORGED, f"not a message that can be signed: {error}"[:300])
    if genuine is not True:
        return Rejected(Cause.FORGED, f"the signature is not {state.source.name}'s")
    return None
