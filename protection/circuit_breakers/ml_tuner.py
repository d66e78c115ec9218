"""The tuner: thresholds that follow the market, inside bounds set by hand.

A learned threshold is the 99% quantile of the next period's volatility (HAR regression by default,
graph network on request), moved by adaptive conformal calibration once enough outcomes are known,
clamped to half to one and a half times the static threshold of the venue. It tightens at once and
loosens slowly. Whatever cannot be computed (missing weights, too short a history, unusable
input) leaves the static threshold in force, and the answer says why.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from protection.circuit_breakers.tuning import weights as weights_on_disk
from protection.circuit_breakers.tuning.conformal import AdaptiveConformal
from protection.circuit_breakers.tuning.features import Floats, RollingFeatures
from protection.circuit_breakers.tuning.graph import MarketState, listening, node_features
from protection.circuit_breakers.tuning.har import HarQuantile
from protection.circuit_breakers.tuning.har_coefficients import COEFFICIENTS
from protection.circuit_breakers.tuning.inference import forward
from protection.circuit_breakers.tuning.profiles import (
    HIGHEST,
    LOWEST,
    EventProfile,
    ExchangeProfile,
    event,
    exchange,
)
from protection.contracts.errors import FixInput, FixSettings, RecoverState, UpgradeSoftware

#: What ``predict`` takes, with the unit of each.
UNITS: Mapping[str, str] = {
    "exchange_latency": "milliseconds, for example 20",
    "exchange_volume": "units traded in the period, for example 5000",
    "exchange_volatility": "fraction per day, for example 0.05",
    "regime_vix": "points, for example 20",
}
#: Share of the static threshold by which one adjustment may loosen.
LOOSEN = 0.05
#: Wanted share of periods with a false alarm.
ALPHA = 0.01
#: Layout of :meth:`MLCircuitBreakerTuner.snapshot`.
VERSION = 1
#: A VIX of 20 points is the ordinary day that ``normal_volatility`` of a profile speaks of.
_ORDINARY_VIX = 20.0
_FOLDER = Path(__file__).resolve().parent / "tuning" / "weights"


@dataclass(frozen=True, slots=True)
class TunerParams(Mapping[str, float]):
    """Thresholds in force; attributes and dict access both work.

    Attributes
    ----------
    volatility_threshold : fraction per day
    latency_spike_ms : milliseconds
    order_imbalance_ratio : larger over smaller side of the book
    cooling_period : seconds
    source : what made the volatility threshold: ``har``, ``gat`` or ``static``
    reasons : one sentence per threshold that is static although it could have been learned
    """

    volatility_threshold: float
    latency_spike_ms: float
    order_imbalance_ratio: float
    cooling_period: float
    source: str = "static"
    reasons: tuple[str, ...] = ()

    def __getitem__(self, key: str) -> float:
        if key not in _PARAMS:
            raise KeyError(f"expected one of {', '.join(_PARAMS)}, was {key!r}")
        value: float = getattr(self, key)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(_PARAMS)

    def __len__(self) -> int:
        return len(_PARAMS)


_PARAMS = (
    "volatility_threshold",
    "latency_spike_ms",
    "order_imbalance_ratio",
    "cooling_period",
)


class MLCircuitBreakerTuner:
    """Thresholds for the circuit breakers of one asset on one venue.

    Parameters
    ----------
    venue : name of a profile (``nyse``, ``nasdaq``, ``cme``, ``fx``, ``binance``, ``coinbase``)
        or a profile of your own
    model : ``har`` (default: it forecast at least as well out of sample, see
        docs/concepts/tuner.md), ``gat`` for the graph network, ``static`` for none
    alpha : wanted share of periods whose volatility crosses the learned threshold
    weights : folder with the network's weights; the shipped ones by default

    Notes
    -----
    ``predict`` does not change the tuner. ``adjust`` is ``predict`` with the memory of what was in
    force: it tightens at once and loosens by at most 5% of the static threshold per call.
    ``observe`` teaches it a finished observation; everything is a function of the past only.
    """

    def __init__(
        self,
        venue: str | ExchangeProfile = "nyse",
        *,
        model: str = "har",
        alpha: float = ALPHA,
        weights: Path | None = None,
    ) -> None:
        if model not in ("har", "gat", "static"):
            raise FixSettings(f"expected model har, gat or static, was {model!r}")
        if not 0.0 < alpha < 0.5:
            raise FixSettings(f"expected alpha in (0, 0.5), was {alpha}; write 0.01 for 1%")
        self.profile = exchange(venue) if isinstance(venue, str) else venue
        self.model = model
        self.alpha = alpha
        self._why: list[str] = []
        self._har = self._load_har() if model != "static" else None
        self._network = self._load_network(weights or _FOLDER) if model == "gat" else None
        self._edges = listening(np.eye(1))
        self._history = RollingFeatures(self.profile.period)
        self._pending: list[tuple[float, float, float]] = []
        self._scores = AdaptiveConformal(alpha)
        self._latency = AdaptiveConformal(alpha)
        self._imbalance = AdaptiveConformal(alpha)
        self._squares: list[float] = []
        self._in_force: TunerParams | None = None

    # -- what it answers -------------------------------------------------------
    def predict(
        self, market_data: Mapping[str, float], *, events: Iterable[str | EventProfile] = ()
    ) -> TunerParams:
        """Return the thresholds for the present market.

        Parameters
        ----------
        market_data : ``exchange_latency`` (ms), ``exchange_volume`` (units),
            ``exchange_volatility`` (fraction per day), ``regime_vix`` (points); all four
        events : announced events, by name (``high_volume``, ``news``, ``earnings``, ``fomc``) or
            as profiles; they only tighten

        Raises
        ------
        FixInput
            For a missing or unknown key or a value that is no number; the message says the unit.
        """
        _check_keys(market_data)
        announced = [event(name) if isinstance(name, str) else name for name in events]
        profile, reasons = self.profile, list(self._why)
        volatility, middle, source = self._volatility(market_data, reasons)
        latency = self._learned(self._latency, profile.latency_spike_ms, "latency", reasons)
        imbalance = self._learned(
            self._imbalance, profile.order_imbalance_ratio, "imbalance", reasons
        )
        cooling = profile.cooling_period * middle / profile.normal_volatility
        for item in announced:
            volatility *= item.volatility
            latency *= item.latency
            imbalance *= item.imbalance
            cooling *= item.cooling
        return TunerParams(
            _clamp(volatility, profile.volatility_threshold),
            _clamp(latency, profile.latency_spike_ms),
            _clamp(imbalance, profile.order_imbalance_ratio),
            _clamp(cooling, profile.cooling_period),
            source,
            tuple(reasons),
        )

    def adjust(
        self, market_data: Mapping[str, float], *, events: Iterable[str | EventProfile] = ()
    ) -> TunerParams:
        """Return :meth:`predict`, tightened at once and loosened slowly from what is in force."""
        wanted = self.predict(market_data, events=events)
        profile, before = self.profile, self._in_force or self.static()
        self._in_force = TunerParams(
            _slowly(
                before.volatility_threshold,
                wanted.volatility_threshold,
                profile.volatility_threshold,
            ),
            _slowly(before.latency_spike_ms, wanted.latency_spike_ms, profile.latency_spike_ms),
            _slowly(
                before.order_imbalance_ratio,
                wanted.order_imbalance_ratio,
                profile.order_imbalance_ratio,
            ),
            # a longer pause is the tighter one
            -_slowly(-before.cooling_period, -wanted.cooling_period, profile.cooling_period),
            wanted.source,
            wanted.reasons,
        )
        return self._in_force

    def static(self) -> TunerParams:
        """Return the hand-set thresholds of the venue."""
        profile = self.profile
        return TunerParams(
            profile.volatility_threshold,
            profile.latency_spike_ms,
            profile.order_imbalance_ratio,
            profile.cooling_period,
        )

    # -- what it learns --------------------------------------------------------
    def observe(
        self,
        change: float,
        *,
        variance: float | None = None,
        latency_ms: float | None = None,
        imbalance: float | None = None,
    ) -> bool:
        """Learn one finished observation; return whether it was usable.

        Parameters
        ----------
        change : return of the asset over the observation (a day, a minute)
        variance : its realised variance, where it is known; the squared return otherwise
        latency_ms : latency measured over the observation
        imbalance : larger over smaller side of the book, at least 1

        Notes
        -----
        An unusable value (NaN, infinite, negative variance) teaches nothing and moves nothing.
        """
        usable = math.isfinite(change) and (
            variance is None or (math.isfinite(variance) and variance >= 0.0)
        )
        if usable:
            self._learn_volatility(change, change * change if variance is None else variance)
        if latency_ms is not None and math.isfinite(latency_ms) and latency_ms > 0.0:
            self._latency.update(math.log(latency_ms), self._latency.threshold())
        if imbalance is not None and math.isfinite(imbalance) and imbalance >= 1.0:
            self._imbalance.update(math.log(imbalance), self._imbalance.threshold())
        return usable

    def _learn_volatility(self, change: float, variance: float) -> None:
        period = self.profile.period
        self._history.add(change, variance)
        self._squares.append(variance)
        del self._squares[:-period]
        # forecasts made one period ago have their outcome now
        if self._pending and len(self._pending) >= period:
            forecast, threshold, base = self._pending.pop(0)
            realised = 0.5 * math.log(max(sum(self._squares) / period, 1e-12))
            self._scores.update(realised - base - forecast, threshold)
        if self._history.ready and self._har is not None:
            row, base = self._history.row()
            quantile = float(self._forecast(row, MarketState())[-1])
            self._pending.append((quantile, self._scores.threshold(), base))

    # -- how -------------------------------------------------------------------
    def _volatility(
        self, market: Mapping[str, float], reasons: list[str]
    ) -> tuple[float, float, str]:
        profile = self.profile
        static = profile.volatility_threshold, profile.normal_volatility, "static"
        if self._har is None:
            return static
        bad = [key for key in UNITS if not 0.0 < float(market[key]) < math.inf]
        if bad:
            reasons.append(
                f"static volatility threshold: expected {bad[0]} above 0 and finite, was "
                f"{market[bad[0]]}"
            )
            return static
        now = math.log(float(market["exchange_volatility"]))
        implied = math.log(float(market["regime_vix"])) - math.log(_ORDINARY_VIX)
        if self._history.ready:
            row, base = self._history.row()
            row[1] = max(row[1], now - base)
        else:
            base = math.log(profile.normal_volatility) + implied
            row = np.array([1.0, now - base, 0.5 * (now - base), 0.0])
        state = MarketState(implied=implied, regime_known=True)
        quantiles = self._forecast(row, state)
        score = self._scores.threshold() if self._scores.calibrated else 0.0
        if math.isnan(score) or abs(score) == math.inf:
            score = 0.0
        threshold = math.exp(min(base + float(quantiles[-1]) + score, 50.0))
        middle = math.exp(min(base + float(quantiles[0]), 50.0))
        return threshold, middle, "gat" if self._network is not None else "har"

    def _forecast(self, row: Floats, state: MarketState) -> Floats:
        if self._network is not None:
            rows = row[None, :]
            return forward(self._network, node_features(rows, state), self._edges, rows)[
                "volatility"
            ][0]
        assert self._har is not None
        return self._har.forecast(row)

    def _learned(
        self, calibration: AdaptiveConformal, static: float, what: str, reasons: list[str]
    ) -> float:
        if self.model == "static":
            return static
        if not calibration.calibrated:
            reasons.append(
                f"static {what} threshold: {calibration.steps} of the "
                f"{math.ceil(1.0 / self.alpha - 1.0)} observations that calibrate it"
            )
            return static
        score = calibration.threshold()
        return math.exp(min(score, 50.0)) if score > -math.inf else 0.0

    def _load_har(self) -> HarQuantile:
        kind = "crypto" if self.profile.period == 1 else "equity"
        return COEFFICIENTS[kind]

    def _load_network(self, folder: Path) -> dict[str, Floats] | None:
        try:
            return weights_on_disk.load(folder, "market")
        except FileNotFoundError:
            self._why.append(f"HAR model: no weights market.npz in {folder.name}/")
        except weights_on_disk.WeightsRefused as error:
            self._why.append(f"HAR model: {error}")
        return None

    # -- restarts --------------------------------------------------------------
    def snapshot(self) -> dict[str, Any]:
        """Return everything a restart needs, as plain data."""
        force = self._in_force
        return {
            "version": VERSION,
            "venue": self.profile.name,
            "alpha": self.alpha,
            "history": self._history.state(),
            "pending": [list(item) for item in self._pending],
            "squares": list(self._squares),
            "scores": self._scores.state(),
            "latency": self._latency.state(),
            "imbalance": self._imbalance.state(),
            "in_force": None if force is None else [force[key] for key in _PARAMS],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a :meth:`snapshot` of a tuner with the same venue and alpha.

        Raises
        ------
        UpgradeSoftware
            When a newer version wrote it.
        RecoverState
            When it is of another venue or unreadable; the tuner is as before.
        """
        version = state.get("version")
        if isinstance(version, int) and version > VERSION:
            raise UpgradeSoftware(f"expected tuner state of version {VERSION}, was {version}")
        same = state.get("venue") == self.profile.name and state.get("alpha") == self.alpha
        if version != VERSION or not same:
            raise RecoverState(
                f"expected tuner state of {self.profile.name} with alpha {self.alpha}, was of "
                f"{state.get('venue')} with {state.get('alpha')}; start the tuner without it"
            )
        try:
            history = RollingFeatures.restored(state["history"])
            pending = [(float(a), float(b), float(c)) for a, b, c in state["pending"]]
            squares = [float(value) for value in state["squares"]]
            scores, latency, imbalance = (
                AdaptiveConformal.restored(state[key]) for key in ("scores", "latency", "imbalance")
            )
            force = state["in_force"]
            in_force = None
            if force is not None:
                volatility, spike, ratio, cooling = (float(value) for value in force)
                in_force = TunerParams(volatility, spike, ratio, cooling)
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(
                f"expected a whole tuner state, was unreadable at {error}; start the tuner "
                "without it"
            ) from error
        self._history, self._pending, self._squares = history, pending, squares
        self._scores, self._latency, self._imbalance = scores, latency, imbalance
        self._in_force = in_force


def _check_keys(market: Mapping[str, float]) -> None:
    for key in market:
        if key not in UNITS:
            raise FixInput(f"expected the keys {', '.join(UNITS)}, was also {key!r}; leave it out")
    for key, unit in UNITS.items():
        if key not in market:
            raise FixInput(f"expected key {key} ({unit}), was missing")
        value = market[key]
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise FixInput(f"expected {key} to be a number ({unit}), was {value!r}")


def _clamp(value: float, static: float) -> float:
    if math.isnan(value):
        return static
    return min(max(value, LOWEST * static), HIGHEST * static)


def _slowly(before: float, wanted: float, static: float) -> float:
    return min(wanted, before + LOOSEN * static)
