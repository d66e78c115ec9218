"""The golden set: trusted rows, what they imply, and a hash that proves they are the same."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protection.contracts.errors import FixInput, RecoverState
from protection.gating.gauss import factor

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Model:
    """Mean and covariance with the number of rows behind them.

    Attributes
    ----------
    location, covariance : (p,) and (p, p), finite, the covariance symmetric
    rows : independent observations behind the estimate; may be an effective number
    """

    location: Array
    covariance: Array
    rows: float

    def __post_init__(self) -> None:
        location = np.array(self.location, dtype=float, ndmin=1)
        covariance = np.array(self.covariance, dtype=float, ndmin=2)
        p = location.size
        if location.ndim != 1 or covariance.shape != (p, p):
            raise FixInput(f"expected covariance of shape ({p}, {p}), was {covariance.shape}")
        if not (np.isfinite(location).all() and np.isfinite(covariance).all()):
            raise FixInput("expected a finite model, was not")
        if not np.allclose(covariance, covariance.T, rtol=1e-8, atol=0.0):
            raise FixInput("expected a symmetric covariance, was not")
        if not 0.0 < self.rows < math.inf:
            raise FixInput(f"expected rows above 0, was {self.rows!r}")
        covariance = (covariance + covariance.T) / 2.0
        for name, value in (("location", location), ("covariance", covariance)):
            value.flags.writeable = False
            object.__setattr__(self, name, value)

    @property
    def p(self) -> int:
        """Number of columns."""
        return int(self.location.size)

    @classmethod
    def of(cls, rows: Any) -> Model:
        """Sample mean and covariance (divisor n - 1) of rows (n, p).

        Raises
        ------
        FixInput
            For rows that are not a finite table of two rows at least.
        """
        table = as_rows(rows)
        return cls(table.mean(axis=0), np.atleast_2d(np.cov(table.T)), float(len(table)))

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "location": self.location.tolist(),
            "covariance": self.covariance.tolist(),
            "rows": float(self.rows),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Model:
        """The model of :meth:`to_dict`."""
        return cls(np.array(plain["location"]), np.array(plain["covariance"]), plain["rows"])


def as_rows(rows: Any, columns: int | None = None) -> Array:
    """A finite float table (n, p), n at least 2.

    Raises
    ------
    FixInput
        For anything else.
    """
    try:
        table = np.array(rows, dtype=float, order="C")
    except (TypeError, ValueError) as error:
        raise FixInput(f"expected a table of numbers: {error}") from error
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < 1:
        raise FixInput(f"expected rows of shape (n, p) with n of at least 2, was {table.shape}")
    if columns is not None and table.shape[1] != columns:
        raise FixInput(f"expected {columns} columns as in the anchor, was {table.shape[1]}")
    if not np.isfinite(table).all():
        raise FixInput("expected finite rows, was not; leave rows with gaps out")
    return table


@dataclass(frozen=True, slots=True)
class Anchor:
    """Golden set that candidates are held against.

    Parameters
    ----------
    rows : (n, p) trusted observations in time order; kept read-only
    provenance : where they come from, in plain data: sources, span, who vouches
    rate : share of clean rows that may lie beyond :attr:`radius`

    Raises
    ------
    FixInput
        For rows that are not finite, or whose covariance is singular.
    """

    rows: Array
    provenance: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 1e-4
    model: Model = field(init=False)
    lower: Array = field(init=False)
    radius: float = field(init=False)
    """Mahalanobis distance beyond which an observation is an anomaly, see :func:`radius_of`."""
    proven: bool = field(init=False)
    """Whether the anchor is long enough for ``rate`` to be more than an extrapolation."""
    digest: str = field(init=False)
    """SHA-256 over rows, rate and provenance."""

    def __post_init__(self) -> None:
        table = as_rows(self.rows)
        if table.shape[0] <= table.shape[1]:
            raise FixInput(
                f"expected more rows than the {table.shape[1]} columns, was {table.shape[0]}"
            )
        table.flags.writeable = False
        model = Model.of(table)
        lower = factor(model.covariance, "the anchor's covariance")
        solved = np.linalg.solve(lower, (table - model.location).T)
        radius, proven = radius_of((solved * solved).sum(axis=0), table.shape[1], self.rate)
        for name, value in (
            ("rows", table),
            ("model", model),
            ("lower", lower),
            ("radius", radius),
            ("proven", proven),
            ("digest", _digest(table, self.provenance, self.rate)),
        ):
            object.__setattr__(self, name, value)

    @property
    def p(self) -> int:
        """Number of columns."""
        return self.model.p

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.rows.shape[0])

    def distances(self, rows: Any) -> Array:
        """Mahalanobis distances of rows (n, p) from the anchor."""
        table = as_rows(rows, self.p)
        solved = np.linalg.solve(self.lower, (table - self.model.location).T)
        distances: Array = np.sqrt((solved * solved).sum(axis=0))
        return distances

    def to_dict(self) -> dict[str, Any]:
        """Plain data with the hash inside."""
        return {
            "shape": list(self.rows.shape),
            "rows": base64.b64encode(self.rows.astype("<f8").tobytes()).decode(),
            "provenance": dict(self.provenance),
            "rate": self.rate,
            "digest": self.digest,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Anchor:
        """The anchor of :meth:`to_dict`.

        Raises
        ------
        RecoverState
            When rows or provenance are not those that were hashed.
        """
        try:
            flat = np.frombuffer(base64.b64decode(plain["rows"]), dtype="<f8")
            anchor = cls(flat.reshape(plain["shape"]), plain["provenance"], plain["rate"])
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(f"expected a stored anchor, could not read it: {error}") from error
        if anchor.digest != plain["digest"]:
            raise RecoverState(
                f"expected an anchor of hash {plain['digest']}, was {anchor.digest}: rows or "
                "provenance were changed; restore the golden set from its source"
            )
        return anchor


def _digest(rows: Array, provenance: Mapping[str, Any], rate: float) -> str:
    try:
        words = json.dumps(
            {"provenance": dict(provenance), "rate": rate, "shape": list(rows.shape)},
            sort_keys=True,
            allow_nan=False,
        )
    except (TypeError, ValueError) as error:
        raise FixInput(f"expected provenance to be plain finite data, was not: {error}") from error
    return hashlib.sha256(words.encode() + b"\0" + rows.astype("<f8").tobytes()).hexdigest()


def radius_of(squares: Array, p: int, rate: float) -> tuple[float, bool]:
    """Radius that a clean new row leaves with probability ``rate``, and whether data prove it.

    With at least ``1/rate - 1`` rows it is the conformal order statistic, proven for rows that
    could change places. With fewer it is an extrapolation: the larger of the Gaussian answer for
    an estimated anchor, ``p (n+1)(n-1) / (n (n-p)) F^-1``, and a generalised Pareto tail through
    the largest tenth of the anchor's own squared distances (probability-weighted moments,
    Hosking and Wallis 1987).
    """
    from scipy import stats

    n = squares.size
    ordered = np.sort(squares)
    rank = math.ceil((n + 1) * (1.0 - rate))
    if rank <= n:
        return math.sqrt(float(ordered[rank - 1])), True
    gauss = float(stats.f.isf(rate, p, n - p)) * p * (n + 1) * (n - 1) / (n * (n - p))
    count = max(10, n // 10)
    if count >= n:
        return math.sqrt(gauss), False
    edge = float(ordered[-count - 1])
    excess = ordered[-count:] - edge
    first = float(excess.mean())
    second = float((excess * (1.0 - (np.arange(1, count + 1) - 0.35) / count)).mean())
    if first - 2.0 * second <= 0.0:
        return math.sqrt(gauss), False
    shape = 2.0 - first / (first - 2.0 * second)
    scale = 2.0 * first * second / (first - 2.0 * second)
    ratio = rate * n / count
    tail = -math.log(ratio) if abs(shape) < 1e-9 else (ratio**-shape - 1.0) / shape
    return math.sqrt(max(gauss, edge + scale * tail)), False
