"""Keys that sign heads.

Ed25519 (with the package ``cryptography``) proves to anybody that the holder of the private key
signed. HMAC (standard library) proves it only to those who hold the same secret, and each of them
could have signed: it tells accidents and outsiders from insiders, nothing more.

A private key never lies in the ledger's folder or in a configuration file; a file of its own with
mode 0600 holds it.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from protection.blockchain.verifier import Key, rotation_message
from protection.contracts.errors import FixInput, FixSettings

ED25519, HMAC = 1, 255
_NAMES_REFUSED = frozenset("+ \t\n")


class Signer(Protocol):
    """Signs heads under a name.

    Attributes
    ----------
    name : who signs
    verifier : text of the key to verify with; for HMAC the secret itself
    public : what may be published of it: the verifier of Ed25519, only the id of an HMAC key
    proves : one sentence on what a signature proves
    """

    name: str
    verifier: str
    public: str
    proves: str

    def sign(self, message: bytes) -> bytes:
        """Signature over a message."""
        ...


def _ident(name: str, algorithm: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


def _check_name(name: str) -> str:
    if not name or _NAMES_REFUSED & set(name):
        raise FixSettings(f"expected a key name without spaces and '+', was {name!r}")
    return name


def key_id(signer: Signer) -> bytes:
    """The four bytes that stand in front of a signature."""
    return Key(signer.verifier).ident


class HmacSigner:
    """Shared secret of at least 32 bytes."""

    proves = (
        "HMAC: proves to holders of the secret that one of them signed; anybody who can verify "
        "could have signed"
    )

    def __init__(self, name: str, secret: bytes) -> None:
        if len(secret) < 32:
            raise FixSettings(f"expected an HMAC secret of at least 32 bytes, was {len(secret)}")
        self.name = _check_name(name)
        self._secret = bytes(secret)
        ident = _ident(name, HMAC, sha256(secret).digest()).hex()
        blob = base64.b64encode(bytes([HMAC]) + secret).decode()
        self.verifier = f"{name}+{ident}+{blob}"
        self.public = f"{name}+{ident}"

    def sign(self, message: bytes) -> bytes:
        """HMAC-SHA-256."""
        return hmac.digest(self._secret, message, "sha256")

    def seed(self) -> bytes:
        """The secret, for :func:`save_key`."""
        return self._secret


class Ed25519Signer:
    """Ed25519 of a seed of 32 bytes.

    Raises
    ------
    FixSettings
        Without the package ``cryptography``, or when the seed has another length.
    """

    proves = "Ed25519: proves to anybody that the holder of the private key signed"

    def __init__(self, name: str, seed: bytes) -> None:
        if len(seed) != 32:
            raise FixSettings(f"expected an Ed25519 seed of 32 bytes, was {len(seed)}")
        private = _ed25519(seed)
        self.name = _check_name(name)
        self._seed = bytes(seed)
        self._private = private
        raw: bytes = private.public_key().public_bytes_raw()
        ident = _ident(name, ED25519, raw).hex()
        blob = base64.b64encode(bytes([ED25519]) + raw).decode()
        self.verifier = self.public = f"{name}+{ident}+{blob}"

    def sign(self, message: bytes) -> bytes:
        """Signature of 64 bytes."""
        signature: bytes = self._private.sign(message)
        return signature

    def seed(self) -> bytes:
        """The private seed, for :func:`save_key`."""
        return self._seed


def _ed25519(seed: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as error:
        raise FixSettings(
            "expected the package cryptography for Ed25519 keys, was missing; install it "
            "(extra ops), or sign with an HMAC key and know that it proves less"
        ) from error
    return Ed25519PrivateKey.from_private_bytes(seed)


def new_signer(name: str, algorithm: str = "auto") -> Ed25519Signer | HmacSigner:
    """A new random key: ``ed25519``, ``hmac``, or ``auto`` (Ed25519 where it can be had).

    Raises
    ------
    FixSettings
        When the algorithm is unknown or cannot be had.
    """
    seed = secrets.token_bytes(32)
    if algorithm == "hmac":
        return HmacSigner(name, seed)
    if algorithm == "ed25519":
        return Ed25519Signer(name, seed)
    if algorithm != "auto":
        raise FixSettings(f"expected algorithm one of auto, ed25519, hmac, was {algorithm!r}")
    try:
        return Ed25519Signer(name, seed)
    except FixSettings:
        return HmacSigner(name, seed)


def save_key(signer: Ed25519Signer | HmacSigner, path: str | os.PathLike[str]) -> None:
    """Write a private key to a new file that only its owner may read.

    Raises
    ------
    FixInput
        When the file is there already.
    """
    word = "ed25519" if isinstance(signer, Ed25519Signer) else "hmac"
    text = f"{word} {signer.name} {base64.b64encode(signer.seed()).decode()}\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise FixInput(f"expected a new file for the key, {path} is there already") from None
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def load_key(path: str | os.PathLike[str]) -> Ed25519Signer | HmacSigner:
    """Key of a file that :func:`save_key` wrote.

    Raises
    ------
    FixSettings
        When the file is missing, unreadable, or open to others.
    """
    file = Path(path)
    try:
        mode = file.stat().st_mode
        word, name, blob = file.read_text("ascii").split()
        seed = base64.b64decode(blob, validate=True)
    except (OSError, ValueError) as error:
        raise FixSettings(f"expected {path} to hold a key, was not: {error}") from error
    if os.name != "nt" and mode & 0o077:
        raise FixSettings(f"expected {path} to be readable by its owner alone; run chmod 600")
    if word == "ed25519":
        return Ed25519Signer(name, seed)
    if word == "hmac":
        return HmacSigner(name, seed)
    raise FixSettings(f"expected {path} to hold an ed25519 or hmac key, was {word!r}")


def endorse(old: Signer, new: Signer) -> dict[str, str]:
    """Fields of a ``key`` entry: the old key signs that the new one takes over.

    Raises
    ------
    FixInput
        For HMAC keys, whose verifier is the secret and must not be written down.
    """
    for signer in (old, new):
        if Key(signer.verifier).algorithm != ED25519:
            raise FixInput(
                f"expected Ed25519 keys to rotate, {signer.name} is HMAC; hand a new secret to "
                "those who verify instead"
            )
    signature = old.sign(rotation_message(old.verifier, new.verifier))
    return {
        "name": new.name,
        "public": new.verifier,
        "previous": old.verifier,
        "signature": base64.b64encode(signature).decode(),
    }
