"""Write a complete LEAN data folder from prices that ship inside packages of the package index."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.data import databases, lean_format, series, wheels
from operations.data.series import Series
from operations.errors import FolderError
from operations.files import sha256, write_atomically

MANIFEST = "manifest.json"

#: Raised whenever the same sources would give other files.
RECIPE = 2

#: The series a strategy is measured against.
BENCHMARK = "SP500INDEX"

#: Written by us but refreshed by ``lean`` itself: present is enough.
DATABASES = (
    "market-hours/market-hours-database.json",
    "symbol-properties/symbol-properties-database.csv",
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a preparation left behind."""

    folder: Path
    manifest: dict[str, Any]
    written: bool


def _series_files(found: Series, scale: int) -> dict[str, bytes]:
    ticker = found.ticker.lower()
    listing = series.LISTING.get(found.ticker, "N" if found.kind == "stock" else "")
    rows = lean_format.daily_rows(found.bars, scale)
    files = {
        f"equity/usa/daily/{ticker}.zip": lean_format.zipped(f"{ticker}.csv", rows),
        f"equity/usa/map_files/{ticker}.csv": lean_format.map_file(found, listing).encode(),
        f"equity/usa/factor_files/{ticker}.csv": lean_format.factor_file(found).encode(),
    }
    if found.kind == "index":
        rows = lean_format.closing_hour_rows(found.bars, scale)
        files[f"equity/usa/hour/{ticker}.zip"] = lean_format.zipped(f"{ticker}.csv", rows)
    return files


def build(found: list[Series]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return every file of the folder by its relative path, and the manifest.

    Parameters
    ----------
    found
        The series, as `operations.data.series.read_series` returns them.
    """
    files: dict[str, bytes] = {
        DATABASES[0]: databases.market_hours().encode(),
        DATABASES[1]: databases.symbol_properties().encode(),
        "alternative/interest-rate/usa/interest-rate.csv": databases.interest_rate().encode(),
    }
    entries = []
    for one in found:
        scale = lean_format.choose_scale(one.bars)
        prices = [bar.close for bar in one.bars]
        files.update(_series_files(one, scale))
        entries.append(
            {
                "ticker": one.ticker,
                "name": one.name,
                "kind": one.kind,
                "tradable": one.kind == "stock",
                "fields": one.fields,
                "first": one.bars[0].day.isoformat(),
                "last": one.bars[-1].day.isoformat(),
                "rows": len(one.bars),
                "left_out": one.left_out,
                "scale": scale,
                "largest_rounding_error": float(f"{lean_format.rounding_error(prices, scale):.3g}"),
                "source": {
                    "package": one.source.requirement,
                    "file": one.source.member,
                    "sha256": one.source.digest,
                },
                "note": one.note,
            }
        )
    manifest = {
        "recipe": RECIPE,
        "about": (
            "Daily prices in LEAN's folder format, made by `protect data prepare`. `scale` is what "
            "the source's prices were multiplied by. Prices are adjusted, so every factor is 1. "
            "`left_out` counts rows at the start of the source that are not used: before a run of "
            f"{series.FROZEN_RUN} or more identical closes it carried old quotes forward. "
            "The hourly file of an index has one bar a session, at the close: LEAN reads "
            "benchmarks from hourly bars. Nothing else in this folder is known within a day."
        ),
        "benchmark": BENCHMARK,
        "series": entries,
        "files": {path: sha256(content) for path, content in sorted(files.items())},
    }
    return files, manifest


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a prepared folder, or None where there is none."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        manifest["files"], manifest["series"], manifest["recipe"]
    except (ValueError, KeyError, TypeError) as error:
        raise FolderError(
            f"expected a manifest written by `protect data prepare` at {path}, was unreadable "
            f"({error}); remove the file and prepare the folder again"
        ) from error
    return manifest


def is_current(folder: Path) -> bool:
    """Tell whether every prepared file is present and unchanged.

    The two databases that ``lean`` refreshes only have to be present.
    """
    manifest = read_manifest(folder)
    if manifest is None or manifest["recipe"] != RECIPE:
        return False
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            return False
        if name not in DATABASES and sha256(path.read_bytes()) != digest:
            return False
    return True


def prepare(folder: Path, *, if_needed: bool = False) -> Prepared:
    """Write the prepared data folder; files of others in it stay where they are.

    Parameters
    ----------
    folder
        Created when missing.
    if_needed
        Do nothing when `is_current` says so.

    Raises
    ------
    FolderError
        When the folder holds data that this command did not write.
    SourceError
        When a source cannot be had or is not the pinned one.
    """
    if if_needed and is_current(folder):
        manifest = read_manifest(folder)
        assert manifest is not None
        return Prepared(folder, manifest, written=False)
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"expected a folder at {folder}, was a file; name another folder")
    foreign = folder.is_dir() and (folder / "equity").exists() and read_manifest(folder) is None
    if foreign:
        raise FolderError(
            f"expected an empty folder or one that `protect data prepare` wrote, was other data in "
            f"{folder}; name another folder, or point LEAN_DATA at this one to use it as it is"
        )
    files, manifest = build(series.read_series(wheels.read(series.FILES)))
    for name, content in files.items():
        write_atomically(folder / name, content)
    # Last, so that a manifest always describes files that are there.
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / MANIFEST, text.encode())
    return Prepared(folder, manifest, written=True)
