"""Changes to a ledger that verification must find, and those it cannot: ``make audit-mutants``.

Two kinds of attackers. The *clumsy* one changes bytes and repairs nothing. The *careful* one
repairs everything that needs no key: numbers, checksums, commits, headers, nodes, the mark. Kept
signed heads stop the careful one; what is left to him, and to one who holds the key or cuts the
ledger back together with its heads, is seen only against a head that was kept elsewhere.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from protection.blockchain import verifier
from protection.blockchain.checkpoint import write_checkpoint
from protection.blockchain.frames import frames
from protection.blockchain.keys import HmacSigner
from protection.blockchain.ledger import Ledger, open_reader
from protection.blockchain.records import BrokenLedger
from protection.blockchain.stores import FileStore
from tools.audit_faults import UnsyncedDisk

Files = dict[str, bytes]
SIGNER = HmacSigner("desk", bytes(range(32)))
SEGMENT = 900


def entries(count: int) -> list[dict[str, object]]:
    """Entries of a small day."""
    return [
        {
            "type": "order",
            "time": f"2020-01-06T15:{i:02d}:00.000000Z",
            "order_id": i,
            "price": i / 7,
        }
        for i in range(count)
    ]


def build(folder: Path, content: list[dict[str, object]], heads: set[int]) -> Files:
    """Ledger of some entries with signed heads at some sizes; returns its files."""
    with Ledger(FileStore(folder, segment_bytes=SEGMENT, disk=UnsyncedDisk())) as ledger:
        for i, entry in enumerate(content, 1):
            ledger.append(entry)
            if i in heads:
                write_checkpoint(ledger, SIGNER)
    return load(folder)


def load(folder: Path) -> Files:
    """Every file by its name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def store(folder: Path, files: Files) -> None:
    """Write files into an emptied folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@dataclass(frozen=True)
class Original:
    """The ledger that is attacked; its last records stand behind the newest kept head.

    Attributes
    ----------
    count, signed : records, and how many of them the newest kept head covers
    head : a head over all records that was kept elsewhere
    """

    count: int
    signed: int
    files: Files
    entries: list[dict[str, object]]
    head: str

    @classmethod
    def make(cls, work: Path, count: int = 24) -> Original:
        """A ledger of some segments with two signed heads."""
        content = entries(count)
        name = f"kept/checkpoint-{count:020d}.txt"
        head = build(work / "scratch", content, {count})[name].decode()
        signed = count - 4
        files = build(work / "original", content, {count // 2, signed})
        return cls(count, signed, files, content, head)


# ---------------------------------------------------------------------- the clumsy attacker


def _records_at(data: bytes) -> list[tuple[int, int]]:
    spots, start = [], 0
    for kind, _, end in frames(data):
        if kind == b"R"[0]:
            spots.append((start, end))
        start = end
    return spots


def _segment(rng: random.Random, files: Files, least: int = 1) -> tuple[str, list[tuple[int, int]]]:
    names = [n for n in files if n.endswith(".seg") and len(_records_at(files[n])) >= least]
    name = rng.choice(names)
    return name, _records_at(files[name])


def flip(rng: random.Random, files: Files) -> None:
    """One bit of any file."""
    name = rng.choice([name for name in files if files[name]])
    data = bytearray(files[name])
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    files[name] = bytes(data)


def cut_file(rng: random.Random, files: Files) -> None:
    """The end of a segment, of the mark or of a head is missing."""
    name = rng.choice([n for n in files if not n.startswith("nodes") and n != "ledger.json"])
    data = files[name]
    files[name] = data[: rng.randrange(len(data))]


def lose_file(rng: random.Random, files: Files) -> None:
    """A segment, the description or an older head is missing."""
    heads = sorted(n for n in files if n.startswith("kept"))
    names = [n for n in files if n.endswith(".seg") or n == "ledger.json"] + heads[:-1]
    del files[rng.choice(names)]


def lose_frame(rng: random.Random, files: Files) -> None:
    """One record's bytes are cut out."""
    name, spots = _segment(rng, files)
    start, end = rng.choice(spots)
    files[name] = files[name][:start] + files[name][end:]


def double_frame(rng: random.Random, files: Files) -> None:
    """One record's bytes stand twice."""
    name, spots = _segment(rng, files)
    start, end = rng.choice(spots)
    data = files[name]
    files[name] = data[:end] + data[start:end] + data[end:]


def insert_frame(rng: random.Random, files: Files) -> None:
    """One record's bytes stand somewhere else, too."""
    name, spots = _segment(rng, files)
    start, end = rng.choice(spots)
    other, places = _segment(rng, files)
    at, data = rng.choice(places)[0], files[other]
    files[other] = data[:at] + files[name][start:end] + data[at:]


def swap_frames(rng: random.Random, files: Files) -> None:
    """Two records of a segment changed places."""
    name, spots = _segment(rng, files, 2)
    (a, b), (c, d) = sorted(rng.sample(spots, 2))
    data = files[name]
    files[name] = data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def noise(rng: random.Random, files: Files) -> None:
    """A stretch of a segment is overwritten with chance."""
    name = rng.choice([name for name in files if name.endswith(".seg")])
    data = bytearray(files[name])
    start = rng.randrange(len(data))
    length = min(len(data) - start, rng.randint(1, 64))
    fresh = rng.randbytes(length)
    if bytes(data[start : start + length]) == fresh:
        fresh = bytes([fresh[0] ^ 1]) + fresh[1:]
    data[start : start + length] = fresh
    files[name] = bytes(data)


CLUMSY: dict[str, Callable[[random.Random, Files], None]] = {
    "bit flip": flip,
    "truncate a file": cut_file,
    "delete a file": lose_file,
    "delete a record": lose_frame,
    "duplicate a record": double_frame,
    "insert a record": insert_frame,
    "swap two records": swap_frames,
    "overwrite bytes": noise,
}

# ---------------------------------------------------------------------- the careful attacker

Rewrite = Callable[[random.Random, list[dict[str, object]], int], list[dict[str, object]]]


def _changed(
    rng: random.Random, content: list[dict[str, object]], below: int
) -> list[dict[str, object]]:
    at = rng.randrange(below)
    return [*content[:at], {**content[at], "price": rng.random()}, *content[at + 1 :]]


def _deleted(
    rng: random.Random, content: list[dict[str, object]], below: int
) -> list[dict[str, object]]:
    at = rng.randrange(below)
    return [*content[:at], *content[at + 1 :]]


def _inserted(
    rng: random.Random, content: list[dict[str, object]], below: int
) -> list[dict[str, object]]:
    at = rng.randrange(below)
    return [*content[:at], {"type": "order", "price": rng.random()}, *content[at:]]


def _swapped(
    rng: random.Random, content: list[dict[str, object]], below: int
) -> list[dict[str, object]]:
    a, b = sorted(rng.sample(range(below), 2))
    out = list(content)
    out[a], out[b] = out[b], out[a]
    return out


def _doubled(
    rng: random.Random, content: list[dict[str, object]], below: int
) -> list[dict[str, object]]:
    at = rng.randrange(below - 1)  # the last one's double would stand behind the head
    return [*content[: at + 1], content[at], *content[at + 1 :]]


def _shortened(
    rng: random.Random, content: list[dict[str, object]], below: int
) -> list[dict[str, object]]:
    return content[: rng.randrange(below)]


CAREFUL: dict[str, Rewrite] = {
    "change": _changed,
    "delete": _deleted,
    "insert": _inserted,
    "swap": _swapped,
    "duplicate": _doubled,
    "truncate": _shortened,
}


def careful(rng: random.Random, original: Original, rewrite: Rewrite, work: Path) -> Files:
    """The ledger written anew with one change under its newest head; the heads are the old ones."""
    content = rewrite(rng, original.entries, original.signed)
    return _under_old_heads(original, content, work)


def _under_old_heads(original: Original, content: list[dict[str, object]], work: Path) -> Files:
    shutil.rmtree(work, ignore_errors=True)
    files = build(work, content, set())
    heads = {name: data for name, data in original.files.items() if name.startswith("kept")}
    return {**files, **heads}


# ---------------------------------------------------------------------- the boundary


def rolled_back(rng: random.Random, original: Original, work: Path) -> Files:
    """The state at an older head, with nothing that speaks of a later one."""
    shutil.rmtree(work, ignore_errors=True)
    half = original.count // 2
    return build(work, original.entries[:half], {half})


def signed_anew(rng: random.Random, original: Original, work: Path) -> Files:
    """Another history, written and signed by the holder of the key."""
    shutil.rmtree(work, ignore_errors=True)
    rewrite = rng.choice([CAREFUL["change"], CAREFUL["swap"]])
    content = rewrite(rng, original.entries, original.count)
    return build(work, content, {original.count // 2, original.signed})


def behind_the_head(rng: random.Random, original: Original, work: Path) -> Files:
    """A change among the records that no kept head covers yet."""
    at = rng.randrange(original.signed, original.count)
    content = list(original.entries)
    content[at] = {**content[at], "price": rng.random()}
    return _under_old_heads(original, content, work)


BOUNDARY: dict[str, Callable[[random.Random, Original, Path], Files]] = {
    "rollback to an old checkpoint": rolled_back,
    "re-signed rewrite": signed_anew,
    "rewrite behind the newest head": behind_the_head,
}


# ---------------------------------------------------------------------- running


def found(folder: Path, against: str = "") -> bool:
    """Whether verification with the key finds anything wrong."""
    heads = [against] if against else []
    return not verifier.verify(folder, keys=[SIGNER.verifier], against=heads).ok


def opens_silently(folder: Path, original: Original) -> bool:
    """Whether the ledger opens and hands out records that are not the original's."""
    try:
        with open_reader(folder) as reader:
            for record in reader.records():
                if record.entry != json.loads(json.dumps(original.entries[record.seq])):
                    return True
            return reader.size < original.count
    except (BrokenLedger, IndexError):
        return False


@dataclass
class Tally:
    """Cases, and those that were not found, by class."""

    cases: Counter[str]
    missed: Counter[str]
    examples: list[str]


def run(seed: int, count: int, work: Path) -> Tally:
    """Attack ``count`` times; the boundary classes are counted without and with an outer head."""
    rng = random.Random(seed)
    original = Original.make(work)
    tally = Tally(Counter(), Counter(), [])
    target, scratch = work / "target", work / "scratch"
    if found(work / "original", original.head):
        raise AssertionError("the original itself was refused")

    def note(name: str, missed: bool, case: int) -> None:
        tally.cases[name] += 1
        if missed:
            tally.missed[name] += 1
            tally.examples.append(f"{name}: case {case}")

    kinds = [*CLUMSY, *CLUMSY, *CAREFUL, *BOUNDARY]
    for case in range(count):
        kind = kinds[case % len(kinds)]
        if kind in CLUMSY:
            files = dict(original.files)
            while files == original.files:
                CLUMSY[kind](rng, files)
            store(target, files)
            note(f"clumsy, {kind}", not found(target), case)
        elif kind in CAREFUL:
            files = careful(rng, original, CAREFUL[kind], scratch)
            store(target, files)
            note(f"careful, {kind}", not found(target), case)
        else:
            files = BOUNDARY[kind](rng, original, scratch)
            store(target, files)
            note(f"{kind}, no outer head", not found(target), case)
            note(f"{kind}, outer head", not found(target, original.head), case)
    return tally


def memory() -> str | None:
    """Folder in memory where there is one: these cases are about bytes, not about disks."""
    folder = Path("/dev/shm")  # noqa: S108
    return str(folder) if folder.is_dir() else None


def main() -> int:
    """Print the table; exit code 3 when something detectable was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=memory()) as work:
        tally = run(given.seed, given.cases, Path(work))
    bad = 0
    out = sys.stdout
    out.write(f"{'attack':<48}{'cases':>8}{'found':>8}{'missed':>8}\n")
    for name, count in sorted(tally.cases.items()):
        missed = tally.missed[name]
        expected = count if name.endswith("no outer head") else 0
        bad += missed != expected
        mark = "  as documented" if expected else ""
        out.write(f"{name:<48}{count:>8}{count - missed:>8}{missed:>8}{mark}\n")
    out.write(f"{sum(tally.cases.values())} verifications, seed {given.seed}\n")
    for line in [e for e in tally.examples if "no outer head" not in e][:10]:
        out.write(f"MISSED {line}\n")
    return 3 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
