"""A threshold that trips about as often as it was told to, learned from the past alone.

Each session a symbol could trip in gives one score: its largest figure. The threshold is the
conformal quantile of the scores of the last years, and its level follows the trips that came
(adaptive conformal inference, see :mod:`.conformal`): after more of them than wanted it rises,
after fewer it falls. A session in the middle of a trip cannot trip again; it gives no score and
moves the level as a session without a trip does, so that the wanted rate counts trips and not
sessions.

The result is clamped to half to one and a half times the threshold written by hand. What is
learned is not: it belongs to the threshold before clamping, so the clamp winds nothing up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from protection.circuit_breakers.tuning.conformal import AdaptiveConformal
from protection.contracts.errors import FixInput, RecoverState

LOWEST, HIGHEST = 0.5, 1.5
"""Bounds of every learned threshold, as shares of the one written by hand."""

SESSIONS_PER_YEAR = 252
WINDOW = 1260
"""Scores remembered: five years of sessions."""


class RateThreshold:
    """Threshold of one symbol for a wanted number of trips a year.

    Parameters
    ----------
    static : threshold written by hand, above 0; it holds until enough is known
    per_year : wanted trips in 252 sessions, above 0
    pause : sessions after the last bad one in which the rule cannot trip anew

    Raises
    ------
    FixInput
        For another threshold or rate.
    """

    __slots__ = ("_conformal", "_level", "_pause", "_rest", "_session", "_static", "_top")

    def __init__(self, static: float, per_year: float, pause: int) -> None:
        if not 0.0 < static < math.inf:
            raise FixInput(f"expected a threshold above 0, was {static}")
        alpha = per_year / SESSIONS_PER_YEAR
        if not 0.0 < alpha < 1.0:
            raise FixInput(f"expected more than 0 and fewer than 252 trips a year, was {per_year}")
        self._static, self._pause = static, pause
        self._conformal = AdaptiveConformal(alpha, gamma=0.1 * alpha, window=WINDOW)
        self._session: date | None = None
        self._top = 0.0
        self._rest = 0
        self._level = static

    @property
    def level(self) -> float:
        """Threshold in force."""
        return self._level

    def update(self, value: float, session: date) -> float:
        """Take a figure; returns the threshold that it has to be held against.

        Parameters
        ----------
        value : the rule's figure; 0 while it is unknown
        session : trading day it belongs to. The threshold of a day comes of the days before.
        """
        if session != self._session:
            self._learn()
            self._session, self._top = session, 0.0
        if value > self._top:
            self._top = value
        return self._level

    def _learn(self) -> None:
        """Take in the session that has ended."""
        if self._top <= 0.0:
            return  # nothing was measured
        conformal = self._conformal
        threshold = conformal.threshold()
        if not conformal.calibrated:
            threshold = self._static
        if self._rest:
            self._rest = self._pause if self._top > threshold else self._rest - 1
            conformal.skip()
        elif conformal.update(self._top, threshold):
            self._rest = self._pause
        if conformal.calibrated:
            self._level = self._clamped(conformal.threshold())

    def _clamped(self, level: float) -> float:
        return min(max(level, LOWEST * self._static), HIGHEST * self._static)

    def snapshot(self) -> dict[str, Any]:
        """Plain data for a restart."""
        return {
            "session": None if self._session is None else self._session.isoformat(),
            "top": self._top,
            "rest": self._rest,
            "level": self._level,
            "scores": self._conformal.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a snapshot; one that was learned for another rate is left aside.

        Raises
        ------
        RecoverState
            When it is not one.
        """
        try:
            session = state["session"]
            kept = AdaptiveConformal.restored(state["scores"])
            day = None if session is None else date.fromisoformat(session)
            top, rest, level = float(state["top"]), int(state["rest"]), float(state["level"])
        except (KeyError, TypeError, ValueError, FixInput) as error:
            raise RecoverState(f"expected a learned threshold, was not: {error!r}") from error
        if (kept.alpha, kept.window) != (self._conformal.alpha, self._conformal.window):
            return
        self._conformal, self._level = kept, self._clamped(level)
        self._session, self._top, self._rest = day, top, rest
