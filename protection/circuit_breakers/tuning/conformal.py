"""Conformal calibration: a threshold is crossed as often as it was told to be.

Split conformal takes the ``ceil((n + 1)(1 - alpha))``-th smallest score (Vovk et al., Algorithmic
Learning in a Random World, 2005). Adaptive conformal inference moves the level against the errors
made, ``alpha_{t+1} = alpha_t + gamma (alpha - err_t)`` (Gibbs and Candes, Adaptive Conformal
Inference Under Distribution Shift, NeurIPS 2021), which bounds the difference between the realised
and the wanted rate for any data: ``(max(alpha_1, 1 - alpha_1) + gamma) / (T gamma)``.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from typing import Any

from protection.contracts.errors import FixInput


def conformal_quantile(scores: list[float], alpha: float) -> float:
    """Return the threshold of a sorted list of scores; infinity when there are too few.

    Parameters
    ----------
    scores : past scores in ascending order
    alpha : share of future scores allowed above; at or below 0 gives infinity, at or above 1 minus
        infinity
    """
    if alpha >= 1.0:
        return -math.inf
    rank = math.ceil((len(scores) + 1) * (1.0 - alpha))
    if alpha <= 0.0 or rank > len(scores):
        return math.inf
    return scores[max(rank, 1) - 1]


def coverage_bound(start: float, gamma: float, steps: int) -> float:
    """Return the largest difference of realised and wanted rate after ``steps`` steps, any data."""
    return (max(start, 1.0 - start) + gamma) / (steps * gamma)


class AdaptiveConformal:
    """Adaptive conformal threshold over a rolling window of scores.

    Parameters
    ----------
    alpha : wanted share of scores above the threshold, in (0, 1)
    gamma : step of the level per observation
    window : scores remembered

    Notes
    -----
    A score is what was observed minus what was forecast, in units that do not depend on the level
    (log volatility). Scores whose outcome is known only after h observations are given h
    observations later, with the threshold that was in force: the class never sees a future score.
    """

    __slots__ = ("_order", "_sorted", "alpha", "errors", "gamma", "level", "steps", "window")

    def __init__(self, alpha: float, gamma: float = 0.005, window: int = 1000) -> None:
        if not 0.0 < alpha < 1.0:
            raise FixInput(f"expected alpha in (0, 1), was {alpha}")
        if not 0.0 < gamma < 1.0:
            raise FixInput(f"expected gamma in (0, 1), was {gamma}")
        if window < 2:
            raise FixInput(f"expected a window of at least 2 scores, was {window}")
        self.alpha = alpha
        self.gamma = gamma
        self.window = window
        self.level = alpha
        self.steps = 0
        self.errors = 0
        self._order: deque[float] = deque()
        self._sorted: list[float] = []

    def threshold(self) -> float:
        """Return the score that is crossed with the current level; infinity before calibration."""
        return conformal_quantile(self._sorted, self.level)

    @property
    def calibrated(self) -> bool:
        """Whether the window holds enough scores for the wanted share."""
        return len(self._sorted) >= 1.0 / self.alpha - 1.0

    def update(self, score: float, threshold: float) -> bool:
        """Learn the outcome of one forecast and return whether it crossed its threshold.

        Parameters
        ----------
        score : observed minus forecast
        threshold : what :meth:`threshold` said when the forecast was made
        """
        if not math.isfinite(score):
            raise FixInput(f"expected a finite score, was {score}; leave the observation out")
        crossed = score > threshold
        self.steps += 1
        self.errors += crossed
        # Without a window full enough the infinite threshold is no forecast to learn from.
        if self.calibrated:
            self.level += self.gamma * (self.alpha - crossed)
        self._order.append(score)
        insort(self._sorted, score)
        if len(self._order) > self.window:
            oldest = self._order.popleft()
            del self._sorted[bisect_left(self._sorted, oldest)]
        return crossed

    def skip(self) -> None:
        """Let an observation pass that could not cross: the level moves, no score is kept."""
        self.steps += 1
        if self.calibrated:
            self.level += self.gamma * self.alpha

    def state(self) -> dict[str, Any]:
        """Return what a restart needs."""
        return {
            "alpha": self.alpha,
            "gamma": self.gamma,
            "window": self.window,
            "level": self.level,
            "steps": self.steps,
            "errors": self.errors,
            "scores": list(self._order),
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> AdaptiveConformal:
        """Build from :meth:`state`."""
        made = cls(state["alpha"], state["gamma"], state["window"])
        made.level = float(state["level"])
        made.steps = int(state["steps"])
        made.errors = int(state["errors"])
        made._order.extend(float(score) for score in state["scores"])
        made._sorted = sorted(made._order)
        return made
