"""Speed of the audit ledger beside pymerkle and SQLite, in one run: ``make bench-audit``.

Peers: pymerkle 7.0.0 in memory and in SQLite, SQLite alone with WAL and synchronous FULL (one
commit an entry), and the plain file with a flush an entry, which is the limit of the disk. pymerkle
is GPL and is used here only, from a separate installation; without it its rows stay empty.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from protection.blockchain import verifier
from protection.blockchain.ledger import Ledger
from protection.blockchain.merkle import Tree, verify_inclusion
from protection.blockchain.stores import SqliteStore
from protection.contracts import ManualClock, OrderRequest, Portfolio, Position, Quote
from protection.system import ProtectionSystem

ENTRY = {
    "type": "order",
    "time": "2020-01-06T21:00:00.000000Z",
    "order_id": 17,
    "symbol": "SPY",
    "quantity": 100.0,
    "kind": "market",
    "update": False,
    "allowed": True,
    "state": "ALLOW",
    "reason": "",
    "cancel": [],
    "price": 321.25,
}
Row = tuple[str, str, str, str, str]


def best(times: int, run: Callable[[], float]) -> float:
    """Smallest of some measurements, in seconds."""
    return min(run() for _ in range(times))


@contextlib.contextmanager
def place(work: Path, name: str) -> Iterator[Path]:
    """A fresh path that is gone afterwards."""
    path = work / name
    yield path
    shutil.rmtree(path, ignore_errors=True)
    for file in work.glob(name + "*"):
        if file.is_file():
            file.unlink()


def rate(count: int, seconds: float) -> str:
    """Per second."""
    return f"{count / seconds:,.0f}/s"


def cpu(run: Callable[[], object], count: int) -> str:
    """CPU microseconds an entry, which a busy machine changes less than the seconds."""
    began = time.process_time()
    run()
    return f"{(time.process_time() - began) / count * 1e6:.1f} us CPU"


def one_by_one(work: Path, count: int) -> float:
    """Durable appends, one after the other."""
    with place(work, "one") as path, Ledger(path) as ledger:
        ledger.append(ENTRY)
        began = time.perf_counter()
        for _ in range(count):
            ledger.append(ENTRY)
        return time.perf_counter() - began


def plain_file(work: Path, count: int) -> float:
    """The limit: the bytes of an entry and a flush, nothing else."""
    data = b"x" * 300
    with place(work, "plain") as path:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT)
        began = time.perf_counter()
        for _ in range(count):
            os.write(handle, data)
            os.fdatasync(handle)
        took = time.perf_counter() - began
        os.close(handle)
    return took


def sqlite_alone(work: Path, count: int) -> float:
    """SQLite, WAL, synchronous FULL, a commit an entry."""
    data = b"x" * 300
    with place(work, "plain.sqlite") as path:
        base = sqlite3.connect(path, isolation_level=None)
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        base.execute("CREATE TABLE t (i INTEGER PRIMARY KEY, data BLOB)")
        began = time.perf_counter()
        for _ in range(count):
            base.execute("INSERT INTO t (data) VALUES (?)", (data,))
        took = time.perf_counter() - began
        base.close()
    return took


def our_sqlite(work: Path, count: int) -> float:
    """Our ledger in SQLite, durable appends one after the other."""
    with place(work, "ours.sqlite") as path, Ledger(SqliteStore(path)) as ledger:
        began = time.perf_counter()
        for _ in range(count):
            ledger.append(ENTRY)
        return time.perf_counter() - began


def grouped(work: Path, count: int) -> float:
    """Queued appends until all are durable."""
    with place(work, "group") as path, Ledger(path, queue=count) as ledger:
        began = time.perf_counter()
        for _ in range(count):
            ledger.append_nowait(ENTRY)
        ledger.flush()
        return time.perf_counter() - began


def batched(work: Path, count: int) -> float:
    """``append_many``."""
    with place(work, "many") as path, Ledger(path) as ledger:
        began = time.perf_counter()
        ledger.append_many([ENTRY] * count)
        return time.perf_counter() - began


def tree_append(entries: list[bytes]) -> float:
    """Our tree in memory; CPU seconds."""
    tree = Tree()
    append = tree.append
    began = time.process_time()
    for entry in entries:
        append(entry)
    return time.process_time() - began


def peer_append(entries: list[bytes]) -> float | None:
    """Pymerkle's tree in memory; CPU seconds."""
    try:
        from pymerkle import InmemoryTree
    except ImportError:
        return None
    tree = InmemoryTree(algorithm="sha256")
    append = tree.append_entry
    began = time.process_time()
    for entry in entries:
        append(entry)
    return time.process_time() - began


def peer_sqlite(work: Path, count: int) -> float | None:
    """Pymerkle's SQLite tree."""
    try:
        from pymerkle import SqliteTree
    except ImportError:
        return None
    with place(work, "peer.sqlite") as path:
        tree = SqliteTree(str(path), algorithm="sha256")
        began = time.perf_counter()
        for _ in range(count):
            tree.append_entry(b"x" * 300)
        took = time.perf_counter() - began
        tree.con.close()
    return took


def peer_proof(entries: list[bytes], count: int) -> float | None:
    """Pymerkle's inclusion proof, CPU seconds each."""
    try:
        from pymerkle import InmemoryTree
    except ImportError:
        return None
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    rng = random.Random(1)
    began = time.process_time()
    for _ in range(count):
        tree.prove_inclusion(rng.randrange(1, len(entries) + 1))
    return (time.process_time() - began) / count


def our_tree_proof(entries: list[bytes], count: int) -> float:
    """Our inclusion proof in memory, CPU seconds each."""
    tree = Tree()
    for entry in entries:
        tree.append(entry)
    rng = random.Random(1)
    began = time.process_time()
    for _ in range(count):
        tree.inclusion_proof(rng.randrange(len(entries)))
    return (time.process_time() - began) / count


def large(work: Path, count: int) -> tuple[float, int, float]:
    """A ledger on disk: median proof time, most nodes, seconds to verify all of it (CPU)."""
    with place(work, "large") as path:
        with Ledger(path) as ledger:
            for start in range(0, count, 10_000):
                ledger.append_many([ENTRY] * min(10_000, count - start))
            rng = random.Random(2)
            times, nodes = [], 0
            for _ in range(2000):
                seq = rng.randrange(count)
                began = time.perf_counter()
                proof = ledger.prove(seq)
                times.append(time.perf_counter() - began)
                nodes = max(nodes, len(proof.path))
                assert verify_inclusion(proof.leaf, seq, count, proof.path, proof.root)
        began = time.process_time()
        report = verifier.verify(path)
        took = time.process_time() - began
        assert report.ok
        assert report.size == count
    return statistics.median(times), nodes, took


def decisions(ledger: Ledger | None, count: int) -> list[float]:
    """Seconds of each order decision."""
    clock = ManualClock(datetime(2020, 1, 6, 21, tzinfo=UTC))
    system = ProtectionSystem(clock=clock, ledger=ledger)
    now = clock.now()
    positions = {f"S{i}": Position(f"S{i}", 10.0, 100.0, 101.0) for i in range(10)}
    account = Portfolio(now, 1_000_000.0, positions)
    system.observe(Quote("S1", now, 100.9, 101.1))
    system.evaluate(account)
    times = []
    for i in range(count):
        order = OrderRequest(
            i, "S1", -1.0 if i % 2 else 1.0, time=now, reference_price=101.0, reference_time=now
        )
        began = time.perf_counter()
        system.authorize(order, account)
        times.append(time.perf_counter() - began)
        if i % 100 == 99:  # forget what is in flight, as fills would
            system.settle(account)
            system._gate.book.__init__()  # type: ignore[misc]
    return times


def added(work: Path, count: int) -> tuple[float, float, float]:
    """Median seconds of a decision without ledger, in group mode, and durable."""
    without = statistics.median(decisions(None, count))
    with place(work, "orders") as path, Ledger(path, group=True) as ledger:
        group = statistics.median(decisions(ledger, count))
        ledger.flush()
    with place(work, "durable") as path, Ledger(path) as ledger:
        durable = statistics.median(decisions(ledger, count // 10))
    return without, group, durable


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=1_000_000, help="records of the large ledger")
    parser.add_argument("--repeat", type=int, default=3, help="best of so many")
    parser.add_argument("--folder", type=Path, help="where; on the disk that is to be measured")
    given = parser.parse_args()
    rows: list[Row] = []
    entries = [b"%060d" % i * 5 for i in range(100_000)]

    def add(name: str, ours: str, peer: str, ratio: float | None, target: str) -> None:
        rows.append((name, ours, peer, "-" if ratio is None else f"{ratio:.1f}x", target))

    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        work, times = Path(folder), given.repeat
        limit = best(times, lambda: plain_file(work, 1500))
        single = best(times, lambda: one_by_one(work, 1500))
        add(
            "durable append, one by one",
            rate(1500, single),
            f"plain file {rate(1500, limit)}",
            limit / single,
            ">= 5,000/s",
        )
        alone = best(times, lambda: sqlite_alone(work, 1000))
        add(
            "  same",
            rate(1500, single),
            f"SQLite WAL FULL {rate(1000, alone)}",
            alone / 1000 / (single / 1500),
            "",
        )
        ours = best(times, lambda: our_sqlite(work, 1000))
        peer = peer_sqlite(work, 300)
        add(
            "durable append, SQLite ledger",
            rate(1000, ours),
            "-" if peer is None else f"pymerkle SqliteTree {rate(300, peer)}",
            None if peer is None else peer / 300 / (ours / 1000),
            "",
        )
        group = best(times, lambda: grouped(work, 60_000))
        many = best(times, lambda: batched(work, 60_000))
        nowait_cpu = cpu(lambda: grouped(work, 60_000), 60_000)
        many_cpu = cpu(lambda: batched(work, 60_000), 60_000)
        add("group commit, append_nowait", rate(60_000, group), nowait_cpu, None, ">= 80,000/s")
        add("group commit, append_many", rate(60_000, many), many_cpu, None, ">= 80,000/s")
        tree = best(times, lambda: tree_append(entries))
        other = [peer_append(entries) for _ in range(times)]
        known = [value for value in other if value is not None]
        add(
            "tree in memory, append (CPU)",
            f"{tree * 10:.2f} us",
            f"pymerkle {min(known) * 10:.2f} us" if known else "-",
            min(known) / tree if known else None,
            ">= 5x",
        )
        proof = best(times, lambda: our_tree_proof(entries, 5000))
        theirs = peer_proof(entries, 2000)
        add(
            "tree in memory, proof at 1e5 (CPU)",
            f"{proof * 1e6:.1f} us",
            "-" if theirs is None else f"pymerkle {theirs * 1e6:.1f} us",
            None if theirs is None else theirs / proof,
            "",
        )
        median, nodes, verified = large(work, given.large)
        add(
            f"ledger on disk, proof at {given.large:,}",
            f"{median * 1e6:.0f} us, {nodes} nodes",
            "-",
            None,
            "<= 200 us, <= 20 nodes",
        )
        add(f"verify {given.large:,} records (CPU)", f"{verified:.1f} s", "-", None, "<= 15 s")
        without, group_mode, durable = added(work, 10_000)
        add(
            "order decision, added in group mode",
            f"{(group_mode - without) * 1e6:.1f} us",
            f"without ledger {without * 1e6:.1f} us",
            None,
            "<= 20 us",
        )
        add(
            "order decision, added when durable",
            f"{(durable - without) * 1e6:.1f} us",
            "-",
            None,
            "",
        )
    out = sys.stdout
    out.write(f"{'case':<40}{'ours':>20}  {'peer':<34}{'ratio':>7}  target\n")
    for name, ours_text, peer_text, ratio_text, target in rows:
        out.write(f"{name:<40}{ours_text:>20}  {peer_text:<34}{ratio_text:>7}  {target}\n")
    out.write(
        f"entry of {len(str(ENTRY))} characters; best of {given.repeat}; load "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
