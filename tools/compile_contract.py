"""Compile the anchor's contract: writes AuditAnchor.json beside AuditAnchor.vy (needs vyper)."""

from __future__ import annotations

import json
from pathlib import Path

import vyper

FOLDER = Path(__file__).resolve().parent.parent / "operations" / "anchors" / "contract"


def compiled() -> dict[str, object]:
    """Return ABI, creation bytecode and compiler version of the source."""
    source = (FOLDER / "AuditAnchor.vy").read_text(encoding="utf-8")
    made = vyper.compile_code(source, output_formats=["abi", "bytecode"])
    return {"vyper": vyper.__version__, "abi": made["abi"], "bytecode": made["bytecode"]}


def main() -> None:
    """Write the file."""
    text = json.dumps(compiled(), indent=1) + "\n"
    (FOLDER / "AuditAnchor.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
