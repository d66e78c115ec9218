"""Speed of the checks before an order and of sizing: ``make bench-risk``.

Single calls are timed in blocks of 200; what is told is the block with the least median, so that
other programs on the machine do not count as ours. Every call judges another order.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any

import numpy as np
from scipy.optimize import minimize

from benchmarks.risk import Row, best
from protection.contracts.actions import Action, Verdict
from protection.contracts.limit_settings import ExposureSettings, TailSettings
from protection.contracts.records import OrderRequest, Portfolio, Position
from protection.contracts.settings import LimitSettings
from protection.decision import risk_contributions, risk_parity
from protection.risk.gate import OrderGate
from protection.risk.limits.base import Candidate
from protection.risk.limits.book import book_within
from protection.risk.limits.build import FurtherLimits
from protection.risk.limits.tally import Holdings, Shape
from protection.risk.orders import Flight

SYMBOLS, SESSIONS, BLOCK, BLOCKS = 20, 252, 200, 40
NAMES = [f"S{i}" for i in range(SYMBOLS)]
NOW = datetime(2020, 1, 6, 21, tzinfo=UTC)
MEDIAN, SLOWEST = 20e-6, 100e-6


def quiet(function: Callable[[], Any]) -> tuple[float, float]:
    """Median and 99% quantile of single calls, seconds, of the quietest block."""
    for _ in range(BLOCK):
        function()
    found = []
    for _ in range(BLOCKS):
        times = []
        for _ in range(BLOCK):
            start = time.thread_time_ns()
            function()
            times.append((time.thread_time_ns() - start) * 1e-9)
        times.sort()
        found.append((statistics.median(times), times[int(0.99 * BLOCK)]))
    return min(found)


class Desk:
    """An account of 20 positions, its limits after 330 sessions, and orders to judge."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        sectors = "; ".join(f"{name}=sector{i % 4}" for i, name in enumerate(NAMES))
        exposure = ExposureSettings(
            max_net=3.0, max_sector=2.0, sectors=sectors, max_positions=50, max_concentration=1.0
        )
        further = FurtherLimits(exposure, TailSettings(watch=True, window=SESSIONS))
        more, tail = further.limits, further.tail
        assert tail is not None
        self.more, self.tail = more, tail
        self.history = rng.standard_t(4, (330, SYMBOLS)) * 0.007
        prices = 100.0 * np.cumprod(1.0 + self.history, axis=0)
        start = datetime(2019, 1, 1, tzinfo=UTC).date()
        for day, row in enumerate(prices):
            for name, price in zip(NAMES, row, strict=True):
                tail.observe(name, start + timedelta(days=day), float(price))
        self.prices = [float(price) for price in prices[-1]]
        self.gate = OrderGate(
            LimitSettings(max_position=0.5, max_leverage=3.0),
            RLock(),
            lambda: False,
            lambda symbol: None,
            timedelta(days=5),
            None,
            more,
        )
        # what the gate works out once for a snapshot and what is in flight
        self.holdings, self.flight = Holdings(self.fresh().positions), Flight(())
        self.shape = Shape(self.holdings, self.flight, lambda symbol: None)
        self.count = 0
        self.standing = Verdict(Action.ALLOW)
        self.account = self.fresh()

    def fresh(self) -> Portfolio:
        """The account anew, as a host would read it."""
        positions = {
            name: Position(name, 300.0, price, price)
            for name, price in zip(NAMES, self.prices, strict=True)
        }
        return Portfolio(NOW, 1e6, positions)

    def limits(self) -> None:
        """Judge an order by the further limits alone, in an account that is known."""
        self.count += 1
        i = self.count % SYMBOLS
        candidate = Candidate(
            NAMES[i], 1.0, self.prices[i], self.account, (), 1.0, lambda symbol: None
        )
        candidate.book = book_within(candidate, self.holdings, self.flight, self.shape, ())
        for limit in self.more:
            assert limit.object(candidate) is None

    def judge(self) -> None:
        """Judge an order by the whole gate, and take it back."""
        self.count += 1
        i = self.count % SYMBOLS
        order = OrderRequest(
            self.count, NAMES[i], 1.0, reference_price=self.prices[i], reference_time=NOW
        )
        verdict = self.gate.judge(
            order, self.account, lambda symbol, strategy: self.standing, lambda asked, answer: ""
        )
        assert verdict.allowed
        self.gate.book.withdraw(self.count)

    def judge_anew(self) -> None:
        """The same in an account that was read anew, so that nothing is known of it."""
        self.account = Portfolio(NOW, 1e6, dict(self.account.positions))
        self.judge()

    def plain(self) -> None:
        """The same questions in plain NumPy, as one would write them in a strategy."""
        self.count += 1
        i = self.count % SYMBOLS
        returns = self.history[-SESSIONS:]
        held = np.array([p.quantity * p.price for p in self.account.positions.values()])
        after = held.copy()
        after[i] += self.prices[i]
        for book in (held, after):
            losses = -(returns @ (book / 1e6))
            var = np.quantile(losses, 0.95)
            es = losses[losses >= var].mean()
            assert var < 0.08
            assert es < 0.075
        weights = after / 1e6
        assert abs(weights.sum()) < 3.0
        assert np.abs(weights).sum() < 3.0
        assert np.abs(weights[i % 4 :: 4]).sum() < 2.0
        assert np.count_nonzero(weights) <= 50
        assert (weights**2).sum() < 1.0
        assert weights[i] < 0.5


def portfolio_rows() -> list[Row]:
    """Order checks."""
    desk = Desk()
    tail = desk.tail.feed.tail
    assert tail is not None
    book = np.array([300.0 * price / 1e6 for price in desk.prices])
    effect = quiet(lambda: tail.order_effect(book, 3, 1e-3, 0.95))
    row = desk.history[-1]
    update = quiet(lambda: tail.update(row))
    plain = quiet(desk.plain)
    limits = quiet(desk.limits)
    judge = quiet(desk.judge)
    anew = quiet(desk.judge_anew)
    size = f"{SYMBOLS} x {SESSIONS}"
    return [
        Row("VaR/ES update, one bar, median", update[0], None, "", MEDIAN, size),
        Row("VaR/ES update, one bar, 99%", update[1], None, "", SLOWEST, size),
        Row("VaR/ES of one order, median", effect[0], None, "", MEDIAN, size),
        Row("VaR/ES of one order, 99%", effect[1], None, "", SLOWEST, size),
        Row("order check, median", limits[0], None, "", MEDIAN, "net to ES"),
        Row("order check, 99%", limits[1], None, "", SLOWEST, "net to ES"),
        Row("order check", limits[0], plain[0], "plain NumPy", 1.0, "same questions"),
        Row("whole gate, median", judge[0], None, "", MEDIAN, "and position, gross, counting it"),
        Row("whole gate, 99%", judge[1], None, "", SLOWEST, f"{1 / judge[0]:,.0f} a second"),
        Row("whole gate, account read anew, median", anew[0], None, "", MEDIAN, "reading included"),
        Row("whole gate, account read anew, 99%", anew[1], None, "", SLOWEST),
    ]


def parity_rows() -> list[Row]:
    """Risk parity of 100 assets."""
    rng = np.random.default_rng(1)
    factors = rng.normal(0, 1, (100, 5)) * 0.01
    covariance = factors @ factors.T + np.diag(rng.uniform(0.005, 0.02, 100) ** 2)
    ours = best(lambda: risk_parity(covariance, tolerance=1e-8), repeats=50)
    error = np.abs(risk_contributions(risk_parity(covariance, tolerance=1e-8), covariance) - 0.01)
    deviation = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviation, deviation)

    def descend() -> Any:
        return minimize(
            lambda y: 0.5 * y @ correlation @ y - np.log(y).sum() / 100.0,
            np.full(100, 0.1),
            jac=lambda y: correlation @ y - 0.01 / y,
            method="L-BFGS-B",
            bounds=[(1e-9, None)] * 100,
            options={"ftol": 1e-16, "gtol": 1e-10, "maxiter": 2000},
        ).x

    weights = descend() / deviation
    theirs = np.abs(risk_contributions(weights / weights.sum(), covariance) - 0.01).max()
    peer = best(descend, repeats=5)
    return [
        Row("risk parity, 100 assets", ours, None, "", 1e-3, f"error {error.max():.0e}"),
        Row(
            "risk parity, 100 assets", ours, peer, "L-BFGS", 1.0, f"error of the peer {theirs:.0e}"
        ),
    ]


def rows() -> list[Row]:
    """Every row of the table."""
    return portfolio_rows() + parity_rows()
