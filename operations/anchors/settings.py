"""Which anchors there are: a small JSON file without any secret.

::

    {"witness": ["/mnt/witness"],
     "timestamp": [{"url": "https://tsa.example", "folder": "stamps", "certificate": "ca.pem"}],
     "chain": [{"node": "http://127.0.0.1:8545", "contract": "0x...", "confirmations": 12}]}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operations.errors import OperationError

if TYPE_CHECKING:
    from operations.anchors.base import Anchor

_KEYS: dict[str, frozenset[str]] = {
    "timestamp": frozenset({"url", "folder", "certificate"}),
    "chain": frozenset({"node", "contract", "confirmations", "account"}),
}


def _refuse_unknown(found: dict[str, Any], known: frozenset[str], where: str) -> None:
    for key in found:
        if key not in known:
            raise OperationError(
                f"expected {', '.join(sorted(known))} in {where}, was {key!r}; secrets have no "
                "place in this file"
            )


def anchors_of(path: Path, origin: str) -> list[Anchor]:
    """Return the anchors that a file names, for the log ``origin``.

    Raises
    ------
    OperationError
        When the file is no JSON object, names an unknown key or lacks a needed one.
    """
    from operations.anchors.ethereum import EthereumAnchor, connect
    from operations.anchors.timestamp import TimestampAuthority
    from operations.anchors.witness import WitnessFolder

    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OperationError(f"expected a JSON file of anchors at {path}: {error}") from error
    if not isinstance(found, dict):
        raise OperationError(f"expected a JSON object of anchors in {path}")
    _refuse_unknown(found, frozenset({"witness", "timestamp", "chain"}), path.name)
    made: list[Anchor] = [
        WitnessFolder((path.parent / folder).resolve(), origin)
        for folder in found.get("witness", [])
    ]
    for kind in ("timestamp", "chain"):
        for entry in found.get(kind, []):
            _refuse_unknown(entry, _KEYS[kind], f"{kind} of {path.name}")
            try:
                if kind == "timestamp":
                    given = entry.get("certificate")
                    certificate = None if given is None else (path.parent / given).resolve()
                    folder = (path.parent / entry["folder"]).resolve()
                    made.append(TimestampAuthority(entry["url"], folder, certificate))
                else:
                    made.append(
                        EthereumAnchor(
                            connect(entry["node"]),
                            entry["contract"],
                            origin,
                            confirmations=int(entry.get("confirmations", 12)),
                            account=entry.get("account"),
                        )
                    )
            except KeyError as error:
                raise OperationError(
                    f"expected {error.args[0]} in {kind} of {path.name}, was missing"
                ) from error
    return made
