"""Redaction, commitments, and erasing without breaking a proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from protection.blockchain.ledger import Ledger
from protection.blockchain.privacy import REDACTED, PersonalVault, commit, opens, redact
from protection.contracts.errors import FixInput
from protection.contracts.stores import FileStateStore, MemoryStateStore


@pytest.mark.parametrize(
    "name",
    ["password", "api_key", "apiKey", "API-KEY", "secret", "client_secret", "access_token",
     "Authorization", "private_key", "mnemonic", "passphrase", "cookies"],
)  # fmt: skip
def test_fields_named_like_secrets_are_blacked_out(name: str) -> None:
    assert redact({"a": {name: "value"}}) == {"a": {name: REDACTED}}


@pytest.mark.parametrize("name", ["symbol", "tokenised", "author", "pinned", "keyboard", "seed"])
def test_other_fields_are_not(name: str) -> None:
    assert redact({name: "value"}) == {name: "value"}


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a" * 36,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlMTIz",
        "postgres://user:pw@host/db",
    ],
)
def test_texts_that_look_like_secrets_are_blacked_out(text: str) -> None:
    assert redact([{"note": f"see {text} !"}]) != [{"note": f"see {text} !"}]
    assert REDACTED in redact(text)


def test_a_commitment_opens_with_its_value_and_salt_alone() -> None:
    made, again = commit({"name": "Ann"}), commit({"name": "Ann"})

    assert made.digest != again.digest
    assert opens(made.digest, {"name": "Ann"}, made.salt)
    assert not opens(made.digest, {"name": "Bob"}, made.salt)
    assert not opens(made.digest, {"name": "Ann"}, again.salt)
    assert not opens(made.digest, {"name": "Ann"}, "no hex")


def test_personal_data_can_be_erased_and_every_proof_still_holds(tmp_path: Path) -> None:
    vault = PersonalVault(FileStateStore(tmp_path / "personal"))
    with Ledger(tmp_path / "a") as ledger:
        entry = vault.seal({"type": "order", "trader": "Ann", "price": 1}, ["trader"])
        receipt = ledger.append(entry)
        digest = ledger.record(receipt.seq).entry["trader"]["commitment"]
        assert vault.open(digest) == "Ann"

        vault.erase(digest)

        assert vault.open(digest) is None
        assert ledger.prove(receipt.seq).holds()
        assert ledger.verify()
    folder = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Ann" not in folder


def test_a_missing_field_and_an_unknown_commitment() -> None:
    vault = PersonalVault(MemoryStateStore())
    with pytest.raises(FixInput, match="'trader'"):
        vault.seal({"type": "x"}, ["trader"])
    assert vault.open("00" * 32) is None
