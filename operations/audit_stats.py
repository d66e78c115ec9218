"""Figures of a ledger for ``protect audit stats``."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from protection.blockchain.checkpoint import checkpoints
from protection.blockchain.reader import LedgerReader


def gather(reader: LedgerReader, path: Path) -> dict[str, Any]:
    """Counts, span, volume, signatures and retention of a ledger."""
    types: Counter[str] = Counter()
    days: Counter[str] = Counter()
    volume = 0
    first = last = None
    for record in reader.records():
        types[record.type] += 1
        volume += len(record.payload)
        time = record.entry.get("time")
        if isinstance(time, str):
            days[time[:10]] += 1
            first = time if first is None or time < first else first
            last = time if last is None or time > last else last
    heads = checkpoints(reader)
    about = getattr(reader.store, "about", {})
    years = int(about.get("retention_years", 6))
    return {
        "records": reader.size,
        "root": reader.root().hex(),
        "first": first,
        "last": last,
        "bytes": volume,
        "bytes on disk": _on_disk(path),
        "signed heads": len(heads),
        "newest signed head": heads[-1].size if heads else None,
        "records not signed": reader.size - (heads[-1].size if heads else 0),
        "tombstones": types["tombstone"],
        "retention years": years,
        "keep until": None if last is None else _years_on(last, years),
        "days": len(days),
        "types": dict(types.most_common()),
    }


def _on_disk(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _years_on(text: str, years: int) -> str:
    """Day until which the newest record must be kept."""
    moment = datetime.fromisoformat(text)
    try:
        return moment.replace(year=moment.year + years).date().isoformat()
    except ValueError:  # 29 February
        return moment.replace(year=moment.year + years, month=3, day=1).date().isoformat()
