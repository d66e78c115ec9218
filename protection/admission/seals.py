"""Signatures of envelopes: HMAC-SHA256 from the standard library, Ed25519 where installed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from hmac import compare_digest
from typing import Any, Protocol

from protection.admission.envelope import Envelope, canonical
from protection.contracts.errors import FixSettings


class Verifier(Protocol):
    """Tells whether a signature belongs to a message."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is genuine; never raises for a wrong one."""
        ...


class Signer(Protocol):
    """Signs messages."""

    def sign(self, message: bytes) -> bytes:
        """Signature of ``message``."""
        ...


class HmacKey:
    """Shared secret: signs and verifies with HMAC-SHA256 (RFC 2104).

    Whoever can verify can also sign: fit for a feed handler and a strategy of one owner. Use
    :class:`Ed25519Key` where the receiver must not be able to forge.

    Parameters
    ----------
    secret : at least 16 bytes

    Raises
    ------
    FixSettings
        For a shorter secret.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        if not isinstance(secret, bytes) or len(secret) < 16:
            raise FixSettings(
                "expected an HMAC secret of at least 16 bytes; use secrets.token_bytes"
            )
        block = (secret if len(secret) <= 64 else hashlib.sha256(secret).digest()).ljust(64, b"\0")
        # both keyed states are kept and copied: faster than hmac.digest, which sets them up anew
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def sign(self, message: bytes) -> bytes:
        """32 bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Compare in constant time."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return compare_digest(outer.digest(), signature)


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise FixSettings(
            "expected the package cryptography for Ed25519 keys, was not installed; "
            "install qmp-overrider[ops] or use HmacKey"
        ) from error
    return ed25519


def _invalid_signature() -> type[Exception]:
    try:
        from cryptography.exceptions import InvalidSignature
    except ImportError:  # without the package there is no key that could verify
        return ValueError
    return InvalidSignature


class Ed25519Key:
    """Public key of a source (RFC 8032), through the optional package ``cryptography``.

    Parameters
    ----------
    public : 32 bytes

    Raises
    ------
    FixSettings
        Without the package, or for other bytes than a public key.
    """

    __slots__ = ("_invalid", "_key")

    def __init__(self, public: bytes) -> None:
        ed25519, self._invalid = _ed25519(), _invalid_signature()
        try:
            self._key = ed25519.Ed25519PublicKey.from_public_bytes(public)
        except (ValueError, TypeError) as error:
            raise FixSettings(f"expected an Ed25519 public key of 32 bytes: {error}") from error

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether the private key made ``signature``."""
        try:
            self._key.verify(signature, message)
        except (self._invalid, ValueError):
            return False
        return True


class Ed25519Signer:
    """Private key of a source; lives with the source, never here.

    Parameters
    ----------
    private : 32 bytes

    Raises
    ------
    FixSettings
        Without the package ``cryptography``, or for other bytes than a private key.
    """

    __slots__ = ("_key",)

    def __init__(self, private: bytes) -> None:
        try:
            self._key = _ed25519().Ed25519PrivateKey.from_private_bytes(private)
        except (ValueError, TypeError) as error:
            raise FixSettings(f"expected an Ed25519 private key of 32 bytes: {error}") from error

    def public(self) -> bytes:
        """32 bytes for :class:`Ed25519Key`."""
        raw: bytes = self._key.public_key().public_bytes_raw()
        return raw

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        signature: bytes = self._key.sign(message)
        return signature


def seal(envelope: Envelope, signer: Signer, key: str = "") -> Envelope:
    """The envelope with its signature; sequence and nonce must be set.

    Raises
    ------
    FixInput
        When a part that is signed is missing.
    """
    return replace(envelope, signature=signer.sign(canonical(envelope)), key=key)
