"""Universes that follow data: a file of the user's own, and the lists of the data folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from engine.run import run_backtest

sys.path.insert(0, str(Path(__file__).parents[1] / "run"))

import run_kit as kit

ALGORITHM = """from AlgorithmImports import *


class Picks(PythonData):
    def get_source(self, config, date, is_live_mode):
        return SubscriptionDataSource("@PATH@", SubscriptionTransportMedium.LOCAL_FILE)

    def reader(self, config, line, date, is_live_mode):
        cells = line.split(",")
        pick = Picks()
        pick.symbol = config.symbol
        pick.time = datetime.strptime(cells[0], "%Y%m%d")
        pick["Tickers"] = cells[1:]
        return pick


class Follows(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 1, 2)
        self.set_end_date(2013, 1, 18)
        self.set_benchmark(lambda moment: 0)
        self.universe_settings.resolution = Resolution.DAILY
        self.asked, self.seen = [], []
        if self.get_parameter("lists") == "1":
            name = SecurityIdentifier.generate_constituent_identifier(
                "constituents-universe-small", SecurityType.EQUITY, Market.USA
            )
            self.add_universe(
                ConstituentsUniverse(
                    Symbol(name, "constituents-universe-small"), self.universe_settings
                )
            )
        else:
            universe = self.add_universe(Picks, self.pick)
            frame = self.history(universe, 2)
            self.past = [list(value) for value in frame["tickers"]]

    def pick(self, points):
        self.asked.append((str(self.time), [list(point["Tickers"]) for point in points]))
        names = [name for point in points for name in point["Tickers"]]
        return Universe.UNCHANGED if names == ["same"] else [n for n in names if n != "none"]

    def on_securities_changed(self, changes):
        added = sorted(s.symbol.value for s in changes.added_securities)
        gone = sorted(s.symbol.value for s in changes.removed_securities)
        self.seen.append((str(self.time.date()), added, gone))
"""
PICKS = "20121231,AAA\n20130102,AAA\n20130104,same\n20130108,BBB\n20130110,AAA,BBB\n20130115,none\n"


def run(tmp_path: Path, lean_data: Path, **parameters: str) -> Any:
    data = kit.make_folder(tmp_path / "data", lean_data)
    kit.write_zip(data, kit.rows(seed=2), "bbb")
    usa = data / "equity" / "usa"
    (usa / "map_files" / "bbb.csv").write_text("20100101,bbb,Q\n20501231,bbb,Q\n")
    (usa / "factor_files" / "bbb.csv").write_text("20100101,1,1,1\n20501231,1,1,0\n")
    lists = usa / "universes" / "daily" / "small"
    lists.mkdir(parents=True)
    from engine.types.symbol import SecurityIdentifier

    for day, tickers in (("20130103", "AB"), ("20130107", "A"), ("20130109", "")):
        rows = [
            f"{letter * 3},{SecurityIdentifier.generate_equity(letter * 3, 'usa', False)}"
            for letter in tickers
        ]
        (lists / f"{day}.csv").write_text("\n".join(rows or ["NONE,NONE 0"]) + "\n")
    file = tmp_path / "picks.csv"
    file.write_text(PICKS)
    path = kit.write_algorithm(tmp_path / "algo", ALGORITHM.replace("@PATH@", str(file)))
    result = run_backtest(path, data, parameters=parameters, object_store=tmp_path / "store")
    assert result.error == ""
    return result.algorithm


def test_a_function_of_user_data_is_asked_when_there_is_data_and_chooses_the_members(
    tmp_path: Path, lean_data: Path
) -> None:
    algorithm = run(tmp_path, lean_data)

    assert [(time[:10], names) for time, names in algorithm.asked] == [
        ("2013-01-02", [["AAA"]]),
        ("2013-01-04", [["same"]]),
        ("2013-01-08", [["BBB"]]),
        ("2013-01-10", [["AAA", "BBB"]]),
        ("2013-01-15", [["none"]]),
    ]
    assert algorithm.seen == [
        ("2013-01-02", ["AAA"], []),
        ("2013-01-08", ["BBB"], ["AAA"]),
        ("2013-01-10", ["AAA"], []),
        ("2013-01-15", [], ["AAA", "BBB"]),
    ]
    assert algorithm.past[-1] == ["AAA"]


def test_lists_of_the_data_folder_count_from_the_next_midnight_on(
    tmp_path: Path, lean_data: Path
) -> None:
    algorithm = run(tmp_path, lean_data, lists="1")

    # from the midnight after a list's day; the list of a Monday counts from Tuesday
    assert algorithm.seen == [
        ("2013-01-04", ["AAA", "BBB"], []),
        ("2013-01-08", [], ["BBB"]),
        ("2013-01-10", [], ["AAA"]),
    ]


def test_a_subscription_to_anything_but_user_data_makes_no_list_universe() -> None:
    from types import SimpleNamespace

    from engine.types.bars import TradeBar
    from engine.types.errors import InvalidOperationException
    from engine.universes.constituents import ConstituentsUniverse

    config = SimpleNamespace(is_custom_data=False, _type=TradeBar)
    with pytest.raises(InvalidOperationException, match="TradeBar SubscriptionDataConfig only"):
        ConstituentsUniverse(config, None)
