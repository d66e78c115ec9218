"""Crashes of the audit ledger: ``make audit-crash``.

- *kill -9*: a child appends and tells each acknowledgement through a pipe; it is killed at a random
  moment; every record it had told must be there, in order, and the ledger must verify.
- *power cut*: the disk forgets any part of what was not flushed.
- *faults*: writes, flushes, truncations and renames fail by chance (ENOSPC, EIO, half writes); the
  ledger is used on, and reopened.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from protection.blockchain import verifier
from protection.blockchain.checkpoint import write_checkpoint
from protection.blockchain.keys import HmacSigner
from protection.blockchain.ledger import Ledger, Ticket
from protection.blockchain.records import BrokenLedger
from protection.blockchain.stores import FileStore
from protection.contracts.errors import RetryWrite
from tools.audit_faults import FaultyDisk, PowerCut, PowerCutDisk

SIGNER = HmacSigner("desk", bytes(range(32)))
SEGMENT = 6000
_ACK = struct.Struct(">Q32s")


@dataclass
class Outcome:
    """What happened over some crashes."""

    crashes: int = 0
    acknowledged: int = 0
    lost: int = 0
    torn: int = 0
    refused: int = 0
    accepted_damage: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing was lost and nothing wrong accepted."""
        return not (self.lost or self.refused or self.accepted_damage)


def _entry(rng: random.Random, i: int) -> dict[str, object]:
    return {"type": "order", "order_id": i, "price": rng.random(), "pad": "x" * rng.randrange(400)}


def _busy(ledger: Ledger, rng: random.Random, told: Callable[[int, bytes], None]) -> None:
    """Append in every way there is, telling each acknowledgement."""
    waiting: list[Ticket] = []
    for i in range(10_000):
        choice = rng.random()
        if choice < 0.5:
            receipt = ledger.append(_entry(rng, i))
            told(receipt.seq, receipt.leaf)
        elif choice < 0.8:
            waiting.append(ledger.append_nowait(_entry(rng, i)))
            if len(waiting) > 5:
                for ticket in waiting:
                    receipt = ticket.wait()
                    told(receipt.seq, receipt.leaf)
                waiting.clear()
        elif choice < 0.97:
            for receipt in ledger.append_many([_entry(rng, i) for _ in range(rng.randrange(1, 9))]):
                told(receipt.seq, receipt.leaf)
        else:
            write_checkpoint(ledger, SIGNER)


def _check(folder: Path, acked: dict[int, bytes], outcome: Outcome) -> None:
    """Reopen, and compare with everything that was ever acknowledged."""
    try:
        with Ledger(FileStore(folder, segment_bytes=SEGMENT)) as ledger:
            leaves = {record.seq: record.leaf for record in ledger.records()}
            outcome.torn += any(
                record.type == "recovery" for record in ledger.records(max(0, ledger.size - 1))
            )
    except BrokenLedger:
        outcome.refused += 1
        outcome.lost += len(acked)
        return
    outcome.lost += sum(leaves.get(seq) != leaf for seq, leaf in acked.items())
    report = verifier.verify(folder, keys=[SIGNER.verifier] if _signed(folder) else [])
    outcome.accepted_damage += not report.ok


def _signed(folder: Path) -> bool:
    return any((folder / "kept").glob("checkpoint-*.txt"))


# ---------------------------------------------------------------------- kill -9


def _child(folder: Path, seed: int, pipe: int) -> None:
    def told(seq: int, leaf: bytes) -> None:
        os.write(pipe, _ACK.pack(seq, leaf))

    ledger = Ledger(FileStore(folder, segment_bytes=SEGMENT))
    _busy(ledger, random.Random(seed), told)


def kill_once(folder: Path, seed: int, acked: dict[int, bytes], outcome: Outcome) -> None:
    """Fork a writer, kill it at a random moment, and check."""
    rng = random.Random(seed)
    read, write = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            _child(folder, seed, write)
        finally:
            os._exit(1)
    os.close(write)
    if rng.random() < 0.8:  # else it is killed while it opens the ledger
        select.select([read], [], [], 10.0)
    time.sleep(rng.random() * 0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = bytearray()
    while part := os.read(read, 1 << 16):
        told += part
    os.close(read)
    for at in range(0, len(told) - _ACK.size + 1, _ACK.size):
        seq, leaf = _ACK.unpack_from(told, at)
        acked[seq] = leaf
        outcome.acknowledged += 1
    outcome.crashes += 1
    _check(folder, acked, outcome)


def kills(count: int, seed: int, work: Path) -> Outcome:
    """``count`` kills; a fresh ledger every 25, so that beginnings are hit, too."""
    outcome = Outcome()
    acked: dict[int, bytes] = {}
    for i in range(count):
        if i % 25 == 0:
            folder, acked = work / f"kill-{i}", {}
        kill_once(folder, seed + i, acked, outcome)
    return outcome


# ---------------------------------------------------------------------- power cuts and faults


def power_cuts(count: int, seed: int, work: Path) -> Outcome:
    """``count`` power cuts; a fresh ledger every 10."""
    outcome = Outcome()
    acked: dict[int, bytes] = {}
    for i in range(count):
        if i % 10 == 0:
            folder, acked = work / f"cut-{i}", {}
        rng = random.Random(seed + i)
        disk = PowerCutDisk(rng, rng.randrange(1, 120))
        _until_cut(folder, disk, rng, acked, outcome)
        disk.cut()
        outcome.crashes += 1
        _check(folder, acked, outcome)
    return outcome


def _until_cut(
    folder: Path,
    disk: PowerCutDisk,
    rng: random.Random,
    acked: dict[int, bytes],
    outcome: Outcome,
) -> None:
    store = FileStore(folder, segment_bytes=SEGMENT, disk=disk)
    ledger = None
    try:
        ledger = Ledger(store)
        while True:
            if rng.random() < 0.1:
                write_checkpoint(ledger, SIGNER)
            few = [_entry(rng, 0) for _ in range(rng.randrange(1, 6))]
            for receipt in ledger.append_many(few):
                acked[receipt.seq] = receipt.leaf
                outcome.acknowledged += 1
    except PowerCut:
        abandon(store, ledger)


def abandon(store: FileStore, ledger: Ledger | None) -> None:
    """Let go of the lock as a dead process does, without writing anything."""
    if ledger is not None:
        ledger._closing = True
    if store._lock is not None:
        store._lock.release()
        store._lock = None
    store._handle = store._mark = -1


def faults(count: int, seed: int, work: Path) -> Outcome:
    """``count`` spells of a failing disk, each with some use, and a reopening."""
    outcome = Outcome()
    acked: dict[int, bytes] = {}
    for i in range(count):
        if i % 10 == 0:
            folder, acked = work / f"fault-{i}", {}
        rng = random.Random(seed + i)
        disk = FaultyDisk(rng, rng.choice((0.02, 0.1, 0.3)))
        try:
            ledger = Ledger(FileStore(folder, segment_bytes=SEGMENT, disk=disk))
        except RetryWrite:
            continue
        _use_on(ledger, disk, rng, acked, outcome)
        outcome.crashes += disk.failures
        _check(folder, acked, outcome)
    return outcome


def _use_on(
    ledger: Ledger,
    disk: FaultyDisk,
    rng: random.Random,
    acked: dict[int, bytes],
    outcome: Outcome,
) -> None:
    queued: list[Ticket] = []
    for i in range(60):
        try:
            if rng.random() < 0.3:
                queued.append(ledger.append_nowait(_entry(rng, i)))
                continue
            receipt = ledger.append(_entry(rng, i))
        except RetryWrite:
            if ledger.health().ok:
                raise AssertionError("the ledger called itself healthy after a failed write") from (
                    None
                )
            continue
        acked[receipt.seq] = receipt.leaf
        outcome.acknowledged += 1
    disk.rate = 0.0
    ledger.flush(10.0)
    for ticket in queued:
        receipt = ticket.wait(10.0)
        acked[receipt.seq] = receipt.leaf
        outcome.acknowledged += 1
    ledger.close()


def main() -> int:
    """Print the table; exit code 3 when a record was lost or damage accepted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--spells", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where; on the disk that is to be tried")
    given = parser.parse_args()
    good = True
    out = sys.stdout
    out.write(
        f"{'crash':<16}{'crashes':>9}{'acknowledged':>14}{'lost':>6}{'torn tails':>12}"
        f"{'refused':>9}{'damage accepted':>17}\n"
    )
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        work = Path(folder)
        for name, run, count in (
            ("kill -9", kills, given.kills),
            ("power cut", power_cuts, given.cuts),
            ("disk faults", faults, given.spells),
        ):
            result = run(count, given.seed, work)
            good &= result.good
            out.write(
                f"{name:<16}{result.crashes:>9}{result.acknowledged:>14}{result.lost:>6}"
                f"{result.torn:>12}{result.refused:>9}{result.accepted_damage:>17}\n"
            )
            out.flush()
    return 0 if good else 3


if __name__ == "__main__":
    raise SystemExit(main())
