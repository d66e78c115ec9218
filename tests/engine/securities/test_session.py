"""The session of a security: one bar a day, from the bars that the algorithm saw."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.run import run_backtest

ALGORITHM = """from AlgorithmImports import *


class Days(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 9)
        self.set_benchmark(lambda moment: 0)
        extended = self.get_parameter("extended") == "1"
        self.spy = self.add_equity("SPY", Resolution.MINUTE, extended_market_hours=extended)
        self.off = str(self.spy.session), self.spy.session.open, self.spy.session.count
        self.spy.session.size = 2
        self.days = {}
        self.shown = []

    def on_data(self, data):
        bar = data.bars.get(self.spy.symbol)
        if bar is None:
            return
        if self.spy.exchange.hours.is_open(bar.time, bar.end_time, False):
            self.days.setdefault(bar.time.date(), []).append(bar)
        session = self.spy.session
        today = self.days.get(self.time.date())
        if today:
            self.shown.append(
                (
                    (session.open, session.high, session.low, session.close, session.volume),
                    (
                        today[0].open,
                        max(b.high for b in today),
                        min(b.low for b in today),
                        today[-1].close,
                        sum(b.volume for b in today),
                    ),
                )
            )
"""


@pytest.mark.parametrize("extended", ["0", "1"])
def test_the_session_is_the_bar_of_the_regular_hours_so_far(
    extended: str, tmp_path: Path, lean_data: Path
) -> None:
    file = tmp_path / "main.py"
    file.write_text(ALGORITHM)

    result = run_backtest(
        file, lean_data, parameters={"extended": extended}, object_store=tmp_path / "store"
    )

    algorithm = result.algorithm
    assert result.error == ""
    assert algorithm.off == ("", 0.0, 0)
    assert len(algorithm.shown) >= 3 * 390
    for got, expected in algorithm.shown:
        assert got == pytest.approx(expected)
    session, days = algorithm.spy.session, algorithm.days
    yesterday = days[sorted(days)[-2]]
    assert session.count == session.size == 2
    assert session.is_ready
    assert session[1].close == yesterday[-1].close
    assert session[1].time.date() == yesterday[0].time.date()
    assert session[2] is None
