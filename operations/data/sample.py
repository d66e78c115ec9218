"""LEAN's own sample data, out of an archive of its public repository."""

from __future__ import annotations

import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path, PurePosixPath

from operations.errors import FolderError, SourceError

SAMPLE_URL = "https://codeload.github.com/QuantConnect/Lean/zip/refs/heads/master"

#: The folder of the repository that holds the data.
DATA = "Data"


def _members(archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Return the data files of the archive with their path inside the data folder."""
    found = []
    for info in archive.infolist():
        parts = PurePosixPath(info.filename).parts
        if info.is_dir() or len(parts) < 3 or parts[1] != DATA:
            continue
        inside = PurePosixPath(*parts[2:])
        if inside.is_absolute() or ".." in inside.parts:
            raise SourceError(f"expected file names inside the archive, was {info.filename!r}")
        found.append((info, inside))
    return found


def fetch_sample(folder: Path, url: str = SAMPLE_URL) -> int:
    """Download the archive and unpack its data into ``folder``; return the number of files.

    Raises
    ------
    FolderError
        When ``folder`` exists and is not empty.
    SourceError
        When the archive cannot be downloaded, or holds no data.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FolderError(f"expected no or an empty folder, was {folder} with files; name another")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".sample-") as scratch:
        path = Path(scratch) / "lean.zip"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer, path.open("wb") as stream:  # noqa: S310
                shutil.copyfileobj(answer, stream, 1 << 20)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", error)
            raise SourceError(
                f"expected to download LEAN's sample data from {url}, was refused: {reason}; "
                "this needs a network. `protect data prepare` needs only the package index"
            ) from error
        try:
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise SourceError(f"expected a zip archive from {url}, was something else") from error
        unpacked = Path(scratch) / "data"
        with archive:
            members = _members(archive)
            if not members:
                raise SourceError(f"expected a folder {DATA}/ in the archive {url}, was none")
            for info, inside in members:
                target = unpacked / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, target.open("wb") as stream:
                    shutil.copyfileobj(source, stream)
        if folder.exists():
            folder.rmdir()
        unpacked.rename(folder)
    return len(members)
