"""The study behind the slippage table: its fills, LEAN's models in it, and what it shows."""

from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import slippage as study
from engine.securities.slippage import VolumeShareSlippageModel
from engine.types.bars import TradeBar
from protection.execution import OwnFill, SlippageModel


def test_leans_volume_share_is_that_of_the_engine() -> None:
    shares = [0.0001, 0.01, 0.025, 0.3]
    ours = study.volume_share(np.array(shares), study.PRICE_IMPACT)
    bar = TradeBar(datetime(2020, 1, 2), None, 100, 100, 100, 100, 10_000)
    asset = SimpleNamespace(get_last_data=lambda: bar, type=None)
    for share, value in zip(shares, ours, strict=True):
        order = SimpleNamespace(_absolute_quantity=round(share * 10_000), direction=None)
        theirs = VolumeShareSlippageModel().get_slippage_approximation(asset, order)
        assert value * 100 == pytest.approx(theirs)


def write(path: Path, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(path.stem + ".csv", "\n".join(rows))


def test_the_tapes_orders_are_the_aggressors_net_against_the_quote_before(tmp_path: Path) -> None:
    """Two seconds by hand: 300 bought against 100 sold, then a print far from the market."""
    nine_thirty = study.OPEN
    quote = "{},0,0,0,1000000,1,0,0,0,1000200,1"  # 100.00 to 100.02: middle 100.01
    write(
        tmp_path / "second" / "spy" / "20200102_quote.zip",
        [quote.format(nine_thirty - 1000 + 1000 * i) for i in range(3)],
    )
    write(
        tmp_path / "tick" / "spy" / "20200102_trade.zip",
        [
            f"{nine_thirty + 10},1000200,200,P,0,0",
            f"{nine_thirty + 20},1000300,100,P,0,0",
            f"{nine_thirty + 30},1000000,100,P,0,0",
            f"{nine_thirty + 1010},1010000,900,P,0,0",
            f"{nine_thirty + 1020},1000000,50,P,0,0",
        ],
    )
    found = study.tape_orders(tmp_path, "20200102", 1000)
    (first, second) = found[nine_thirty]
    paid = (200 * 100.02 + 100 * 100.03) / 300
    assert first == pytest.approx((200.0, paid / 100.01 - 1))
    assert second == pytest.approx((50.0, 1 - 100.00 / 100.01))


def test_half_spreads_are_predicted_twice_as_well_as_by_leans_models(lean_data: Path) -> None:
    """Three shares and funds, two days to fit and one to test; the whole is in the docs."""
    rows: dict[str, list[tuple]] = {"train": [], "test": []}
    for symbol in ("aig", "bac", "ibm"):
        model = SlippageModel()
        for day, half in (("20131004", "train"), ("20131007", "train"), ("20131009", "test")):
            fills = study.day_fills(lean_data / "equity" / "usa", symbol, day, model)
            rows[half] += [row[1:] for row in fills]
    _, train = study.columns(rows["train"])
    _, test = study.columns(rows["test"])
    own = [OwnFill(row[0], row[2], row[3], max(row[1], 1e-6)) for row in train]
    wild = test[:, 1] >= np.quantile(test[:, 1], 0.8)
    assert wild.sum() > 200
    errors = {
        name: float(np.mean(np.abs(predicted - test[:, 0])[wild]))
        for name, predicted in study.predictions(train, test, own).items()
    }
    ours = errors.pop("ours, calibrated")
    errors.pop("ours, published coefficients")
    assert len(errors) == 5
    assert all(theirs > 2 * ours for theirs in errors.values())
