"""Heads in a contract on an Ethereum chain.

A transaction counts as final when its block is still the chain's block of that height and enough
blocks stand on it; a re-organisation before that puts the head back into the queue. Keys never
come from a file of ours: the account is one the node holds, or a private key in an environment
variable that this module reads once.

``web3`` is needed (``pip install qmp-overrider[chain]``).
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operations.anchors.base import Anchored, AnchorRefused, AnchorUnreachable, admit
from operations.errors import OperationError

if TYPE_CHECKING:
    from protection.blockchain.checkpoint import Checkpoint

#: Where the private key is looked for when the node holds no account.
KEY_VARIABLE = "QMP_ANCHOR_KEY"
_LIMIT = 2**64


def contract_artifact() -> dict[str, Any]:
    """Return ABI, creation bytecode and compiler version of the contract."""
    path = Path(__file__).parent / "contract" / "AuditAnchor.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def connect(url: str) -> Any:
    """Return a web3 client for a node.

    Raises
    ------
    OperationError
        Without web3.
    AnchorUnreachable
        When the node does not answer.
    """
    try:
        from web3 import Web3
    except ImportError as error:
        raise OperationError(
            "expected the package web3 to speak to a chain, found none; "
            "pip install 'qmp-overrider[chain]'"
        ) from error
    client = Web3(Web3.HTTPProvider(url, request_kwargs={"timeout": 20}))
    if not client.is_connected():
        raise AnchorUnreachable(f"the node {url} does not answer")
    return client


def log_name(origin: str) -> bytes:
    """Return the 32 bytes by which the contract names a log: the SHA-256 of its origin."""
    import hashlib

    return hashlib.sha256(origin.encode()).digest()


class EthereumAnchor:
    """The contract of one log.

    Parameters
    ----------
    client : web3 client
    contract : address of the contract
    origin : name of the log
    confirmations : blocks, its own included, that make a transaction final
    account : address the node holds; None uses the key in ``QMP_ANCHOR_KEY``
    """

    def __init__(
        self,
        client: Any,
        contract: str,
        origin: str,
        *,
        confirmations: int = 12,
        account: str | None = None,
    ) -> None:
        if confirmations < 1:
            raise OperationError(f"expected at least 1 confirmation, was {confirmations}")
        self.client = client
        self.confirmations = confirmations
        self._account = account
        self.contract = client.eth.contract(
            address=client.to_checksum_address(contract), abi=contract_artifact()["abi"]
        )
        self._origin = origin
        self._checked = False

    @property
    def name(self) -> str:
        """Contract as people see it."""
        return f"chain {self.contract.address}"

    @classmethod
    def deploy(
        cls, client: Any, origin: str, *, account: str | None = None, confirmations: int = 12
    ) -> EthereumAnchor:
        """Create the contract of a log and wait until it is in a block."""
        artifact = contract_artifact()
        factory = client.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
        sent = _send(client, factory.constructor(log_name(origin)), account)
        receipt = client.eth.wait_for_transaction_receipt(sent, timeout=600)
        if receipt["status"] != 1:
            raise AnchorRefused("the chain refused the contract; look at the account's balance")
        return cls(
            client,
            receipt["contractAddress"],
            origin,
            confirmations=confirmations,
            account=account,
        )

    def _check(self) -> None:
        """Look once whether the address holds the contract of this log."""
        if self._checked:
            return
        found = self._call("log_name")
        if bytes(found) != log_name(self._origin):
            raise AnchorRefused(
                f"expected the contract of the log {self._origin!r} at {self.contract.address}, "
                "was that of another log"
            )
        self._checked = True

    def _call(self, function: str, *values: Any, block: Any = "latest") -> Any:
        from web3.exceptions import BadFunctionCallOutput, ContractLogicError

        try:
            return getattr(self.contract.functions, function)(*values).call(block_identifier=block)
        except (BadFunctionCallOutput, ContractLogicError) as error:
            raise AnchorRefused(
                f"expected the audit contract at {self.contract.address}, found something else: "
                f"{error}"
            ) from error
        except OSError as error:
            raise AnchorUnreachable(f"the node does not answer: {error}") from error

    def publish(self, head: Checkpoint) -> Anchored:
        """Send the head, or find that it is there; ``final`` says whether it can still go."""
        from web3.exceptions import ContractLogicError, Web3Exception

        if not 0 < head.size < _LIMIT:
            raise AnchorRefused(f"expected a head over 1 to 2^64 - 1 records, was {head.size}")
        self._check()
        known = self.heads()
        if not admit(head, known[-1] if known else None):
            return known[-1]
        call = self.contract.functions.anchor(head.size, head.root)
        try:
            sent = _send(self.client, call, self._account)
            receipt = self.client.eth.wait_for_transaction_receipt(sent, timeout=300)
        except ContractLogicError as error:
            raise AnchorRefused(f"{self.name} refused the head: {error}") from error
        except (Web3Exception, OSError) as error:
            raise AnchorUnreachable(f"{self.name} could not be written: {error}") from error
        if receipt["status"] != 1:
            raise AnchorRefused(f"{self.name} reverted transaction {bytes(sent).hex()}")
        return self.heads()[-1]

    def heads(self) -> list[Anchored]:
        """The newest head in the contract, which covers all before it, with its finality.

        It is read from the contract's storage, now and as it was ``confirmations - 1`` blocks ago:
        what the older state has too is final. No event logs are asked for, which public nodes
        limit.
        """
        from web3.exceptions import Web3Exception

        self._check()
        try:
            top = int(self.client.eth.block_number)
            size = int(self._call("size", block=top))
            if not size:
                return []
            root = bytes(self._call("roots", size, block=top))
            time = int(self._call("times", size, block=top))
            deep = top - self.confirmations + 1
            final = deep >= 0 and self._root_at(size, deep) == root
        except (Web3Exception, OSError) as error:
            raise AnchorUnreachable(f"{self.name} cannot be read: {error}") from error
        moment = datetime.fromtimestamp(time, UTC).isoformat()
        return [Anchored(size, root, self.name, f"block {top}", moment, final)]

    def _root_at(self, size: int, block: int) -> bytes:
        """Root over ``size`` records in an older state; nothing where there was no contract yet."""
        if not self.client.eth.get_code(self.contract.address, block_identifier=block):
            return b""
        return bytes(self._call("roots", size, block=block))


def _send(client: Any, call: Any, account: str | None) -> Any:
    """Sign and send a transaction; its hash."""
    if account is not None:
        return call.transact({"from": account})
    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        raise OperationError(
            f"expected the private key of the anchoring account in {KEY_VARIABLE}, was empty; set "
            "it in the environment of this command only, or name an account the node holds"
        )
    try:
        signer = client.eth.account.from_key(key)
    except ValueError:
        # the library's message may quote the key, so it goes no further
        raise OperationError(
            f"expected a private key of 32 bytes in hexadecimal in {KEY_VARIABLE}"
        ) from None
    made = call.build_transaction(
        {
            "from": signer.address,
            "nonce": client.eth.get_transaction_count(signer.address, "pending"),
            "chainId": client.eth.chain_id,
        }
    )
    return client.eth.send_raw_transaction(signer.sign_transaction(made).raw_transaction)
