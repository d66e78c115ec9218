"""Weights on disk: an ``.npz`` of plain arrays beside a manifest with its hash, never a pickle."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from protection.circuit_breakers.tuning.features import Floats
from protection.circuit_breakers.tuning.inference import SHAPES

#: Version of the layout; a file of another version is refused.
VERSION = 1


class WeightsRefused(ValueError):
    """The weights are not what their manifest says; train again or restore the files."""


def save(folder: Path, name: str, weights: Mapping[str, Floats], about: Mapping[str, Any]) -> str:
    """Write ``NAME.npz`` and ``NAME.json`` and return the hash.

    Parameters
    ----------
    folder : existing folder
    name : stem of both files
    weights : parameters by name
    about : what they were trained on, for people
    """
    _check(weights)
    buffer = io.BytesIO()
    np.savez(buffer, **{key: np.asarray(weights[key], dtype=float) for key in sorted(weights)})
    data = buffer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    (folder / f"{name}.npz").write_bytes(data)
    manifest = {"version": VERSION, "sha256": digest, "about": dict(about)}
    (folder / f"{name}.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return digest


def load(folder: Path, name: str) -> dict[str, Floats]:
    """Read weights and check hash, version, names, shapes and that every value is finite.

    Raises
    ------
    WeightsRefused
        When anything of that does not hold.
    FileNotFoundError
        When there are no such weights.
    """
    manifest = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    if manifest.get("version") != VERSION:
        raise WeightsRefused(
            f"expected version {VERSION} of {name}.json, was {manifest.get('version')}"
        )
    data = (folder / f"{name}.npz").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != manifest.get("sha256"):
        raise WeightsRefused(
            f"expected {name}.npz with sha256 {manifest.get('sha256')}, was {digest}; restore the "
            "file or train again"
        )
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        weights = {key: np.asarray(archive[key], dtype=float) for key in archive.files}
    _check(weights)
    return weights


def _check(weights: Mapping[str, Floats]) -> None:
    if set(weights) != set(SHAPES):
        odd = sorted(set(weights) ^ set(SHAPES))
        raise WeightsRefused(f"expected the parameters of the network, differs in {odd}")
    for key, shape in SHAPES.items():
        value = np.asarray(weights[key])
        if value.shape != shape or not np.isfinite(value).all():
            raise WeightsRefused(f"expected finite {key} of shape {shape}, was {value.shape}")
