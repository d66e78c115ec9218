"""A tail model kept up to date bar by bar, for one symbol or one portfolio's returns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protection.contracts.errors import FixInput, FixSettings, UpgradeSoftware
from protection.risk.var_es.estimates import TailDiagnostics, TailEstimate, TailInterval
from protection.risk.var_es.model import TailModel

VERSION = 1


class OnlineTail:
    """VaR and ES of the next bar from every bar so far, at an amortised cost.

    Each bar steps the model in O(1); every ``refit_every`` bars it is fitted to the last ``window``
    returns, starting from the previous fit. The answer after n bars depends on those n bars alone.

    Parameters
    ----------
    model : any :class:`TailModel`; it belongs to this object from now on
    window : returns kept
    refit_every : bars between fits, 5 is weekly for daily bars
    """

    def __init__(self, model: TailModel, *, window: int = 2000, refit_every: int = 5) -> None:
        if window < model.minimum:
            raise FixSettings(
                f"expected window of at least the model's minimum {model.minimum}, was {window}"
            )
        if refit_every < 1:
            raise FixSettings(f"expected refit_every of at least 1, was {refit_every}")
        self.model = model
        self.window = int(window)
        self.refit_every = int(refit_every)
        # The newest stretch is always one slice; it is moved to the front once in a window of bars.
        self._keep = self.window + self.refit_every
        self._buffer = np.empty(self._keep + self.window)
        self._end = 0
        self._bars = 0
        self._since = 0
        self._warm: dict[str, Any] = {}
        model.fit(self._buffer[:0])

    @property
    def bars(self) -> int:
        """Finite returns seen."""
        return self._bars

    def history(self) -> NDArray[np.float64]:
        """Last returns, oldest first, at most ``window``; read only."""
        view = self._buffer[max(0, self._end - self.window) : self._end]
        view.flags.writeable = False
        return view

    def update(self, value: float) -> None:
        """Take in the return of one bar; NaN (no bar) changes nothing.

        Raises
        ------
        FixInput
            For an infinite return; nothing is changed then.
        """
        number = float(value)
        if math.isnan(number):
            return
        if math.isinf(number):
            raise FixInput("expected a finite return or NaN, was infinite; mend the feed")
        if self._end == self._buffer.size:
            self._buffer[: self._keep] = self._buffer[self.window :].copy()
            self._end = self._keep
        self._buffer[self._end] = number
        self._end += 1
        self._bars += 1
        self._since += 1
        if self._since >= self.refit_every:
            self._refit()
        else:
            self.model.update(number)

    def _refit(self) -> None:
        self._warm = self.model.warm_state()
        self.model.fit(self.history())
        self._since = 0

    def estimate(self, level: float = 0.99, horizon: int = 1) -> TailEstimate:
        """VaR and ES of the loss over the next ``horizon`` bars."""
        return self.model.estimate(level, horizon)

    def interval(self, level: float = 0.99, confidence: float = 0.9) -> TailInterval:
        """Range in which next bar's VaR and ES plausibly lie."""
        return self.model.interval(level, confidence)

    @property
    def diagnostics(self) -> TailDiagnostics:
        """How the last fit went."""
        return self.model.diagnostics

    def snapshot(self) -> dict[str, Any]:
        """Everything a restart needs, as plain lists and numbers.

        The returns behind the last fit are kept beside those after it, so that restoring repeats
        the fit from the same start and then the steps.
        """
        keep = min(self._end, self.window + self._since)
        return {
            "version": VERSION,
            "window": self.window,
            "refit_every": self.refit_every,
            "bars": self._bars,
            "since": self._since,
            "returns": self._buffer[self._end - keep : self._end].tolist(),
            "warm": dict(self._warm),
        }

    @classmethod
    def restore(cls, model: TailModel, state: Mapping[str, Any]) -> OnlineTail:
        """Continue from a snapshot with the same answers; ``model`` is configured as it was.

        Raises
        ------
        UpgradeSoftware
            When a newer version wrote the snapshot.
        """
        if state["version"] > VERSION:
            raise UpgradeSoftware(
                f"expected online tail state of version {VERSION} or older, was {state['version']}"
            )
        tail = cls(model, window=state["window"], refit_every=state["refit_every"])
        returns = np.asarray(state["returns"], dtype=np.float64)
        since = int(state["since"])
        before = returns[: returns.size - since]
        model.warm_start(state["warm"])
        if int(state["bars"]) > since:
            model.fit(before[-tail.window :])
        for value in returns[returns.size - since :].tolist():
            model.update(value)
        tail._buffer[: returns.size] = returns
        tail._end = int(returns.size)
        tail._bars, tail._since = int(state["bars"]), since
        tail._warm = dict(state["warm"])
        return tail
