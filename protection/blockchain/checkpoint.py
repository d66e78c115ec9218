"""Signed heads of a ledger: "these many records have this root", in C2SP's tlog-checkpoint text.

::

    qmp-overrider
    4711
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
    time 2020-01-06T21:00:00.000000Z
    previous 4200 PlKVh0FRi4sSJx6k2VHzPlXIjfWSgpm6p2x4jL0OG5o=

    — desk-1 Fl8Sjh...

Source: C2SP signed-note and tlog-checkpoint. A head that leaves the machine (mailed, printed,
anchored) is what makes a cut-back or rewritten ledger visible.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from protection.blockchain.canonical import utc_text
from protection.blockchain.keys import Signer, endorse, key_id
from protection.blockchain.ledger import Ledger
from protection.blockchain.reader import LedgerReader
from protection.blockchain.records import BrokenLedger, Receipt
from protection.blockchain.verifier import Key, Note
from protection.contracts.errors import FixInput

_PREFIX = "checkpoint-"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A head.

    Attributes
    ----------
    origin : name of the log
    size, root : the tree
    extensions : further lines that are signed along (time, previous head, configuration)
    note : the whole signed text; empty before signing
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    note: str = ""

    def body(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode()
        return "\n".join((self.origin, str(self.size), root, *self.extensions)) + "\n"


def sign(checkpoint: Checkpoint, *signers: Signer) -> str:
    """Signed note of a head.

    Raises
    ------
    FixInput
        Without a signer, or for lines that a note cannot hold.
    """
    lines = (checkpoint.origin, *checkpoint.extensions)
    if not signers or any(not line or "\n" in line for line in lines):
        raise FixInput("expected a signer, and an origin and extensions of one line each")
    body = checkpoint.body()
    signatures = [
        f"\u2014 {signer.name} "
        + base64.b64encode(key_id(signer) + signer.sign(body.encode())).decode()
        for signer in signers
    ]
    return body + "\n" + "\n".join(signatures) + "\n"


def read(note: str) -> Checkpoint:
    """Head of a signed note; says nothing of its signatures.

    Raises
    ------
    FixInput
        When it is no checkpoint.
    """
    try:
        parsed = Note(note)
    except ValueError as error:
        raise FixInput(f"expected a signed checkpoint, was {note[:60]!r}: {error}") from error
    extensions = tuple(parsed.body.rstrip("\n").split("\n")[3:])
    return Checkpoint(parsed.origin, parsed.size, parsed.root, extensions, note)


def signed_by(note: str, keys: Iterable[str]) -> list[str]:
    """Names of the given verifier keys that signed a note.

    Raises
    ------
    FixInput
        When the note or a key cannot be read.
    """
    try:
        parsed = Note(note)
        return [key.name for key in map(Key, keys) if key.signed(parsed)]
    except ValueError as error:
        raise FixInput(f"expected a checkpoint and verifier keys: {error}") from error


def write_checkpoint(
    ledger: Ledger,
    *signers: Signer,
    time: datetime | None = None,
    config: str = "",
    origin: str = "",
) -> Checkpoint:
    """Sign the present head and keep it beside the records.

    Parameters
    ----------
    ledger : everything queued is written first
    time : moment of signing, as the host's clock tells it
    config : hash of the configuration in force
    origin : name of the log; the store's when empty

    Raises
    ------
    RetryWrite
        When the queue or the head could not be written.
    """
    ledger.flush()
    size = ledger.size
    extensions = []
    if time is not None:
        extensions.append(f"time {utc_text(time)}")
    before = latest_checkpoint(ledger)
    if before is not None:
        extensions.append(f"previous {before.size} {base64.b64encode(before.root).decode()}")
    about = getattr(ledger.store, "about_digest", "")
    if about:
        extensions.append(f"about {about}")
    if config:
        extensions.append(f"config {config}")
    name = origin or str(getattr(ledger.store, "origin", "qmp-overrider"))
    head = Checkpoint(name, size, ledger.root(size), tuple(extensions))
    note = sign(head, *signers)
    ledger.store.keep(f"{_PREFIX}{size:020d}.txt", note)
    return Checkpoint(head.origin, size, head.root, head.extensions, note)


def checkpoints(reader: LedgerReader) -> list[Checkpoint]:
    """Heads kept beside the records, oldest first.

    Raises
    ------
    FixInput
        When one of them cannot be read.
    """
    kept = reader.store.kept()
    return [read(kept[name]) for name in sorted(kept) if name.startswith(_PREFIX)]


def latest_checkpoint(reader: LedgerReader) -> Checkpoint | None:
    """Newest head kept beside the records."""
    kept = checkpoints(reader)
    return kept[-1] if kept else None


def check_against(reader: LedgerReader, note: str, keys: Iterable[str] = ()) -> Checkpoint:
    """Whether a head that was kept elsewhere is one of this ledger's past.

    Raises
    ------
    BrokenLedger
        When the ledger is shorter, or had another root then, or no given key signed the head.
    FixInput
        When the note or a key cannot be read.
    """
    head = read(note)
    trusted = list(keys)
    if trusted and not signed_by(note, trusted):
        raise BrokenLedger("expected a head signed by one of the given keys, was not", 0)
    if head.size > reader.size:
        raise BrokenLedger(
            f"expected at least the {head.size} records of the head, found {reader.size}: "
            "the ledger was cut back",
            reader.size,
        )
    if reader.root(head.size) != head.root:
        raise BrokenLedger(
            f"expected the root of the head over {head.size} records, was another: "
            "the ledger was rewritten",
            0,
        )
    return head


def rotate_key(ledger: Ledger, old: Signer, new: Signer, actor: str, reason: str) -> Receipt:
    """Hand over to a new key: a ``key`` record signed by the old one, then a head by both.

    Raises
    ------
    FixInput
        Without actor or reason, or for HMAC keys.
    """
    if not actor.strip() or not reason.strip():
        raise FixInput(f"expected an actor and a reason, was {actor!r}, {reason!r}")
    entry = {"type": "key", "actor": actor.strip(), "reason": reason.strip(), **endorse(old, new)}
    receipt = ledger.append(entry)
    write_checkpoint(ledger, old, new)
    return receipt
