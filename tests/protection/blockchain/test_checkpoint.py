"""Signed heads, keys, rotation, and the pure-Python signature check."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from protection.blockchain.checkpoint import (
    Checkpoint,
    check_against,
    checkpoints,
    read,
    rotate_key,
    sign,
    signed_by,
    write_checkpoint,
)
from protection.blockchain.keys import (
    Ed25519Signer,
    HmacSigner,
    load_key,
    new_signer,
    save_key,
)
from protection.blockchain.ledger import Ledger
from protection.blockchain.records import BrokenLedger
from protection.blockchain.stores import FileStore
from protection.blockchain.verifier import Key, ed25519_verify, verify
from protection.contracts.errors import FixInput, FixSettings

HMAC = HmacSigner("desk", bytes(32))

# RFC 8032, section 7.1: public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_pure_python_check_knows_the_vectors_of_rfc_8032(
    public: str, message: str, signature: str
) -> None:
    key, text, good = (bytes.fromhex(part) for part in (public, message, signature))

    assert ed25519_verify(key, text, good)
    assert not ed25519_verify(key, text + b"x", good)
    for i in (0, 31, 32, 63):
        bad = bytearray(good)
        bad[i] ^= 1
        assert not ed25519_verify(key, text, bytes(bad))
    order = 2**252 + 27742317777372353535851937790883648493
    late = int.from_bytes(good[32:], "little") + order  # the same scalar written otherwise
    assert not ed25519_verify(key, text, good[:32] + late.to_bytes(32, "little"))
    assert not ed25519_verify(key[:31], text, good)


def test_the_pure_python_check_agrees_with_cryptography() -> None:
    pytest.importorskip("cryptography")
    for i in range(5):
        signer = Ed25519Signer("a", bytes([i]) * 32)
        message = bytes(range(i * 7))
        assert Key(signer.verifier).verify(message, signer.sign(message))
        assert not Key(signer.verifier).verify(message + b"x", signer.sign(message))


def test_a_note_is_the_text_of_c2sp() -> None:
    head = Checkpoint("example.com/log", 15368405, bytes(range(32)), ("extra line",))
    note = sign(head, HMAC)
    lines = note.split("\n")

    assert lines[:5] == [
        "example.com/log",
        "15368405",
        base64.b64encode(bytes(range(32))).decode(),
        "extra line",
        "",
    ]
    assert lines[5].startswith("— desk ")
    assert lines[6:] == [""]
    assert base64.b64decode(lines[5].split(" ")[2])[:4] == Key(HMAC.verifier).ident
    back = read(note)
    assert (back.origin, back.size, back.root, back.extensions) == (
        head.origin,
        head.size,
        head.root,
        head.extensions,
    )
    assert signed_by(note, [HMAC.verifier]) == ["desk"]
    assert signed_by(note, [HmacSigner("desk", b"1" * 32).verifier]) == []


def test_a_note_of_the_public_go_checksum_log_is_read_and_verified() -> None:
    """The key and the form are those of C2SP's example in golang.org/x/mod/sumdb/note."""
    key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )
    signature = (
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6Ryy"
        "BwJnAM="
    )
    raw = base64.b64decode(signature)

    assert Key(key).ident == raw[:4] == bytes.fromhex("c74f20a3")
    assert Key(key).verify(text.encode(), raw[4:])


@pytest.mark.parametrize(
    "damage",
    [
        lambda note: note[:-1],
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("\n12\n", "\n012\n"),
        lambda note: note.replace("\n12\n", "\n-1\n"),
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("=\n\n", "\n\n"),
        lambda note: "",
    ],
)
def test_a_damaged_note_is_refused(damage) -> None:  # type: ignore[no-untyped-def]
    note = sign(Checkpoint("log", 12, bytes(32)), HMAC)

    with pytest.raises(FixInput, match="checkpoint"):
        read(damage(note))


def test_heads_are_kept_chained_and_verified(tmp_path: Path) -> None:
    signer = new_signer("desk", "ed25519")
    with Ledger(tmp_path / "a") as ledger:
        for i in range(3):
            ledger.append_many({"type": "x", "i": j} for j in range(i + 1))
            write_checkpoint(
                ledger, signer, time=datetime(2020, 1, 1 + i, tzinfo=UTC), config="abc"
            )
        kept = checkpoints(ledger)
        assert [head.size for head in kept] == [1, 3, 6]
        assert "time 2020-01-02T00:00:00.000000Z" in kept[1].extensions
        assert "config abc" in kept[1].extensions
        assert any(line.startswith("previous 1 ") for line in kept[1].extensions)
        assert verify(tmp_path / "a", keys=[signer.verifier]).heads == 3
    (tmp_path / "a" / "kept" / f"checkpoint-{3:020d}.txt").unlink()

    problems = verify(tmp_path / "a", keys=[signer.verifier]).problems
    assert any("head over 3 records before it is missing" in text for text in problems)


def test_a_key_hands_over_and_the_old_one_is_not_believed_any_more(tmp_path: Path) -> None:
    old, new, thief = (new_signer(name, "ed25519") for name in ("old", "new", "thief"))
    with Ledger(tmp_path / "a") as ledger:
        ledger.append({"type": "x"})
        write_checkpoint(ledger, old)
        rotate_key(ledger, old, new, "ann", "yearly")
        ledger.append({"type": "y"})
        write_checkpoint(ledger, new)
    assert verify(tmp_path / "a", keys=[old.verifier])
    assert not verify(tmp_path / "a", keys=[thief.verifier])

    with Ledger(tmp_path / "a") as ledger:
        ledger.append({"type": "z"})
        write_checkpoint(ledger, old)  # by whoever still has the old key
    assert not verify(tmp_path / "a", keys=[old.verifier])


def test_a_key_record_that_nobody_endorsed_is_found(tmp_path: Path) -> None:
    old, new = new_signer("old", "ed25519"), new_signer("new", "ed25519")
    with Ledger(tmp_path / "a") as ledger:
        ledger.append(
            {
                "type": "key",
                "public": new.verifier,
                "previous": old.verifier,
                "signature": base64.b64encode(bytes(64)).decode(),
            }
        )
        write_checkpoint(ledger, old)
    assert verify(tmp_path / "a", keys=[old.verifier]).first_bad == 0


def test_hmac_keys_are_not_rotated_in_the_open_and_say_what_they_prove() -> None:
    assert "could have signed" in HMAC.proves
    assert HMAC.public == "desk+" + Key(HMAC.verifier).ident.hex()
    assert HMAC.verifier.split("+")[2] not in HMAC.public
    with Ledger(_memory()) as ledger, pytest.raises(FixInput, match="Ed25519 keys to rotate"):
        rotate_key(ledger, HMAC, HMAC, "ann", "yearly")


def _memory():  # type: ignore[no-untyped-def]
    from protection.blockchain.stores import MemoryStore

    return MemoryStore()


def test_a_ledger_that_was_cut_back_or_rewritten_is_seen_against_an_outer_head(
    tmp_path: Path,
) -> None:
    with Ledger(FileStore(tmp_path / "a")) as ledger:
        ledger.append_many({"type": "x", "i": i} for i in range(5))
        note = write_checkpoint(ledger, HMAC).note
        assert check_against(ledger, note, [HMAC.verifier]).size == 5
    with Ledger(tmp_path / "short") as ledger:
        ledger.append_many({"type": "x", "i": i} for i in range(4))
        with pytest.raises(BrokenLedger, match="cut back"):
            check_against(ledger, note)
        ledger.append({"type": "x", "i": 5})
        with pytest.raises(BrokenLedger, match="rewritten"):
            check_against(ledger, note)
        with pytest.raises(BrokenLedger, match="signed by one of the given keys"):
            check_against(ledger, note, [HmacSigner("desk", b"2" * 32).verifier])


def test_private_keys_lie_in_files_that_only_their_owner_reads(tmp_path: Path) -> None:
    for algorithm in ("ed25519", "hmac"):
        signer = new_signer("desk", algorithm)
        path = tmp_path / algorithm
        save_key(signer, path)
        assert path.stat().st_mode & 0o777 == 0o600
        assert load_key(path).verifier == signer.verifier
        with pytest.raises(FixInput, match="new file"):
            save_key(signer, path)
        os.chmod(path, 0o644)
        with pytest.raises(FixSettings, match="chmod 600"):
            load_key(path)


def test_impossible_keys_are_refused(tmp_path: Path) -> None:
    for call in (
        lambda: HmacSigner("desk", b"short"),
        lambda: HmacSigner("two words", bytes(32)),
        lambda: Ed25519Signer("a", b"short"),
        lambda: new_signer("a", "rsa"),
        lambda: load_key(tmp_path / "missing"),
    ):
        with pytest.raises(FixSettings, match="expected"):
            call()
