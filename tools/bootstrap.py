"""Create the project's virtual environment from nothing, and do nothing when it is current.

Runs on the system's Python 3.11 with the standard library only. The environment is keyed by a hash
of ``constraints.txt`` and of the requirements in ``pyproject.toml``, so the second call costs
milliseconds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
import tomllib
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

#: Which extras each kind of environment installs on top of the base dependencies.
KINDS: dict[str, tuple[str, ...]] = {
    "run": (),
    "dev": ("ml", "torch", "ops", "chain", "cluster", "research", "lean", "test"),
}


def requirements(kind: str, project: dict[str, Any]) -> list[str]:
    """Return the requirement strings of an environment kind, base dependencies first."""
    extras = project.get("optional-dependencies", {})
    wanted = list(project["dependencies"])
    for extra in KINDS[kind]:
        wanted.extend(extras[extra])
    return wanted


def fingerprint(wanted: list[str], constraints: str) -> str:
    """Hash what decides the content of an environment."""
    key = json.dumps([sorted(wanted), constraints, sys.version_info[:3]])
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def fail(message: str) -> None:
    """Print one sentence and leave with exit code 2."""
    print(f"bootstrap: {message}", file=sys.stderr)
    raise SystemExit(2)


def is_whole(python: Path) -> bool:
    """Tell whether the environment's interpreter and its pip start."""
    if not python.exists():
        return False
    command = [str(python), "-m", "pip", "--version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def create(folder: Path) -> None:
    """Create the virtual environment at ``folder``."""
    print(f"== Creating the Python environment in {folder.name}/ (once)", flush=True)
    try:
        venv.EnvBuilder(with_pip=True, clear=folder.exists(), symlinks=os.name != "nt").create(
            folder
        )
    except subprocess.CalledProcessError:
        fail(
            "expected Python's venv and ensurepip modules, was unable to create an environment; "
            "on Debian or Ubuntu run `apt install python3.11-venv` and try again"
        )


def install(python: Path, wanted: list[str], kind: str) -> None:
    """Install ``wanted`` under the pinned constraints."""
    print(f"== Installing {len(wanted)} requirements for '{kind}' at pinned versions", flush=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-input", "--prefer-binary", "-c", str(ROOT / "constraints.txt"), *wanted]
    if subprocess.run(command, check=False).returncode:
        fail(
            "expected to install the pinned requirements, pip failed (its message is above); "
            "check the network or your package index and run the same command again"
        )


def link_project(python: Path) -> None:
    """Put the repository on the environment's path, so that ``protect`` works from any folder."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    answer = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)
    site = Path(answer.stdout.strip())
    (site / "qmp_overrider.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    script = python.parent / "protect"
    script.write_text(
        f"#!{python}\nfrom operations.cli import main\n\nmain()\n",
        encoding="utf-8",
    )
    script.chmod(0o755)


def main() -> None:
    """Bring the environment up to date for the requested kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("--venv", default=".venv", help="folder of the environment")
    options = parser.parse_args()

    if sys.version_info[:2] != (3, 11):
        found = ".".join(map(str, sys.version_info[:3]))
        fail(
            f"expected Python 3.11 (the version LEAN embeds), was {found} at {sys.executable}; "
            "install python3.11 or call `make PYTHON=/path/to/python3.11 ...`"
        )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    folder = (ROOT / options.venv).absolute()
    python = folder / "bin" / "python"

    # A development environment also serves every plain run.
    stamps = {
        kind: folder / f".stamp-{kind}-{fingerprint(requirements(kind, project), constraints)}"
        for kind in KINDS
    }
    current = stamps["dev"].exists() or stamps[options.kind].exists()
    if current and python.exists():
        return
    started = time.monotonic()
    if not is_whole(python):
        create(folder)
    install(python, requirements(options.kind, project), options.kind)
    link_project(python)
    for old in folder.glob(f".stamp-{options.kind}-*"):
        old.unlink()
    stamps[options.kind].touch()
    print(f"== Environment ready after {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
