"""Accepted models, each under the hash of its content."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from protection.contracts.errors import RecoverState
from protection.contracts.stores import StateStore
from protection.contracts.stores.base import pack, unpack
from protection.gating.anchor import Anchor, Model

KIND = "gate-model"
ANCHOR_KIND = "gate-anchor"
VERSION = 1


def content(plain: dict[str, Any]) -> str:
    """SHA-256 of plain data in canonical form."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Checkpoints:
    """Models and anchors in a store, written once under their hash and never changed.

    What a name points to is kept elsewhere and written last, so a crash leaves the old pointer
    on an old, whole file.
    """

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def put(self, model: Model) -> str:
        """Store a model; its hash.

        Raises
        ------
        RetryWrite
            When it could not be made durable.
        """
        plain = model.to_dict()
        digest = content(plain)
        key = f"model-{digest[:40]}.json"
        if self._store.read(key) is None:
            self._store.write(key, pack(KIND, VERSION, plain))
        return digest

    def get(self, digest: str) -> Model:
        """The model of a hash.

        Raises
        ------
        RecoverState
            When it is gone or not what was hashed.
        """
        plain = self._read(f"model-{digest[:40]}.json", KIND)
        if content(plain) != digest:
            raise RecoverState(f"expected a model of hash {digest}, was {content(plain)}")
        return Model.from_dict(plain)

    def put_anchor(self, anchor: Anchor) -> str:
        """Store an anchor; its hash.

        Raises
        ------
        RetryWrite
            When it could not be made durable.
        """
        key = f"anchor-{anchor.digest[:40]}.json"
        if self._store.read(key) is None:
            self._store.write(key, pack(ANCHOR_KIND, VERSION, anchor.to_dict()))
        return anchor.digest

    def get_anchor(self, digest: str) -> Anchor:
        """The anchor of a hash.

        Raises
        ------
        RecoverState
            When it is gone or not what was hashed.
        """
        anchor = Anchor.from_dict(self._read(f"anchor-{digest[:40]}.json", ANCHOR_KIND))
        if anchor.digest != digest:
            raise RecoverState(f"expected an anchor of hash {digest}, was {anchor.digest}")
        return anchor

    def _read(self, key: str, kind: str) -> dict[str, Any]:
        text = self._store.read(key)
        if text is None:
            raise RecoverState(f"expected {key} in the store, was not there")
        return unpack(text, kind, VERSION)
