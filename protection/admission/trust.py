"""How far a source is believed: a Beta score that decays to its prior and can say why."""

from __future__ import annotations

from typing import Any

from protection.admission.envelope import Cause
from protection.contracts.admission_settings import TrustSettings

BAD: dict[Cause, float] = {
    Cause.INVALID: 3.0,
    Cause.CROSSED: 2.0,
    Cause.FUTURE: 3.0,
    Cause.CONSENSUS: 2.0,
    Cause.OUTLIER: 1.0,
    Cause.RATE: 0.5,
    Cause.QUOTA: 0.2,
    Cause.STALE_EVENT: 0.5,
    Cause.OUT_OF_ORDER: 0.5,
    Cause.DUPLICATE: 0.25,
    Cause.NOISE: 0.25,
}
"""Evidence against a source per cause.

Forged, unsigned and replayed envelopes are not in the table: whoever writes a stranger's name on
one, or copies one from the wire, must not be able to lower the stranger's trust. Neither are
silence, a slow queue of our own
(``stale_receipt``), nor what the door does because of other sources.
"""


_SLACK = 1.0  # evidence over the cap before it is cut: one cut in ten good messages


class Trust:
    """Beta(good, bad) evidence about one source.

    ``score = good / (good + bad)``. Evidence beyond the prior halves every
    ``half_life_seconds`` and is capped by ``evidence`` in total (the older share shrinks), so
    that the score follows behaviour in bounded time in both directions.
    """

    __slots__ = ("_at", "_settings", "_total", "bad", "causes", "good")

    def __init__(self, settings: TrustSettings) -> None:
        self._settings = settings
        self.good, self.bad = settings.prior_good, settings.prior_bad
        self._total = settings.prior_good + settings.prior_bad + settings.evidence + _SLACK
        self._at: float | None = None
        self.causes: dict[Cause, float] = {}
        """Evidence against it by cause, decayed and capped alike."""

    @property
    def score(self) -> float:
        """Expected share of good messages, in (0, 1)."""
        return self.good / (self.good + self.bad)

    @property
    def weight(self) -> float:
        """Score between floor and cap: the weight of an admitted message."""
        settings = self._settings
        score = self.good / (self.good + self.bad)
        if score < settings.floor:
            return settings.floor
        return score if score < settings.cap else settings.cap

    def praise(self, seconds: float) -> float:
        """Count one good message at this time; the weight after it."""
        at = self._at
        if at is None or seconds - at >= 1.0:  # decay in steps of a second at least
            self._decay(seconds)
        settings = self._settings
        self.good += settings.good
        total = self.good + self.bad
        if total > self._total:
            self._cap()
            return self.weight
        score = self.good / total
        if score < settings.floor:
            return settings.floor
        return score if score < settings.cap else settings.cap

    def blame(self, cause: Cause, seconds: float) -> None:
        """Count one bad message at this time; causes that prove nothing are ignored."""
        evidence = BAD.get(cause)
        if evidence is None:
            return
        if self._at is None or seconds - self._at >= 1.0:
            self._decay(seconds)
        self.bad += evidence
        self.causes[cause] = self.causes.get(cause, 0.0) + evidence
        if self.good + self.bad > self._total:
            self._cap()

    def excuse(self, cause: Cause) -> None:
        """Take back one piece of evidence: what looked bad has been confirmed."""
        amount = min(BAD.get(cause, 0.0), self.causes.get(cause, 0.0))
        amount = min(amount, self.bad - self._settings.prior_bad)
        if amount > 0.0:
            self.bad -= amount
            self.causes[cause] -= amount

    def _decay(self, seconds: float) -> None:
        at, settings = self._at, self._settings
        if at is not None and seconds > at:
            self._shrink(0.5 ** ((seconds - at) / settings.half_life_seconds))
        if at is None or seconds > at:
            self._at = seconds

    def _cap(self) -> None:
        settings = self._settings
        excess = self.good + self.bad - settings.prior_good - settings.prior_bad
        self._shrink(settings.evidence / excess)

    def _shrink(self, factor: float) -> None:
        settings = self._settings
        self.good = settings.prior_good + (self.good - settings.prior_good) * factor
        self.bad = settings.prior_bad + (self.bad - settings.prior_bad) * factor
        for cause in self.causes:
            self.causes[cause] *= factor

    def explain(self) -> str:
        """One sentence: score, weight and what speaks against the source."""
        settings = self._settings
        against = sorted(self.causes.items(), key=lambda item: -item[1])
        listed = ", ".join(f"{cause.value} {amount:.2f}" for cause, amount in against[:5])
        return (
            f"score {self.score:.3f} (good {self.good:.2f}, bad {self.bad:.2f}, prior "
            f"{settings.prior_good:g} to {settings.prior_bad:g}), weight {self.weight:.3f}; "
            f"against it: {listed or 'nothing'}"
        )

    def snapshot(self) -> dict[str, Any]:
        """Plain data for :meth:`restore`."""
        return {
            "good": self.good,
            "bad": self.bad,
            "at": self._at,
            "causes": {cause.value: amount for cause, amount in self.causes.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`snapshot` gave."""
        self.good, self.bad = float(state["good"]), float(state["bad"])
        self._at = None if state["at"] is None else float(state["at"])
        self.causes = {Cause(name): float(amount) for name, amount in state["causes"].items()}
