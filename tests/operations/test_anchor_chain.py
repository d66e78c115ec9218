"""The contract on an EVM in this process: deploy, anchor, rewind, strangers, re-organisation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from operations.anchors.base import AnchorRefused, contradictions
from operations.anchors.ethereum import EthereumAnchor, contract_artifact
from operations.anchors.queue import AnchorQueue
from protection.blockchain.checkpoint import Checkpoint, write_checkpoint
from protection.blockchain.keys import new_signer
from protection.blockchain.ledger import Ledger

pytest.importorskip("web3")
pytest.importorskip("eth_tester")

ORIGIN = "desk-1"


@pytest.fixture
def chain() -> Any:
    from eth_tester import EthereumTester, PyEVMBackend
    from web3 import EthereumTesterProvider, Web3

    return Web3(EthereumTesterProvider(EthereumTester(PyEVMBackend())))


@pytest.fixture
def anchor(chain: Any) -> EthereumAnchor:
    return EthereumAnchor.deploy(chain, ORIGIN, account=chain.eth.accounts[0], confirmations=3)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "audit") as made:
        for number in range(5):
            made.append({"type": "note", "number": number})
        yield made


def head_of(ledger: Ledger) -> Checkpoint:
    return write_checkpoint(ledger, new_signer("desk", "hmac"), origin=ORIGIN)


def test_what_is_shipped_is_what_the_compiler_makes_of_the_source() -> None:
    vyper = pytest.importorskip("vyper")
    shipped = contract_artifact()
    folder = Path(__file__).parents[2] / "operations" / "anchors" / "contract"
    made = vyper.compile_code(
        (folder / "AuditAnchor.vy").read_text(encoding="utf-8"), output_formats=["abi", "bytecode"]
    )
    assert shipped["vyper"] == vyper.__version__
    assert json.loads(json.dumps(made["abi"])) == shipped["abi"]
    assert made["bytecode"] == shipped["bytecode"]


def test_a_head_is_anchored_becomes_final_and_the_ledger_is_verified_against_it(
    chain: Any, anchor: EthereumAnchor, ledger: Ledger
) -> None:
    head = head_of(ledger)
    kept = anchor.publish(head)
    assert (kept.size, kept.root, kept.final) == (5, head.root, False)
    chain.provider.ethereum_tester.mine_blocks(2)
    (kept,) = anchor.heads()
    assert kept.final
    ledger.append({"type": "note", "number": 5})
    assert contradictions(ledger, anchor.heads()) == []
    assert anchor.publish(head_of(ledger)).size == 6
    assert contradictions(ledger, anchor.heads()) == []


def test_a_shorter_or_rewritten_ledger_is_seen_from_the_chain(
    anchor: EthereumAnchor, ledger: Ledger, tmp_path: Path
) -> None:
    anchor.publish(head_of(ledger))
    with Ledger(tmp_path / "short") as short:
        short.append({"type": "note", "number": 0})
        assert "cut back" in contradictions(short, anchor.heads())[0]
        with pytest.raises(AnchorRefused, match="cut back"):
            anchor.publish(head_of(short))
    with Ledger(tmp_path / "other") as other:
        for number in range(5):
            other.append({"type": "note", "number": -number})
        assert "rewritten" in contradictions(other, anchor.heads())[0]
        with pytest.raises(AnchorRefused, match="rewritten"):
            anchor.publish(head_of(other))


def test_the_contract_itself_refuses_rewind_repeat_emptiness_and_strangers(
    chain: Any, anchor: EthereumAnchor, ledger: Ledger
) -> None:
    from eth_tester.exceptions import TransactionFailed

    owner, stranger = chain.eth.accounts[:2]
    anchor.publish(head_of(ledger))
    functions = anchor.contract.functions
    for size, root, who, words in (
        (4, b"\1" * 32, owner, "larger size"),
        (5, b"\1" * 32, owner, "larger size"),
        (6, b"\0" * 32, owner, "a root"),
        (6, b"\1" * 32, stranger, "the owner"),
    ):
        with pytest.raises(TransactionFailed, match=words):
            functions.anchor(size, root).transact({"from": who})
    assert anchor.heads()[-1].size == 5


def test_ownership_changes_in_two_steps(chain: Any, anchor: EthereumAnchor) -> None:
    from eth_tester.exceptions import TransactionFailed

    owner, heir, stranger = chain.eth.accounts[:3]
    functions = anchor.contract.functions
    with pytest.raises(TransactionFailed, match="the owner"):
        functions.offer_ownership(stranger).transact({"from": stranger})
    functions.offer_ownership(heir).transact({"from": owner})
    assert functions.owner().call() == owner
    with pytest.raises(TransactionFailed, match="the candidate"):
        functions.take_ownership().transact({"from": stranger})
    functions.take_ownership().transact({"from": heir})
    assert functions.owner().call() == heir
    functions.anchor(1, b"\1" * 32).transact({"from": heir})
    with pytest.raises(TransactionFailed, match="the owner"):
        functions.anchor(2, b"\1" * 32).transact({"from": owner})


def test_another_logs_contract_is_not_written_to(chain: Any, ledger: Ledger) -> None:
    other = EthereumAnchor.deploy(chain, "desk-2", account=chain.eth.accounts[0])
    mine = EthereumAnchor(chain, other.contract.address, ORIGIN, account=chain.eth.accounts[0])
    with pytest.raises(AnchorRefused, match="another log"):
        mine.publish(head_of(ledger))


def test_a_reorganisation_puts_the_head_back_into_the_queue(
    chain: Any, anchor: EthereumAnchor, ledger: Ledger, tmp_path: Path
) -> None:
    tester = chain.provider.ethereum_tester
    before = tester.take_snapshot()
    queue = AnchorQueue(tmp_path / "standing.json", [anchor])
    head = head_of(ledger)
    queue.work(head, now=0.0)
    assert queue.waiting(head.size) == [anchor.name]
    tester.revert_to_snapshot(before)
    assert anchor.heads() == []
    again = AnchorQueue(tmp_path / "standing.json", [anchor])
    again.work(head, now=60.0)
    assert anchor.heads()[-1].root == head.root
    tester.mine_blocks(3)
    again.work(head, now=120.0)
    assert again.waiting(head.size) == []


def test_a_key_in_the_environment_signs_and_never_shows_in_an_error(
    chain: Any, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from operations.errors import OperationError

    key = "0x" + "11" * 32
    address = chain.eth.account.from_key(key).address
    chain.eth.send_transaction({"from": chain.eth.accounts[0], "to": address, "value": 10**19})
    monkeypatch.setenv("QMP_ANCHOR_KEY", key)
    made = EthereumAnchor.deploy(chain, ORIGIN)
    assert made.publish(head_of(ledger)).size == 5
    monkeypatch.setenv("QMP_ANCHOR_KEY", "0xsecret")
    with pytest.raises(OperationError) as caught:
        EthereumAnchor.deploy(chain, ORIGIN)
    assert "secret" not in str(caught.value)
    monkeypatch.setenv("QMP_ANCHOR_KEY", "")
    with pytest.raises(OperationError, match="QMP_ANCHOR_KEY"):
        EthereumAnchor.deploy(chain, ORIGIN)
