"""Stage what travels to the cloud under ``.build/NAME``.

``lean cloud push`` from the root of the repository would name the project ``.`` and push tests and
tools along; from the parent of a staged bundle it pushes exactly the bundle, under its name.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from operations.cloud.rules import PUSHED, violations
from operations.errors import BundleError, FolderError
from operations.files import write_atomically

#: Where bundles are built, beside nothing else.
WORKSPACE = ".build"

#: What travels; ``research`` only where there is one.
REQUIRED = ("main.py", "config.json", "algorithm", "protection")
OPTIONAL = ("research",)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A staged cloud project.

    Attributes
    ----------
    workspace
        Folder to run ``lean`` in.
    folder
        The project inside it.
    files
        Paths inside the project that will be pushed.
    largest_kib
        Size of the largest of them, in KiB.
    """

    workspace: Path
    folder: Path
    files: tuple[str, ...]
    largest_kib: float


def _bundle_folder(root: Path, name: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,60}", name):
        raise BundleError(
            f"expected a project name of letters, digits, spaces, '-' and '_', was {name!r}"
        )
    return root / WORKSPACE / name


def stage(root: Path, name: str) -> Bundle:
    """Copy what travels into ``.build/NAME`` and check it.

    Parameters
    ----------
    root
        Root of the repository.
    name
        Name of the project in the cloud.

    Raises
    ------
    FolderError
        When ``root`` lacks something that has to travel.
    BundleError
        When the bundle breaks a rule of the cloud; an earlier bundle stays as it was.
    """
    root = root.resolve()
    folder = _bundle_folder(root, name)
    missing = [item for item in REQUIRED if not (root / item).exists()]
    if missing:
        raise FolderError(
            f"expected {', '.join(REQUIRED)} in {root}, was without {', '.join(missing)}; "
            "run the command in the root of the repository or name it with --root"
        )
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".staging-") as scratch:
        fresh = Path(scratch) / "bundle"
        fresh.mkdir()
        ignore = shutil.ignore_patterns("__pycache__", "*.pyc", ".ipynb_checkpoints", ".*")
        for item in (*REQUIRED, *OPTIONAL):
            source = root / item
            if source.is_dir():
                shutil.copytree(source, fresh / item, ignore=ignore)
            elif source.is_file():
                shutil.copy2(source, fresh / item)
        if broken := violations(fresh):
            raise BundleError("the bundle breaks the cloud's rules:\n  " + "\n  ".join(broken))
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        fresh.rename(folder)
    # The workspace file lean looks for; it keeps the organization of the root's.
    workspace = json.loads((root / "lean.json").read_text(encoding="utf-8"))
    workspace["data-folder"] = "../data"
    write_atomically(folder.parent / "lean.json", json.dumps(workspace, indent=4).encode())
    pushed = sorted(path for path in folder.rglob("*") if path.suffix in PUSHED)
    return Bundle(
        workspace=folder.parent,
        folder=folder,
        files=tuple(path.relative_to(folder).as_posix() for path in pushed),
        largest_kib=max(path.stat().st_size for path in pushed) / 1024,
    )


def adopt_cloud_id(root: Path, name: str) -> str:
    """Copy ``cloud-id`` and ``organization-id`` from the pushed bundle into ``config.json``.

    Raises
    ------
    FolderError
        When the bundle was never staged or never pushed.
    """
    pushed = _bundle_folder(root.resolve(), name) / "config.json"
    if not pushed.is_file():
        raise FolderError(f"expected a staged bundle at {pushed.parent}, was none; stage it first")
    bundle = json.loads(pushed.read_text(encoding="utf-8"))
    if "cloud-id" not in bundle:
        raise FolderError(f"expected a cloud-id in {pushed}, was none; push the bundle first")
    path = root / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    for key in ("cloud-id", "organization-id"):
        if key in bundle:
            config[key] = bundle[key]
    write_atomically(path, json.dumps(config, indent=4).encode())
    return str(bundle["cloud-id"])
