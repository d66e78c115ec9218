"""``history`` of dividends, splits, delistings and renames.

The counts and dates are those of LEAN's ``HistoryAuxiliaryDataRegressionAlgorithm`` (commit
24863901), on its data.
"""

from __future__ import annotations

from pathlib import Path

from engine.run import run_backtest

SOURCE = """
from AlgorithmImports import *

class Events(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2021, 1, 1)
        self.set_end_date(2021, 1, 5)
        aapl = self.add_equity("AAPL", Resolution.DAILY).symbol
        spy, gone, renamed = (
            Symbol.create(name, SecurityType.EQUITY, Market.USA)
            for name in ("SPY", "AAA.1", "SPWR")
        )
        both = self.history(Dividend, [aapl, spy], 360, Resolution.DAILY)
        self.log(f"{len(both)} {(both.distribution > 0).all()}")
        paid = self.history(Dividend, aapl, 360)
        self.log(f"{list(paid.columns)} {paid.distribution.tolist()}")
        splits = self.history(Split, aapl, 360)
        self.log(f"{[str(i[1].date()) for i in splits.index]} {splits.splitfactor.tolist()}")
        ends = self.history(Delisting, gone, datetime(2007, 5, 15), datetime(2007, 5, 21))
        kinds = [DelistingType.WARNING, DelistingType.DELISTED]
        self.log(f"{len(ends)} {[a == b for a, b in zip(ends.type, kinds)]}")
        span = datetime(2007, 1, 1), datetime(2012, 1, 1)
        names = self.history(SymbolChangedEvent, renamed, *span)
        self.log(f"{names.oldsymbol.tolist()} {names.newsymbol.tolist()}")
        self.log(f"{[str(i[1].date()) for i in names.index]}")
        one = list(self.history[Dividend](aapl, 360))
        self.log(f"{len(one)} {type(one[0]).__name__} {one[-1].distribution}")
        coin = self.add_crypto("BTCUSD", Resolution.DAILY, Market.COINBASE).symbol
        self.log(f"{self.history(Dividend, coin, 360).empty}")
        self.log(f"{self.history(aapl, 3).columns.tolist()}")
"""


def test_corporate_events_of_the_past_are_those_of_lean(tmp_path: Path, lean_data: Path) -> None:
    file = tmp_path / "events.py"
    file.write_text(SOURCE)

    result = run_backtest(file, lean_data)

    assert result.error == ""
    assert [line[20:] for line in result.content["log"]] == [
        "12 True",
        "['distribution', 'referenceprice'] [0.77, 0.77, 0.77, 0.82, 0.82, 0.21]",
        "['2020-08-28', '2020-08-31'] [0.25, 0.25]",
        "2 [True, True]",
        "['SPWR', 'SPWRA'] ['SPWRA', 'SPWR']",
        "['2008-09-30', '2011-11-17']",
        "6 Dividend 0.21",
        "True",
        "['close', 'high', 'low', 'open', 'volume']",
    ]
