"""What a store of durable state must do, and the envelope around everything it keeps."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from protection.contracts.errors import FixInput, RecoverState, UpgradeSoftware

Migration = Callable[[dict[str, Any]], dict[str, Any]]

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9]+)?")


class StateStore(Protocol):
    """Keeps small texts under keys; what ``write`` returned from survives a crash."""

    def read(self, key: str) -> str | None:
        """Text under ``key``, None when there is none.

        Raises
        ------
        RecoverState
            When something is there but cannot be read.
        """
        ...

    def write(self, key: str, text: str) -> None:
        """Make ``text`` durable under ``key`` before returning; old or new content, never a mix.

        Raises
        ------
        RetryWrite
            When that cannot be promised.
        """
        ...

    def stamp(self, key: str) -> object | None:
        """Something cheap that changes whenever the content may have; None when nothing is there.

        Raises
        ------
        OSError
            When not even that can be told.
        """
        ...


def check_key(key: str) -> str:
    """Return a key that every store accepts.

    Raises
    ------
    FixInput
        For other characters than letters, digits, ``_`` and ``-`` with one extension at most.
    """
    if len(key) > 120 or not _KEY.fullmatch(key):
        raise FixInput(
            f"expected a key of letters, digits, '_' and '-' with at most one dot, was {key!r}"
        )
    return key


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def pack(kind: str, version: int, payload: Mapping[str, Any]) -> str:
    """Text of a payload with its kind, version and checksum.

    Raises
    ------
    FixInput
        When the payload holds something JSON cannot keep exactly (NaN, objects).
    """
    try:
        body = json.dumps(payload, allow_nan=False, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise FixInput(f"expected {kind} to be plain finite data, was not: {error}") from error
    head = json.dumps({"kind": kind, "sha256": _digest(body), "version": version})
    return f"{head}\n{body}\n"


def pack_damaged(kind: str, version: int, reason: str) -> str:
    """Text of a payload that could not be read, for records: :func:`unpack` refuses it as then."""
    head = {"damaged": reason, "kind": kind, "sha256": _digest("{}"), "version": version}
    return f"{json.dumps(head)}\n{{}}\n"


def unpack(
    text: str, kind: str, version: int, migrations: Mapping[int, Migration] | None = None
) -> dict[str, Any]:
    """Payload of an envelope, migrated step by step to ``version``.

    Raises
    ------
    RecoverState
        When the text is half written, altered, of another kind or of a version nobody migrates.
    UpgradeSoftware
        When it was written by a newer version.
    """
    found, payload = opened(text, kind, version)
    return migrated(payload, kind, found, version, migrations)


def opened(text: str, kind: str, version: int) -> tuple[int, dict[str, Any]]:
    """Version and payload of an envelope, as it was written.

    Raises
    ------
    RecoverState
        When the text is half written, altered or of another kind.
    UpgradeSoftware
        When it was written by a newer version.
    """
    head_line, newline, rest = text.partition("\n")
    try:
        head = json.loads(head_line)
        found_kind, found_version = head["kind"], head["version"]
        expected_digest = head["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise RecoverState(
            f"expected {kind} with a readable first line, was {head_line[:60]!r}; "
            "inspect it, then resume with actor and reason"
        ) from error
    if found_kind != kind:
        raise RecoverState(f"expected stored state of kind {kind!r}, was {found_kind!r}")
    if not isinstance(found_version, int) or isinstance(found_version, bool):
        raise RecoverState(f"expected a whole version number of {kind}, was {found_version!r}")
    if found_version > version:
        raise UpgradeSoftware(
            f"expected {kind} of version {version} or older, was {found_version}; "
            "run the newer version, or move the stored state away and resume"
        )
    body = rest[:-1] if rest.endswith("\n") else None
    if not newline or body is None or _digest(body) != expected_digest:
        raise RecoverState(
            f"expected {kind} whole and unaltered, was cut or changed "
            f"({len(text)} characters); inspect it, then resume with actor and reason"
        )
    if "damaged" in head:
        raise RecoverState(str(head["damaged"]))
    payload = json.loads(body)
    if not isinstance(payload, dict):
        raise RecoverState(f"expected {kind} to hold a mapping, was {type(payload).__name__}")
    return found_version, payload


def migrated(
    payload: dict[str, Any],
    kind: str,
    found: int,
    version: int,
    migrations: Mapping[int, Migration] | None,
) -> dict[str, Any]:
    """A payload of version ``found`` brought step by step to ``version``.

    Raises
    ------
    RecoverState
        When there is no way.
    """
    for step in range(found, version):
        migrate = (migrations or {}).get(step)
        if migrate is None:
            raise RecoverState(f"expected {kind} of version {version}, was {found}")
        payload = migrate(payload)
    return payload
