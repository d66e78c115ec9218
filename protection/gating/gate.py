"""The gate between an estimate and the live model.

::

    gate = ModelGate(Anchor(rows, {"source": "..."}), clock=clock, store=store)
    decision = gate.judge(candidate_rows, label="2024-03-08")
    gate.model                  # the candidate when accepted, else the last good model

The live model changes only through :meth:`ModelGate.judge`, the anchor only through
:meth:`ModelGate.approve` (an operator) or :meth:`ModelGate.step` (the slow lane). No single
candidate ever moves the anchor.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protection.contracts.clock import Clock
from protection.contracts.errors import FixInput, RecoverState
from protection.contracts.gating_settings import GateSettings
from protection.contracts.persons import named
from protection.contracts.stores import MemoryStateStore, StateStore, StateVault
from protection.gating.anchor import Anchor, Model, as_rows
from protection.gating.checkpoints import Checkpoints
from protection.gating.null import Draws, Estimator, imagined, model_by
from protection.gating.verdict import Corridor, Standing, corridor

STATE_KEY = "gate.state"
STATE_KIND = "gate-state"
STATE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """Entry of the gate's history.

    Attributes
    ----------
    time, label : when, and the caller's name for the candidate
    action : ``start``, ``accept``, ``reject``, ``rollback``, ``propose``, ``approve``, ``step``
    standing : of the corridor; empty for moves of the anchor
    reason : one sentence
    model, anchor : hashes in force after it
    figures : drift, spectrum, divergence, anomaly and overall chance, where they were taken
    actor : who approved
    """

    time: datetime
    label: str
    action: str
    standing: str
    reason: str
    model: str
    anchor: str
    figures: tuple[float, ...] = ()
    actor: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the candidate became the live model."""
        return self.action == "accept"


class ModelGate:
    """Judges candidates against an anchor; keeps the live model, the way back and the history.

    Parameters
    ----------
    anchor : golden set; a stored one of an earlier run wins over it when it was moved from it
    settings : limits; the defaults when None
    clock : the host's time
    store : durable state; in memory when None
    estimator : rows to (location, covariance); sample moments when None
    seed : of the null distributions

    Raises
    ------
    RecoverState
        When stored state cannot be read or does not match its hashes.
    """

    def __init__(
        self,
        anchor: Anchor,
        settings: GateSettings | None = None,
        *,
        clock: Clock,
        store: StateStore | None = None,
        estimator: Estimator | None = None,
        seed: int = 0,
    ) -> None:
        self.settings = settings if settings is not None else GateSettings()
        self._clock, self._estimator, self._seed = clock, estimator, seed
        kept: StateStore = MemoryStateStore() if store is None else store
        self._checkpoints = Checkpoints(kept)
        self._vault = StateVault(kept, STATE_KEY, STATE_KIND, STATE_VERSION)
        self._lock = RLock()
        self.counters: Counter[str] = Counter()
        self._history: deque[Decision] = deque(maxlen=self.settings.history)
        self._origin = self._given = anchor
        self._proposals: dict[str, tuple[Anchor, str]] = {}
        self._streak: list[NDArray[np.float64]] = []
        self._accepted = 0
        self._moved: datetime | None = None
        self._nulls: dict[int, Draws] = {}
        stored = self._vault.load()
        if stored is None or stored["given"] != anchor.digest:
            self._use(anchor)
            self._model = model_by(estimator, anchor.rows)
            self._good = [self._checkpoints.put(self._model)]
            self._checkpoints.put_anchor(anchor)
            self._note("start", "", "", "a new golden set")
        else:
            self._load(stored)

    # ------------------------------------------------------------------ reading

    @property
    def anchor(self) -> Anchor:
        """Golden set in force."""
        return self._anchor

    @property
    def model(self) -> Model:
        """Live model: the last candidate that was accepted, at first the anchor's own."""
        return self._model

    @property
    def digest(self) -> str:
        """Hash of the live model."""
        return self._good[-1]

    @property
    def history(self) -> tuple[Decision, ...]:
        """Every verdict and every move, oldest first."""
        return tuple(self._history)

    @property
    def proposals(self) -> dict[str, str]:
        """Anchors that wait for approval: id to reason."""
        return {name: reason for name, (_, reason) in self._proposals.items()}

    def distance(self, values: Any) -> float:
        """Mahalanobis distance of one observation (p,) from the anchor; NaN when impossible."""
        try:
            row = np.asarray(values, dtype=float)
            if row.shape != self._centre.shape:
                return float("nan")
            solved = self._white @ (row - self._centre)
            return float(solved @ solved) ** 0.5
        except (TypeError, ValueError):
            return float("nan")

    def anomalous(self, values: Any) -> bool:
        """Whether one observation lies beyond the anchor's radius; counted.

        Anything that has no distance (other shape, not finite) is an anomaly.
        """
        try:
            row = np.asarray(values, dtype=float)
            inside = False
            if row.shape == self._centre.shape:
                solved = self._white @ (row - self._centre)
                inside = bool(solved @ solved <= self._square)
        except (TypeError, ValueError):
            inside = False
        self.counters["observed"] += 1
        if not inside:
            self.counters["anomalies"] += 1
        return not inside

    def drift(self, location: Any) -> float:
        """Mahalanobis drift of a running mean (p,) from the anchor: the quick part of a judgement.

        It says nothing about significance; NaN when impossible.
        """
        return self.distance(location)

    # ------------------------------------------------------------------ candidates

    def judge(self, candidate: Any, *, label: str = "") -> Decision:
        """Accept a candidate as the live model, or keep the last good one.

        Rows or a :class:`Model`, as :func:`corridor` takes them. What cannot be judged (not
        finite, other columns, too few rows) is not accepted. Each row sample must be new: the
        slow lane counts accepted candidates, not repetitions.

        Raises
        ------
        RetryWrite
            When the accepted model or the verdict could not be stored; nothing has changed then.
        """
        with self._lock:
            try:
                found = self._corridor(candidate)
            except FixInput as error:
                return self._refuse(label, Standing.REJECT.value, str(error), ())
            figures = (*(check.value for check in found.checks), found.overall)
            if not found.passed:
                return self._refuse(label, found.standing.value, found.reason, figures)
            rows = None if isinstance(candidate, Model) else as_rows(candidate)
            model = candidate if rows is None else model_by(self._estimator, rows)
            digest = self._checkpoints.put(model)
            before = self._model, list(self._good), list(self._streak), self._accepted
            self._model = model
            self._good = [*self._good, digest][-self.settings.checkpoints :]
            if rows is not None and found.standing is Standing.PASS:
                self._accepted += 1
                self._streak = [*self._streak, rows][-self.settings.slow_accepted :]
            try:
                return self._note("accept", label, found.standing.value, found.reason, figures)
            except Exception:
                self._model, self._good, self._streak, self._accepted = before
                raise

    def _corridor(self, candidate: Any) -> Corridor:
        null = None
        if isinstance(candidate, Model) and candidate.p == self._anchor.p:
            rows = int(candidate.rows)
            null = self._nulls.get(rows)
            if null is None and min(rows, self._anchor.n) > self._anchor.p:
                if len(self._nulls) >= 64:
                    self._nulls.clear()
                null = imagined(self._anchor.rows, rows, self.settings.draws, self._seed)
                self._nulls[rows] = null
        return corridor(
            candidate,
            self._anchor,
            self.settings,
            seed=self._seed,
            estimator=self._estimator,
            null=null,
        )

    def _refuse(
        self, label: str, standing: str, reason: str, figures: tuple[float, ...]
    ) -> Decision:
        before = self._accepted, self._streak
        self._accepted, self._streak = 0, []
        try:
            return self._note("reject", label, standing, reason, figures)
        except Exception:
            self._accepted, self._streak = before
            raise

    def rollback(self, *, actor: str, reason: str) -> Model:
        """Back to the accepted model before the live one; stays where there is none.

        Raises
        ------
        NameActor
            Without actor or reason.
        RecoverState
            When no earlier model can be read.
        RetryWrite
            When it could not be stored; nothing has changed then.
        """
        named(actor, reason)
        with self._lock:
            good = list(self._good)
            if len(good) > 1:
                good.pop()
            before = self._model, self._good
            self._model, self._good = self._readable(good)
            try:
                self._note("rollback", "", "", reason, actor=actor)
            except Exception:
                self._model, self._good = before
                raise
            return self._model

    def _readable(self, good: list[str]) -> tuple[Model, list[str]]:
        """The newest checkpoint that is whole, and the list up to it."""
        trouble = "expected an accepted model, was none"
        while good:
            try:
                return self._checkpoints.get(good[-1]), good
            except RecoverState as error:
                trouble = str(error)
                good.pop()
        raise RecoverState(trouble)

    # ------------------------------------------------------------------ moving the anchor

    def propose(self, rows: Any, provenance: Mapping[str, Any], *, reason: str) -> str:
        """Put up a new golden set for approval; its id. Nothing changes until then.

        Raises
        ------
        FixInput
            For impossible rows or provenance.
        RetryWrite
            When it could not be stored; nothing has changed then.
        """
        with self._lock:
            anchor = Anchor(as_rows(rows, self._anchor.p), provenance, self.settings.anomaly)
            name = anchor.digest[:16]
            self._proposals[name] = (anchor, reason)
            try:
                self._note("propose", name, "", reason)
            except Exception:
                del self._proposals[name]
                raise
            return name

    def approve(self, proposal: str, *, actor: str, reason: str) -> Decision:
        """Make a proposed golden set the anchor; the live model becomes its own.

        Raises
        ------
        NameActor
            Without actor or reason.
        FixInput
            For an unknown proposal.
        RetryWrite
            When it could not be stored; nothing has changed then.
        """
        named(actor, reason)
        with self._lock:
            if proposal not in self._proposals:
                known = ", ".join(self._proposals) or "none"
                raise FixInput(f"expected a proposal ({known}), was {proposal!r}")
            anchor = self._proposals[proposal][0]
            held = self._proposals.pop(proposal)
            try:
                return self._move("approve", anchor, reason, actor, origin=anchor)
            except Exception:
                self._proposals[proposal] = held
                raise

    def step(self) -> Decision | str:
        """One step of the slow lane, or the sentence that says why not.

        The oldest ``slow_share`` of the anchor's rows makes room for rows of accepted candidates,
        when the lane is on, ``slow_accepted`` candidates in a row passed without a warning,
        ``cooling_seconds`` went by since the last move, the step uses at most ``slow_step`` of
        every limit, and all steps together stay inside the limits around the anchor that an
        operator approved last. Going further needs that operator.

        Raises
        ------
        RetryWrite
            When it could not be stored; nothing has changed then.
        """
        with self._lock:
            settings, now = self.settings, self._clock.now()
            if not settings.slow_lane:
                return "the slow lane is off (gate.slow_lane)"
            if self._accepted < settings.slow_accepted or len(self._streak) == 0:
                return f"{self._accepted} of {settings.slow_accepted} candidates passed in a row"
            if self._moved is not None:
                rest = self._moved + timedelta(seconds=settings.cooling_seconds) - now
                if rest > timedelta(0):
                    return f"cooling for another {rest.total_seconds():.0f} s"
            fresh = np.vstack(self._streak)
            count = min(max(1, int(settings.slow_share * self._anchor.n)), len(fresh))
            chosen = np.linspace(0, len(fresh) - 1, count).astype(int)
            rows = np.vstack([self._anchor.rows[count:], fresh[chosen]])
            provenance = {
                "from": self._anchor.digest,
                "step": "slow lane",
                "rows": count,
                "candidates": len(self._streak),
            }
            moved = Anchor(rows, provenance, settings.anomaly)
            trouble = self._too_far(moved, self._anchor, settings.slow_step, "this step")
            trouble = trouble or self._too_far(moved, self._origin, 1.0, "all steps together")
            if trouble:
                return trouble
            return self._move("step", moved, f"{count} rows replaced", "", origin=self._origin)

    def _too_far(self, new: Anchor, old: Anchor, share: float, what: str) -> str:
        from protection.gating.gauss import compare

        settings = self.settings
        drift, values, divergence = compare(
            new.model.location, new.model.covariance, old.model.location, old.model.covariance
        )
        for name, value, limit in (
            ("drift", drift, settings.drift),
            ("spectrum", float(np.abs(values - 1.0).max()), settings.spectrum),
            ("divergence", divergence, settings.divergence_warn),
        ):
            if value > share * limit:
                return f"{what}: {name} {value:.3g} is over {share * limit:.3g}"
        return ""

    def _move(
        self, action: str, anchor: Anchor, reason: str, actor: str, *, origin: Anchor
    ) -> Decision:
        model = model_by(self._estimator, anchor.rows)
        self._checkpoints.put_anchor(anchor)
        digest = self._checkpoints.put(model)
        before = (
            self._anchor, self._origin, self._model, self._good, self._moved,
            self._streak, self._accepted,
        )  # fmt: skip
        self._use(anchor)
        self._origin, self._moved = origin, self._clock.now()
        self._streak, self._accepted = [], 0
        if action == "approve":
            self._model, self._good = model, [*self._good, digest]
        try:
            return self._note(action, "", "", reason, actor=actor)
        except Exception:
            (
                _, self._origin, self._model, self._good, self._moved, self._streak,
                self._accepted,
            ) = before  # fmt: skip
            self._use(before[0])
            raise

    # ------------------------------------------------------------------ state

    def _use(self, anchor: Anchor) -> None:
        self._anchor = anchor
        self._centre = anchor.model.location
        self._white = np.linalg.solve(anchor.lower, np.eye(anchor.p))
        self._square = anchor.radius**2
        self._nulls = {}

    def _note(
        self,
        action: str,
        label: str,
        standing: str,
        reason: str,
        figures: tuple[float, ...] = (),
        actor: str = "",
    ) -> Decision:
        decision = Decision(
            self._clock.now(),
            label,
            action,
            standing,
            reason,
            self._good[-1],
            self._anchor.digest,
            tuple(float(value) for value in figures),
            actor,
        )
        dropped = self._history[0] if len(self._history) == self._history.maxlen else None
        self._history.append(decision)
        try:
            self._vault.save(self._plain())
        except Exception:
            self._history.pop()
            if dropped is not None:
                self._history.appendleft(dropped)
            raise
        self.counters[action] += 1
        return decision

    def _plain(self) -> dict[str, Any]:
        return {
            "given": self._given.digest,
            "anchor": self._anchor.digest,
            "origin": self._origin.digest,
            "good": self._good,
            "moved": None if self._moved is None else self._moved.isoformat(),
            "accepted": self._accepted,
            "streak": [rows.tolist() for rows in self._streak] if self.settings.slow_lane else [],
            "proposals": {
                name: {"anchor": anchor.to_dict(), "reason": reason}
                for name, (anchor, reason) in self._proposals.items()
            },
            "history": [_plain(decision) for decision in self._history],
        }

    def _load(self, stored: Mapping[str, Any]) -> None:
        try:
            self._use(self._checkpoints.get_anchor(stored["anchor"]))
            self._origin = self._checkpoints.get_anchor(stored["origin"])
            self._model, self._good = self._readable(list(stored["good"]))
            moved = stored["moved"]
            self._moved = None if moved is None else datetime.fromisoformat(moved)
            self._accepted = int(stored["accepted"])
            self._streak = [np.array(rows, dtype=float) for rows in stored["streak"]]
            self._proposals = {
                name: (Anchor.from_dict(entry["anchor"]), str(entry["reason"]))
                for name, entry in stored["proposals"].items()
            }
            self._history.extend(_decision(entry) for entry in stored["history"])
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(f"expected the gate's stored state, was not: {error!r}") from error


def _plain(decision: Decision) -> dict[str, Any]:
    return {
        "time": decision.time.isoformat(),
        "label": decision.label,
        "action": decision.action,
        "standing": decision.standing,
        "reason": decision.reason,
        "model": decision.model,
        "anchor": decision.anchor,
        "figures": [value if np.isfinite(value) else str(value) for value in decision.figures],
        "actor": decision.actor,
    }


def _decision(plain: Mapping[str, Any]) -> Decision:
    return Decision(
        datetime.fromisoformat(plain["time"]),
        plain["label"],
        plain["action"],
        plain["standing"],
        plain["reason"],
        plain["model"],
        plain["anchor"],
        tuple(float(value) for value in plain["figures"]),
        plain["actor"],
    )
