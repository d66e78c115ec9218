"""What must never stand in a ledger, because nothing can be taken out of it again.

Secrets are blacked out before they are written. Personal data is replaced by a salted commitment;
value and salt live in a vault beside the ledger, and erasing them there leaves a hash that nobody
can connect with the person, while every proof goes on holding.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from protection.blockchain.canonical import canonical
from protection.contracts.errors import FixInput
from protection.contracts.stores import StateStore, pack, unpack

REDACTED = "[redacted]"
_NAMES = re.compile(
    r"(^|[_\-.])(pass(word|wd|phrase)?|secret|token|api[_-]?key|apikey|access[_-]?key|"
    r"private[_-]?key|credential|authorization|auth|cookie|mnemonic|seed[_-]?phrase|pin|otp)s?$",
    re.IGNORECASE,
)
_TEXTS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bsk_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r"|(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{12,}"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
    re.DOTALL,
)
_KIND = "personal-data"
_TAG = b"qmp-commitment/1\x00"


def redact(value: Any, names: Collection[str] = ()) -> Any:
    """The value with secrets blacked out: fields named like one, and texts that look like one.

    Parameters
    ----------
    value : entry or part of one
    names : further field names to black out
    """
    if isinstance(value, Mapping):
        extra = frozenset(names)
        return {
            key: REDACTED
            if item is not None and (key in extra or _NAMES.search(str(key)))
            else redact(item, names)
            for key, item in value.items()
        }
    if isinstance(value, str):
        return _TEXTS.sub(REDACTED, value)
    if isinstance(value, (list, tuple)):
        return [redact(item, names) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Commitment:
    """Hash of a value and a random salt; it fixes the value without telling it."""

    digest: str
    salt: str


def commit(value: Any, token: Callable[[int], bytes] = secrets.token_bytes) -> Commitment:
    """Commitment to a value with a fresh salt of 32 bytes."""
    salt = token(32)
    return Commitment(_digest(value, salt), salt.hex())


def opens(digest: str, value: Any, salt: str) -> bool:
    """Whether value and salt are what the digest was made of."""
    try:
        return compare_digest(_digest(value, bytes.fromhex(salt)), digest)
    except (ValueError, TypeError):
        return False


def _digest(value: Any, salt: bytes) -> str:
    return sha256(_TAG + salt + canonical(value)).hexdigest()


class PersonalVault:
    """Values and salts behind the commitments, where they can be erased.

    Parameters
    ----------
    store : where they live, for example ``FileStateStore("personal")``; not the ledger's folder
    token : source of salts
    """

    def __init__(
        self, store: StateStore, token: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._store = store
        self._token = token

    def seal(self, entry: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
        """Entry with the named fields replaced by ``{"commitment": digest}``.

        The values are durable in the vault before this returns.

        Raises
        ------
        FixInput
            When a field is missing.
        """
        out = dict(entry)
        for name in fields:
            if name not in out:
                raise FixInput(f"expected the field {name!r} in the entry, was missing")
            made = commit(out[name], self._token)
            content = {"value": out[name], "salt": made.salt}
            self._store.write(made.digest, pack(_KIND, 1, content))
            out[name] = {"commitment": made.digest}
        return out

    def open(self, digest: str) -> Any:
        """Value behind a commitment; None once it was erased or when it is not here.

        Raises
        ------
        RecoverState
            When it cannot be read.
        FixInput
            When what lies there is not what was committed to.
        """
        text = self._store.read(digest)
        if text is None:
            return None
        content = unpack(text, _KIND, 1)
        if content.get("erased"):
            return None
        if not opens(digest, content["value"], content["salt"]):
            raise FixInput(f"expected the value behind {digest}, was another")
        return content["value"]

    def erase(self, digest: str) -> None:
        """Forget value and salt; the commitment in the ledger stays and tells nothing any more."""
        self._store.write(digest, pack(_KIND, 1, {"erased": True}))
