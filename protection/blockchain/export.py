"""Records as files for people and machines, each with its proof, and the program that checks them.

::

    export/
      records.jsonl    the records, byte for byte as they were hashed, one a line
      records.txt      the same for reading
      index.csv        number, time, type, actor, symbol, order, hash, place in records.jsonl
      proofs.jsonl     one inclusion proof a record
      checkpoint.txt   the newest signed head over these records, where there is one
      manifest.json    size, root, retention, digests of the files
      verify.py        standard library only: python verify.py
      README.txt
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from protection.blockchain import verifier
from protection.blockchain.checkpoint import checkpoints
from protection.blockchain.reader import LedgerReader
from protection.blockchain.records import Record
from protection.contracts.errors import FixInput

_README = """Export of an audit ledger

records.jsonl   records, byte for byte as they were hashed
records.txt     the same for reading
index.csv       where to find which record
proofs.jsonl    for each record the path from its hash to the root
checkpoint.txt  signed head (where the ledger was signed)
manifest.json   size, root, digests

Check everything, with Python 3.11 and nothing else:

    python verify.py
    python verify.py . --against HEAD_KEPT_ELSEWHERE --key VERIFIER_KEY

Exit code 0: everything holds. 3: something does not; the first bad record is named.
"""


@dataclass(frozen=True, slots=True)
class Export:
    """What was written.

    Attributes
    ----------
    folder : where
    records : how many records
    size, root : tree that the proofs lead to
    signed : whether a signed head over that tree was there
    """

    folder: Path
    records: int
    size: int
    root: bytes
    signed: bool


def export(
    reader: LedgerReader,
    folder: str | os.PathLike[str],
    *,
    start: int = 0,
    stop: int | None = None,
    types: Collection[str] | None = None,
) -> Export:
    """Write records [start, stop) with their proofs into a new folder.

    Parameters
    ----------
    start, stop, types : which records; all when left out. Each has its own proof, so a part can be
        handed out without the rest.

    Raises
    ------
    FixInput
        When the folder is there and holds something.
    BrokenLedger
        At the first damaged record.
    """
    target = Path(folder)
    if target.exists() and any(target.iterdir()):
        raise FixInput(f"expected an empty or new folder for the export, {target} holds files")
    target.mkdir(parents=True, exist_ok=True)
    size, note = _tree(reader, stop)
    root = reader.root(size)
    last = size if stop is None else min(stop, size)
    count = _write_records(reader, target, reader.records(start, last, types=types), size)
    if note:
        (target / "checkpoint.txt").write_text(note, "utf-8")
    (target / "README.txt").write_text(_README, "utf-8")
    (target / "verify.py").write_bytes(Path(verifier.__file__).read_bytes())
    files = {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in sorted(target.iterdir())
        if path.name != "verify.py"
    }
    manifest: dict[str, Any] = {
        "format": "qmp-ledger-export/1",
        "ledger": getattr(reader.store, "about", {}),
        "records": count,
        "size": size,
        "root": root.hex(),
        "files": files,
    }
    (target / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    return Export(target, count, size, root, bool(note))


def _tree(reader: LedgerReader, stop: int | None) -> tuple[int, str]:
    """Tree to prove against: the newest signed one that holds everything asked for."""
    need = reader.size if stop is None else min(stop, reader.size)
    heads = [head for head in checkpoints(reader) if need <= head.size <= reader.size]
    if heads and reader.root(heads[-1].size) == heads[-1].root:
        return heads[-1].size, heads[-1].note
    return reader.size, ""


def _write_records(reader: LedgerReader, target: Path, records: Iterator[Record], size: int) -> int:
    count = place = 0
    with (
        (target / "records.jsonl").open("wb") as lines,
        (target / "records.txt").open("w", encoding="utf-8", newline="\n") as text,
        (target / "proofs.jsonl").open("w", encoding="ascii", newline="\n") as proofs,
        (target / "index.csv").open("w", encoding="utf-8", newline="") as index,
    ):
        table = csv.writer(index)
        table.writerow(
            ["seq", "time", "type", "actor", "symbol", "order_id", "hash", "offset", "length"]
        )
        for record in records:
            entry = record.entry
            lines.write(record.payload + b"\n")
            text.write(human(record) + "\n")
            proof = reader.prove(record.seq, size)
            proofs.write(
                json.dumps({"seq": record.seq, "path": [node.hex() for node in proof.path]}) + "\n"
            )
            table.writerow(
                [
                    record.seq,
                    entry.get("time", ""),
                    _safe(record.type),
                    _safe(record.actor),
                    _safe(entry.get("symbol", "")),
                    _safe(entry.get("order_id", "")),
                    record.hash,
                    place,
                    len(record.payload),
                ]
            )
            place += len(record.payload) + 1
            count += 1
    return count


def _safe(value: Any) -> str:
    """Text that a spreadsheet takes for text."""
    text = str(value)
    return "'" + text if text[:1] in ("=", "+", "-", "@") else text


def human(record: Record, width: int = 0) -> str:
    """One line for people.

    Parameters
    ----------
    width : characters after which it is cut; never when 0
    """
    entry = record.entry
    out = io.StringIO()
    out.write(f"{record.seq:>8}  {entry.get('time', '-'):<27}  {record.type:<12}")
    if record.actor:
        out.write(f"  by {record.actor}")
    for key, value in entry.items():
        if key in ("type", "time", "actor"):
            continue
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        out.write(
            f"  {key}={shown!r}" if isinstance(value, str) and " " in value else f"  {key}={shown}"
        )
    line = out.getvalue().replace("\n", "\\n").replace("\r", "\\r")
    return line if not width or len(line) <= width else line[: width - 1] + "…"
