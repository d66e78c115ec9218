"""The four calls of BlockchainAudit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from protection.blockchain.audit import BlockchainAudit
from protection.blockchain.ledger import Ledger, open_reader
from protection.contracts.errors import FixInput

TRADE = {
    "timestamp": 1_700_000_000,
    "type": "trade",
    "symbol": "BTCUSD",
    "price": 37000.0,
    "size": 0.5,
    "side": "buy",
}


def test_it_works_without_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    audit = BlockchainAudit()

    first = audit.log_event(TRADE)
    second = BlockchainAudit().log_event(TRADE)

    assert first != second
    assert len(bytes.fromhex(first)) == 32
    assert audit.verify()
    assert audit.prove(first).holds()
    assert audit.prove(second).root.hex() == audit.merkle_root()
    with open_reader(tmp_path / "audit") as reader:  # durable before it was closed
        assert reader.size == 2
        assert reader.record(0).entry["time"] == "2023-11-14T22:13:20.000000Z"
        assert reader.record(0).entry["price"] == 37000
    audit.close()
    assert os.path.isdir("audit")


def test_a_changed_record_is_found(tmp_path: Path) -> None:
    audit = BlockchainAudit(tmp_path / "a")
    audit.log_event(TRADE)
    audit.close()
    segment = next((tmp_path / "a").glob("*.seg"))
    segment.write_bytes(segment.read_bytes().replace(b'"price":37000', b'"price":38000'))

    with pytest.raises(Exception, match="damaged"):
        BlockchainAudit(tmp_path / "a").verify()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timestamp": None}, "timestamp in seconds since 1970"),
        ({"timestamp": 1_700_000_000_000}, "divide milliseconds by 1000"),
        ({"timestamp": -1}, "timestamp in seconds"),
        ({"price": 0}, r"price \(a number above 0, in quote currency\)"),
        ({"price": float("nan")}, "price"),
        ({"price": "37000"}, "price"),
        ({"size": -1}, r"size \(a number above 0, in units\)"),
        ({"side": "long"}, '"buy" or "sell"'),
        ({"symbol": ""}, "symbol"),
        ({"prise": 1}, "did you mean price"),
        ({"colour": 1}, "known: timestamp"),
    ],
)
def test_impossible_trades_are_refused_with_key_and_unit(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    audit = BlockchainAudit(tmp_path / "a")
    with pytest.raises(FixInput, match=message):
        audit.log_event({**TRADE, **change})
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("key", list(TRADE))
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    event = {name: value for name, value in TRADE.items() if name != key}
    with pytest.raises(FixInput, match=f"expected {key} "):
        BlockchainAudit(tmp_path / "a").log_event(event)


def test_secrets_never_reach_the_disk(tmp_path: Path) -> None:
    audit = BlockchainAudit(tmp_path / "a", secret_names={"desk"})
    audit.log_event(
        {"timestamp": 1, "type": "login", "password": "hunter2", "desk": "top floor",
         "note": "used Bearer abcdefghijklmnop"}
    )  # fmt: skip
    audit.close()

    data = next((tmp_path / "a").glob("*.seg")).read_bytes()
    assert b"hunter2" not in data
    assert b"top floor" not in data
    assert b"abcdefghijklmnop" not in data
    assert b"[redacted]" in data


def test_a_ledger_of_ones_own_can_be_used(tmp_path: Path) -> None:
    with Ledger(tmp_path / "a") as ledger:
        audit = BlockchainAudit(ledger)
        assert audit.prove(audit.log_event(TRADE)).holds()
        with pytest.raises(FixInput, match="none has"):
            audit.prove("ab" * 32)
