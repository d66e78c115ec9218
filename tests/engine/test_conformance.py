"""The page about the API says what an algorithm really meets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.notebook import QuantBook
from engine.types.errors import EngineUnsupported
from tools.conformance import Coverage, coverage

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("LEAN_DATA", ROOT / "../shared/lean-data"))


@pytest.fixture(scope="module")
def qc_algorithm() -> Coverage:
    from engine.shim.exports import exports

    exports()
    return coverage("QCAlgorithm")


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> QuantBook:
    monkeypatch.setenv("LEAN_DATA", str(DATA))
    return QuantBook()


def test_every_implemented_member_of_an_algorithm_is_there(
    qc_algorithm: Coverage, book: QuantBook
) -> None:
    missing = []
    for name in qc_algorithm.implemented:
        try:
            getattr(book, name)
        except (AttributeError, EngineUnsupported):
            missing.append(name)

    assert len(qc_algorithm.implemented) > 250
    assert missing == []


def test_every_refused_member_of_an_algorithm_says_what_to_use_instead(
    qc_algorithm: Coverage, book: QuantBook
) -> None:
    assert all(name.isupper() for name in qc_algorithm.absent), qc_algorithm.absent
    for name in qc_algorithm.refused:
        with pytest.raises(EngineUnsupported, match="use lean backtest"):
            getattr(book, name)


def test_orders_and_events_have_all_that_algorithms_read() -> None:
    for name in ("OrderTicket", "OrderEvent", "OrderResponse"):
        assert {"order_id"} <= set(coverage(name).implemented)
