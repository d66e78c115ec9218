"""How much of the intake comes from whom: Herfindahl index, entropy, effective sources."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from protection.contracts.admission_settings import ConcentrationSettings


@dataclass(frozen=True, slots=True)
class Shares:
    """Concentration of non-negative amounts.

    Attributes
    ----------
    hhi : sum of squared shares, from 1/n to 1
    normalised : (hhi - 1/n) / (1 - 1/n), from 0 to 1; 1 for a single owner
    entropy : -sum s log s in nats, from 0 to log n
    effective : 1 / hhi, and ``effective_entropy`` exp(entropy): numbers of equal owners
    largest : largest share
    """

    hhi: float
    normalised: float
    entropy: float
    effective: float
    effective_entropy: float
    largest: float


def measure(amounts: Iterable[float]) -> Shares | None:
    """Concentration of the positive amounts; None when there are none."""
    positive = [amount for amount in amounts if amount > 0.0]
    total = math.fsum(positive)
    if not positive or not math.isfinite(total) or total <= 0.0:
        return None
    shares = [amount / total for amount in positive]
    hhi = math.fsum(share * share for share in shares)
    entropy = max(0.0, -math.fsum(share * math.log(share) for share in shares if share > 0.0))
    count = len(shares)
    floor = 1.0 / count
    normalised = 1.0 if count == 1 else max(0.0, (hhi - floor) / (1.0 - floor))
    return Shares(hhi, normalised, entropy, 1.0 / hhi, math.exp(entropy), max(shares))


class Concentration:
    """Forward-decayed intake per owner, judged against the limits that can be reached.

    With ``n`` owners the index is 1/n at least and the entropy log n at most. A limit that even
    equal shares of the registered owners would break is no limit but a missing owner: it is
    reported as unattainable and freezes nothing. While frozen, observations of owners above
    their fair share of the target wait, until the index is back under the target.
    """

    def __init__(self, settings: ConcentrationSettings) -> None:
        self._settings = settings
        self._counts: dict[str, float] = {}
        self._origin: float | None = None
        self._step = 1.0  # weight of a message now, growing instead of all others shrinking
        self._at = 0.0
        self._total = 0.0
        self._squares = 0.0
        self.seen = 0
        self.frozen = False

    @property
    def hhi(self) -> float:
        """Herfindahl index of the present shares; 1 before the first message."""
        return self._squares / (self._total * self._total) if self._total > 0.0 else 1.0

    def share(self, owner: str) -> float:
        """Present share of an owner, 0 when it never sent anything."""
        return self._counts.get(owner, 0.0) / self._total if self._total > 0.0 else 0.0

    def add(self, owner: str, seconds: float) -> None:
        """Count one admitted message at this time."""
        if self._origin is None:
            self._origin = self._at = seconds
        if seconds - self._at >= 1.0:
            self._at = seconds
            lives = (seconds - self._origin) / self._settings.half_life_seconds
            if lives > 60.0:  # long before the weights lose their precision
                self._rescale(lives, seconds)
            else:
                self._step = 2.0**lives
        old = self._counts.get(owner, 0.0)
        step = self._step
        self._counts[owner] = old + step
        self._total += step
        self._squares += step * (2.0 * old + step)
        self.seen += 1

    def _rescale(self, lives: float, seconds: float) -> None:
        factor = 0.5**lives if lives < 1000.0 else 0.0
        self._counts = {
            owner: amount * factor
            for owner, amount in self._counts.items()
            if amount * factor > 1e-12
        }
        self._total = math.fsum(self._counts.values())
        self._squares = math.fsum(amount * amount for amount in self._counts.values())
        self._origin, self._step = seconds, 1.0

    def attainable(self, owners: int) -> bool:
        """Whether equal shares of so many owners are inside the limit; ends a freeze if not."""
        freeze = self._settings.freeze
        if freeze is None or owners * freeze < 1.0:
            self.frozen = False
            return False
        return True

    def waits(self, owner: str, owners: int) -> bool:
        """Whether a message of ``owner`` must wait, with so many registered owners."""
        settings = self._settings
        freeze = settings.freeze
        if not self.attainable(owners) or freeze is None or self.seen < settings.minimum:
            self.frozen = False
            return False
        hhi = self._squares / (self._total * self._total)
        if not self.frozen and hhi <= freeze:
            return False
        target = min(max(settings.target, 1.05 / owners), freeze)
        self.frozen = hhi > target
        return self.frozen and self.share(owner) > target

    def reading(self, owners: int) -> tuple[Shares | None, str]:
        """Present concentration and one sentence about it.

        Parameters
        ----------
        owners : registered owners
        """
        shares = measure(self._counts.values())
        if shares is None:
            return None, "concentration: nothing admitted yet"
        settings = self._settings
        text = (
            f"concentration: index {shares.hhi:.3f}, entropy {shares.entropy:.3f}, "
            f"{shares.effective:.1f} effective of {owners} owners"
        )
        if settings.freeze is not None and owners * settings.freeze < 1.0:
            need = math.ceil(1.0 / settings.freeze)
            return shares, f"{text}; limit {settings.freeze:g} needs {need} owners, not judged"
        entropy = settings.entropy
        if entropy is not None:
            if math.log(max(owners, 1)) <= entropy:
                text += f"; entropy above {entropy:g} needs {math.floor(math.exp(entropy)) + 1}"
            elif shares.entropy <= entropy:
                text += f"; entropy below {entropy:g}"
        return shares, text + ("; frozen" if self.frozen else "")

    def snapshot(self) -> dict[str, Any]:
        """Plain data for :meth:`restore`."""
        return {
            "counts": dict(self._counts),
            "origin": self._origin,
            "at": self._at,
            "step": self._step,
            "total": self._total,
            "squares": self._squares,
            "seen": self.seen,
            "frozen": self.frozen,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`snapshot` gave."""
        self._counts = {str(owner): float(amount) for owner, amount in state["counts"].items()}
        self._origin = None if state["origin"] is None else float(state["origin"])
        self._at, self._step = float(state["at"]), float(state["step"])
        self._total, self._squares = float(state["total"]), float(state["squares"])
        self.seen, self.frozen = int(state["seen"]), bool(state["frozen"])
