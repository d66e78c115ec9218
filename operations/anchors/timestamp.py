"""Time-stamping authorities by RFC 3161: a third party's word on when a head existed.

The hash of the signed head goes to the authority, its token is kept beside the heads. The request
is built and the answer read here (DER, a dozen tags). The authority's signature is checked with
``openssl ts -verify`` where a certificate is given; without one the token is kept unchecked, and
the anchor says so.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from operations.anchors.base import Anchored, AnchorRefused, AnchorUnreachable, admit
from operations.files import write_atomically

if TYPE_CHECKING:
    from protection.blockchain.checkpoint import Checkpoint

_SHA256 = bytes.fromhex("0609608648016503040201")  # OID 2.16.840.1.101.3.4.2.1
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")  # OID 1.2.840.113549.1.9.16.1.4


def der(tag: int, content: bytes) -> bytes:
    """Return one DER element."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (tag, content) of the DER elements of some content.

    Raises
    ------
    ValueError
        When the data end inside an element or use an indefinite length.
    """
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("expected a DER element, the data end inside it")
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4 or at + count > len(data):
                raise ValueError("expected a definite DER length of at most 4 bytes")
            length = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + length > len(data):
            raise ValueError("expected a DER element, the data end inside it")
        yield tag, data[at : at + length]
        at += length


def request(digest: bytes, nonce: int) -> bytes:
    """Return a TimeStampReq for a SHA-256 digest that asks for the certificate."""
    imprint = der(0x30, der(0x30, _SHA256 + der(0x05, b"")) + der(0x04, digest))
    number = nonce.to_bytes(nonce.bit_length() // 8 + 1, "big")
    return der(0x30, der(0x02, b"\x01") + imprint + der(0x02, number) + der(0x01, b"\xff"))


class Token:
    """What a TimeStampResp says.

    Raises
    ------
    AnchorRefused
        When the authority refused, or the answer is no time stamp.
    """

    def __init__(self, response: bytes) -> None:
        try:
            self._read(response)
        except (ValueError, StopIteration, IndexError) as error:
            raise AnchorRefused(
                f"expected a time-stamp response, was something else: {error}"
            ) from error

    def _read(self, response: bytes) -> None:
        ((_, body),) = elements(response)
        parts = list(elements(body))
        status = int.from_bytes(next(elements(parts[0][1]))[1], "big")
        if status > 1:
            raise ValueError(f"the authority refused with status {status}")
        signed = parts[1][1]
        # the TSTInfo is the content of the SignedData: an OCTET STRING after its object identifier
        at = signed.index(_TST_INFO) + len(_TST_INFO)
        _, wrapped = next(elements(signed[at:]))
        _, octets = next(elements(wrapped))
        ((_, info),) = elements(octets)
        fields = list(elements(info))
        self.digest = list(elements(fields[2][1]))[1][1]
        self.serial = int.from_bytes(fields[3][1], "big")
        self.time = fields[4][1].decode("ascii")
        numbers = [content for tag, content in fields[5:] if tag == 0x02]
        self.nonce = int.from_bytes(numbers[0], "big") if numbers else None


class TimestampAuthority:
    """Tokens of an authority for the heads of one log.

    Parameters
    ----------
    url : address of the authority
    folder : where tokens (``.tsr``) and the heads they stamp (``.txt``) are kept
    certificate : CA certificates (PEM) that the authority's signature is checked with, or None
    timeout : seconds
    """

    def __init__(
        self, url: str, folder: Path, certificate: Path | None = None, timeout: float = 20.0
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise AnchorRefused(f"expected an http address of the authority, was {url!r}")
        self.url = url
        self.folder = folder
        self.certificate = certificate
        self.timeout = timeout

    @property
    def name(self) -> str:
        """Authority as people see it."""
        return f"time stamp {self.url}"

    def publish(self, head: Checkpoint) -> Anchored:
        """Have the signed head stamped, unless it is."""
        known = self.heads()
        if not admit(head, known[-1] if known else None):
            return known[-1]
        note = head.note.encode("utf-8")
        nonce = secrets.randbits(63) | 1
        answer = self._ask(request(hashlib.sha256(note).digest(), nonce))
        token = Token(answer)
        if token.nonce != nonce:
            raise AnchorRefused(f"{self.name} answered another request (its nonce differs)")
        self._match(token, note)
        stem = self.folder / f"head-{head.size:020d}"
        self._verify(note, answer)
        write_atomically(stem.with_suffix(".tsr"), answer)
        write_atomically(stem.with_suffix(".txt"), note)
        return self.heads()[-1]

    def heads(self) -> list[Anchored]:
        """Stamped heads, oldest first; each token is checked against its head again."""
        from protection.blockchain.checkpoint import read

        found = []
        for path in sorted(self.folder.glob("head-*.txt")):
            note, answer = path.read_bytes(), path.with_suffix(".tsr").read_bytes()
            token = Token(answer)
            self._match(token, note)
            self._verify(note, answer)
            head = read(note.decode("utf-8"))
            checked = "" if self.certificate else ", signature not checked"
            reference = f"serial {token.serial}{checked}"
            found.append(Anchored(head.size, head.root, self.name, reference, token.time))
        return found

    def _match(self, token: Token, note: bytes) -> None:
        if token.digest != hashlib.sha256(note).digest():
            raise AnchorRefused(f"{self.name} stamped something else than the head")

    def _ask(self, body: bytes) -> bytes:
        asked = urllib.request.Request(  # noqa: S310 - http and https only, checked above
            self.url, data=body, headers={"Content-Type": "application/timestamp-query"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=self.timeout) as answer:  # noqa: S310
                found: bytes = answer.read(1 << 20)
        except (urllib.error.URLError, OSError) as error:
            raise AnchorUnreachable(f"{self.name} does not answer: {error}") from error
        return found

    def _verify(self, note: bytes, answer: bytes) -> None:
        if self.certificate is None:
            return
        program = shutil.which("openssl")
        if program is None:
            raise AnchorUnreachable(
                "expected the program openssl to check the authority's signature, found none; "
                "install it, or give no certificate and keep the tokens unchecked"
            )
        with tempfile.TemporaryDirectory() as folder:
            data, token = Path(folder) / "head", Path(folder) / "token"
            data.write_bytes(note)
            token.write_bytes(answer)
            command = [program, "ts", "-verify", "-data", str(data), "-in", str(token)]
            command += ["-CAfile", str(self.certificate)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise AnchorRefused(f"the signature of {self.name} does not hold: {last}")
