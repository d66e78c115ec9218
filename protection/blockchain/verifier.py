#!/usr/bin/env python3
"""Verify a ledger, its SQLite file or an export with nothing but Python's standard library.

This file imports nothing of the project and is shipped with every export:

    python verify.py PATH [--against CHECKPOINT] [--key VERIFIER_KEY] [--json]

PATH is a ledger's folder, a ``.sqlite`` file, or an exported folder. CHECKPOINT is a file with a
signed head that was kept elsewhere (mailed, printed, anchored). VERIFIER_KEY is the text of a
public key (``name+id+base64``) or a file with it; keys that the ledger's own ``key`` records hand
over to are trusted from there on.

Exit codes: 0 everything holds, 1 cannot be read, 2 wrong usage, 3 something does not hold; the
first bad record is named. What this cannot see without ``--against``: a ledger cut back to an
earlier state together with everything that spoke of later ones, and a ledger written anew by the
holder of the key.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import hmac
import json
import sqlite3
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from zlib import crc32

OK, UNREADABLE, USAGE, FAILED = 0, 1, 2, 3
FORMAT = "qmp-ledger/1"
_sha = hashlib.sha256
_FRAME = struct.Struct(">BII")
_COMMIT = struct.Struct(">QQ32s")
_MARK = struct.Struct(">4sQ32s")
_H, _R, _C = b"HRC"
_MOST = 8 << 20


# ---------------------------------------------------------------------- RFC 9162


class Edge:
    """Right edge of the tree: the complete subtrees that wait for a sibling."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []
        self.levels: list[bytearray] = []

    def push(self, leaf: bytes) -> None:
        """Add a leaf; completed nodes are collected in ``levels``."""
        levels, level, rest, node = self.levels, 0, self.size, leaf
        if not levels:
            levels.append(bytearray())
        levels[0] += node
        while rest & 1:
            node = _sha(b"\x01" + self.peaks.pop() + node).digest()
            level += 1
            rest >>= 1
            if level == len(levels):
                levels.append(bytearray())
            levels[level] += node
        self.peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Root of everything pushed."""
        if not self.peaks:
            return _sha(b"").digest()
        result = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            result = _sha(b"\x01" + peak + result).digest()
        return result


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    fn, sn, result = index, size - 1, leaf
    for node in path:
        if sn == 0 or len(node) != 32:
            return False
        if fn & 1 or fn == sn:
            result = _sha(b"\x01" + node + result).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = _sha(b"\x01" + result + node).digest()
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and result == root


# ---------------------------------------------------------------------- RFC 8032 (verification)

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_I = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


def _x_of(y: int, sign: int) -> int | None:
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _I % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    return _P - x if x & 1 != sign else x


def _add(a: _Point, b: _Point) -> _Point:
    p, q = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    r, s = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = q - p, s - r, s + r, q + p
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    result: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _point(data: bytes) -> _Point | None:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = _x_of(y, sign)
    return None if x is None else (x, y, 1, x * y % _P)


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature is good (slow: some milliseconds)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= _L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    y = 4 * pow(5, -1, _P) % _P
    x = _x_of(y, 0) or 0
    left, right = _times(s, (x, y, 1, x * y % _P)), _add(r, _times(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (
        left[1] * right[2] - right[1] * left[2]
    ) % _P == 0


# ---------------------------------------------------------------------- signed heads


def _decode(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:  # bits that nobody reads must not differ
        raise ValueError(f"expected canonical base64, was {text!r}")
    return raw


class Note:
    """A signed head: C2SP's tlog-checkpoint."""

    def __init__(self, text: str) -> None:
        body, gap, signatures = text.rpartition("\n\n")
        self.body = body + "\n"
        lines = body.split("\n")
        if not gap or len(lines) < 3 or not text.endswith("\n"):
            raise ValueError("expected a checkpoint: origin, size, root, empty line, signatures")
        self.origin = lines[0]
        if not lines[1].isdigit() or (len(lines[1]) > 1 and lines[1][0] == "0"):
            raise ValueError(f"expected a decimal size, was {lines[1]!r}")
        self.size = int(lines[1])
        self.root = _decode(lines[2])
        self.extensions = lines[3:]
        if len(self.root) != 32 or not self.origin:
            raise ValueError("expected a root of 32 bytes and an origin")
        self.signatures: list[tuple[str, bytes, bytes]] = []
        for line in signatures[:-1].split("\n"):
            dash, name, blob = line.split(" ")
            raw = _decode(blob)
            if dash != "\u2014" or len(raw) < 5:
                raise ValueError(f"expected a signature line, was {line!r}")
            self.signatures.append((name, raw[:4], raw[4:]))


class Key:
    """A verifier key: ``name+id+base64(algorithm || public key)``.

    Algorithm 1 is Ed25519. Algorithm 255 is an HMAC key, which is a shared secret: whoever can
    verify with it could have signed.
    """

    def __init__(self, text: str) -> None:
        name, ident, blob = text.strip().split("+", 2)
        raw = base64.b64decode(blob, validate=True)
        self.text, self.name, self.algorithm, self.key = text.strip(), name, raw[0], raw[1:]
        public = self.key if self.algorithm != 255 else _sha(self.key).digest()
        digest = _sha(name.encode() + b"\n" + bytes([self.algorithm]) + public).digest()
        self.ident = digest[:4]
        if self.ident.hex() != ident:
            raise ValueError(f"expected key id {self.ident.hex()}, was {ident}")

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's."""
        if self.algorithm == 1:
            return ed25519_verify(self.key, message, signature)
        if self.algorithm == 255:
            return hmac.compare_digest(hmac.digest(self.key, message, "sha256"), signature)
        return False

    def signed(self, note: Note) -> bool:
        """Whether this key signed a head, and every signature in its name is its own."""
        mine = [
            ident == self.ident and self.verify(note.body.encode(), signature)
            for name, ident, signature in note.signatures
            if name == self.name
        ]
        return bool(mine) and all(mine)


def rotation_message(previous: str, public: str) -> bytes:
    """What the old key signs when it hands over to a new one."""
    return f"qmp-ledger key rotation\n{previous}\n{public}\n".encode()


# ---------------------------------------------------------------------- what was found


class Report:
    """Outcome of a verification."""

    def __init__(self) -> None:
        self.size = 0
        self.root = _sha(b"").digest()
        self.first_bad: int | None = None
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.heads = 0

    @property
    def ok(self) -> bool:
        """Whether nothing was wrong."""
        return not self.problems

    def __bool__(self) -> bool:
        return self.ok

    def bad(self, text: str, seq: int | None = None) -> None:
        """Add a problem."""
        self.problems.append(text)
        if seq is not None and (self.first_bad is None or seq < self.first_bad):
            self.first_bad = seq

    def as_dict(self) -> dict[str, object]:
        """Plain dictionary."""
        return {
            "ok": self.ok,
            "size": self.size,
            "root": self.root.hex(),
            "first_bad": self.first_bad,
            "problems": self.problems,
            "notes": self.notes,
            "heads": self.heads,
        }


class Stop(Exception):
    """The walk cannot go on behind this record."""


class Walk:
    """Rebuilds the tree record by record and compares it with everything that speaks of it."""

    def __init__(self, report: Report, keys: Sequence[Key], notes: dict[str, str]) -> None:
        self.report = report
        self.edge = Edge()
        self.leaves = bytearray()
        self.trusted = list(keys)
        self.since: dict[str, tuple[int, int | None]] = {key.text: (0, None) for key in keys}
        self.roots: dict[int, bytes] = {}
        self.about = ""  # digest of ledger.json, where there is one
        self.whole = True  # whether every kept head is here
        self.heads: list[tuple[str, Note]] = []
        for name, text in notes.items():
            try:
                self.heads.append((name, Note(text)))
            except ValueError as error:
                report.bad(f"checkpoint {name} cannot be read: {error}")
        self.wanted = {note.size for _, note in self.heads}
        self._know(0)

    def _know(self, size: int) -> None:
        if size in self.wanted:
            self.roots[size] = self.edge.root()

    def add(self, payload: bytes) -> None:
        """Take in the next record."""
        seq = self.edge.size
        if not payload.startswith(b'{"entry":{') or not payload.endswith(b'},"seq":%d}' % seq):
            self.report.bad(f"record {seq}: expected number {seq}, was {payload[-24:]!r}", seq)
            raise Stop
        leaf = _sha(b"\x00" + payload).digest()
        self.leaves += leaf
        self.edge.push(leaf)
        if b'"type":"tombstone"' in payload or b'"type":"key"' in payload:
            self._special(seq, payload)
        self._know(seq + 1)

    def forget(self) -> None:
        """Drop nodes that nobody compares with."""
        if len(self.edge.levels[0]) > 1 << 17:
            for level in self.edge.levels:
                level.clear()

    def _special(self, seq: int, payload: bytes) -> None:
        entry = json.loads(payload)["entry"]
        if entry.get("type") == "tombstone":
            target = entry.get("target")
            known = isinstance(target, int) and 0 <= target < seq
            leaf = self.leaves[32 * target : 32 * target + 32].hex() if known else ""
            if leaf != entry.get("target_hash"):
                self.report.bad(f"record {seq}: tombstone of record {target} has another hash", seq)
        elif entry.get("type") == "key":
            self._rotate(seq, entry)

    def _rotate(self, seq: int, entry: dict[str, str]) -> None:
        old = next((key for key in self.trusted if key.text == entry.get("previous")), None)
        if old is None:
            return  # not from a key that was given: it proves nothing here
        try:
            signature = base64.b64decode(entry["signature"], validate=True)
            new = Key(entry["public"])
        except (KeyError, ValueError) as error:
            self.report.bad(f"record {seq}: key change cannot be read: {error}", seq)
            return
        if not old.verify(rotation_message(old.text, new.text), signature):
            self.report.bad(f"record {seq}: key change is not signed by the key before it", seq)
            return
        self.trusted.append(new)
        self.since[old.text] = (self.since[old.text][0], seq)
        self.since[new.text] = (seq, None)

    def finish(self, need_head: bool) -> None:
        """Judge the signed heads."""
        report = self.report
        report.size, report.root = self.edge.size, self.edge.root()
        good = 0
        for name, note in self.heads:
            if note.size > self.edge.size:
                report.bad(
                    f"{name} was signed over {note.size} records, found {self.edge.size}: cut back",
                    self.edge.size,
                )
            elif self.roots.get(note.size) != note.root:
                report.bad(f"{name}: another root over the first {note.size} records", 0)
            elif self.trusted:
                if self._signed(note):
                    good += 1
                else:
                    report.bad(f"{name} is not signed by a trusted key")
            else:
                good += 1
        report.heads = good
        self._chain()
        if need_head and not good and not report.problems:
            report.bad("no head signed by the given key: a rewrite could not be told")
        if not self.heads:
            report.notes.append("no signed head: a consistent rewrite could not be told")
        elif not self.trusted:
            report.notes.append("no key given: signatures were not checked")

    def _chain(self) -> None:
        """Each kept head names the one before it: none may be missing."""
        kept = {
            (note.size, note.root) for name, note in self.heads if not name.startswith("--against")
        }
        for name, note in self.heads:
            for line in note.extensions:
                word, _, rest = line.partition(" ")
                if word == "about" and self.about and rest != self.about:
                    self.report.bad(f"{name}: ledger.json was another when it was signed")
                if word != "previous" or name.startswith("--against") or not self.whole:
                    continue
                size, _, root = rest.partition(" ")
                try:
                    missing = (int(size), _decode(root)) not in kept
                except ValueError:
                    missing = True
                if missing:
                    self.report.bad(f"{name}: the head over {size} records before it is missing")

    def _signed(self, note: Note) -> bool:
        for key in self.trusted:
            start, end = self.since[key.text]
            if note.size >= start and (end is None or note.size <= end + 1) and key.signed(note):
                return True
        return False


# ---------------------------------------------------------------------- a folder of segments


def frames(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Kind, payload and end of every sound frame."""
    at, size, unpack = 0, len(data), _FRAME.unpack_from
    while at + 9 <= size:
        kind, length, crc = unpack(data, at)
        end = at + 9 + length
        if kind not in (_H, _R, _C) or length > _MOST or end > size:
            return
        payload = data[at + 9 : end]
        if crc32(payload, crc32(data[at : at + 5])) != crc:
            return
        yield kind, payload, end
        at = end


def verify_folder(folder: Path, report: Report, walk: Walk) -> None:
    """Walk the segments of a ledger."""
    try:
        raw = (folder / "ledger.json").read_bytes()
        walk.about = _sha(raw).hexdigest()
        about = json.loads(raw)
        if about["format"] != FORMAT:
            report.bad(f"ledger.json: expected format {FORMAT}, was {about['format']!r}")
        for name, note in walk.heads:
            if note.origin != about["origin"] and not name.startswith("--against"):
                report.bad(f"{name}: expected origin {about['origin']!r}, was {note.origin!r}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        report.bad(f"ledger.json cannot be read: {error!r}")
    acked, acked_root = _read_mark(folder, report)
    if acked is not None:
        walk.wanted.add(acked)
        walk._know(walk.edge.size)
    nodes = _Nodes(folder / "nodes", report)
    segments = sorted(folder.glob("*.seg"))
    if not segments:
        report.bad("expected segments (*.seg), found none", 0)
    try:
        for place, path in enumerate(segments):
            _segment(path, place == len(segments) - 1, walk, nodes)
    except Stop:
        pass
    nodes.compare(walk.edge)
    if acked is not None and acked > walk.edge.size:
        report.bad(f"{acked} records were acknowledged, found {walk.edge.size}", walk.edge.size)
    elif acked is not None and walk.roots.get(acked) != acked_root:
        report.bad(f"acked: another root over the first {acked} records", 0)


def _read_mark(folder: Path, report: Report) -> tuple[int | None, bytes]:
    path = folder / "acked"
    if not path.is_file():
        report.notes.append("no mark of what was acknowledged (a copy?)")
        return None, b""
    data = path.read_bytes()
    if len(data) == _MARK.size + 4 and crc32(data[:-4]) == int.from_bytes(data[-4:], "big"):
        magic, size, root = _MARK.unpack(data[:-4])
        if magic == b"QMA1":
            return size, root
    report.bad("the file acked is damaged")
    return None, b""


def _segment(path: Path, last: bool, walk: Walk, nodes: _Nodes) -> None:
    report, edge = walk.report, walk.edge
    data = path.read_bytes()
    first = edge.size
    where = f"record {first} ({path.name}"
    if path.name != f"{first:020d}.seg":
        report.bad(f"record {first}: expected segment {first:020d}.seg, found {path.name}", first)
        raise Stop
    batch: list[bytes] = []
    end = start = 0
    for kind, payload, stop in frames(data):
        if kind == _H:
            header = json.loads(payload) if start == 0 else {}
            if header.get("first") != first or header.get("root") != edge.root().hex():
                report.bad(f"{where}): the header does not follow from the records before", first)
                raise Stop
            if header.get("about") != walk.about:
                report.bad(f"{where}): ledger.json was another when the segment began")
        elif start == 0:
            break
        elif kind == _R:
            batch.append(payload)
        else:
            _commit(payload, batch, walk, path)
            batch = []
            end = stop
            if edge.size - nodes.done >= 4096:
                nodes.compare(edge)
        start = stop
        end = end or stop
    if start == 0:
        report.bad(f"{where}): expected a header, was damaged", first)
        raise Stop
    rest = data[end:].rstrip(b"\0")
    where = f"record {edge.size} ({path.name}, byte {end})"
    if rest and not last:
        report.bad(f"{where}: damaged", edge.size)
        raise Stop
    if rest:
        later = data.find(struct.pack(">BI", _C, _COMMIT.size), end)
        if later >= 0 and len(list(frames(data[later : later + 9 + _COMMIT.size]))) == 1:
            report.bad(f"{where}: damaged, and a commit follows", edge.size)
            raise Stop
        report.notes.append(f"{len(rest)} bytes behind the last commit were never acknowledged")


def _commit(payload: bytes, batch: list[bytes], walk: Walk, path: Path) -> None:
    report, edge = walk.report, walk.edge
    seq = edge.size
    size, previous, root = _COMMIT.unpack(payload)
    if previous != seq or size != seq + len(batch):
        text = f"expected records {seq} to {seq + len(batch)}, the commit says {previous} to {size}"
        report.bad(f"record {seq} ({path.name}): {text}", seq)
        raise Stop
    for record in batch:
        walk.add(record)
    if edge.root() != root:
        report.bad(f"record {seq} ({path.name}): another root over {size} records", seq)
        raise Stop


class _Nodes:
    """Node files beside the tree as it is rebuilt."""

    def __init__(self, folder: Path, report: Report) -> None:
        self.report = report
        self.done = 0
        self.at: list[int] = []
        self.files: list[Path] = []
        while (path := folder / f"{len(self.files):02d}").is_file():
            self.files.append(path)

    def compare(self, edge: Edge) -> None:
        """Compare the nodes that were completed since the last time."""
        self.done = edge.size
        for level, fresh in enumerate(edge.levels):
            if level == len(self.at):
                self.at.append(0)
            at, self.at[level] = self.at[level], self.at[level] + len(fresh)
            if level < len(self.files):
                with self.files[level].open("rb") as stream:
                    stream.seek(at)
                    kept = stream.read(len(fresh))
                if kept != fresh[: len(kept)]:
                    wrong = next(i for i in range(len(kept)) if kept[i] != fresh[i])
                    seq = (at + wrong) // 32 << level
                    self.report.bad(f"record {seq}: nodes/{level:02d} differs from it", seq)
            fresh.clear()


# ---------------------------------------------------------------------- SQLite, exports


def verify_sqlite(path: Path, report: Report, walk: Walk) -> None:
    """Walk the rows of a ledger in SQLite."""
    base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        size, root = base.execute("SELECT size, root FROM head").fetchone()
        for seq, payload in base.execute("SELECT seq, payload FROM records ORDER BY seq"):
            if seq != walk.edge.size:
                report.bad(f"record {walk.edge.size}: expected its row, was {seq}", walk.edge.size)
                raise Stop
            walk.add(payload)
            walk.forget()
        if size != walk.edge.size:
            text = f"{size} records were acknowledged, found {walk.edge.size}"
            report.bad(text, min(size, walk.edge.size))
        elif root != walk.edge.root():
            report.bad(f"another root over {size} records", 0)
    except Stop:
        pass
    finally:
        base.close()


def verify_export(folder: Path, report: Report, walk: Walk) -> None:
    """Check an exported folder: every file's digest, every record's proof, the head."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    walk.whole = False
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file() or _sha(path.read_bytes()).hexdigest() != digest:
            report.bad(f"{name}: missing or changed since the export")
    root, size = bytes.fromhex(manifest["root"]), manifest["size"]
    whole = manifest["records"] == size
    with (folder / "records.jsonl").open("rb") as lines, (folder / "proofs.jsonl").open() as paths:
        for line, proof_line in zip(lines, paths, strict=False):
            payload, proof = line.rstrip(b"\n"), json.loads(proof_line)
            leaf = _sha(b"\x00" + payload).digest()
            path = [bytes.fromhex(node) for node in proof["path"]]
            if not included(leaf, proof["seq"], size, path, root):
                report.bad(
                    f"record {proof['seq']}: its proof does not lead to the root", proof["seq"]
                )
            if whole:
                try:
                    walk.add(payload)
                except Stop:
                    whole = False
    with (folder / "index.csv").open(newline="") as stream:
        rows = sum(1 for _ in csv.reader(stream)) - 1
    if rows != manifest["records"]:
        report.bad(f"index.csv: expected {manifest['records']} rows, was {rows}")
    if whole and (walk.edge.size, walk.edge.root()) != (size, root):
        report.bad(
            f"expected {size} records with the stated root, was {walk.edge.size}", walk.edge.size
        )
    if not whole:
        report.notes.append(f"{manifest['records']} of {size} records: each has its own proof")
        for name, note in walk.heads:
            if note.size == size and note.root == root:
                walk.roots[size] = root
            elif note.size == size:
                report.bad(f"{name}: another root over {size} records", 0)
            else:
                report.notes.append(f"{name} over {note.size} records was not compared")
        walk.heads = [(name, note) for name, note in walk.heads if note.size == size]
        walk.edge.size, walk.edge.peaks = size, [root]


def verify(
    path: str | Path,
    *,
    against: Iterable[str] = (),
    keys: Iterable[str] = (),
) -> Report:
    """Verify a ledger folder, SQLite file or export.

    Parameters
    ----------
    path : what to verify
    against : texts of checkpoints that were kept elsewhere
    keys : texts of verifier keys to trust

    Raises
    ------
    OSError
        When there is nothing at the path.
    ValueError
        When a key cannot be read.
    """
    place, report = Path(path), Report()
    trusted = [Key(text) for text in keys]
    notes = {f"--against {i}": text for i, text in enumerate(against, 1)}
    kept = place / "kept" if place.is_dir() else None
    if kept is not None and kept.is_dir():
        for file in sorted(kept.glob("checkpoint-*.txt")):
            notes[file.name] = file.read_text("utf-8", "replace")
    if (place / "checkpoint.txt").is_file():
        notes["checkpoint.txt"] = (place / "checkpoint.txt").read_text("utf-8", "replace")
    walk = Walk(report, trusted, notes)
    if not place.exists():
        raise FileNotFoundError(f"expected a ledger or an export, found nothing at {place}")
    try:
        if place.is_file():
            base_notes = _sqlite_notes(place)
            walk = Walk(report, trusted, {**notes, **base_notes})
            verify_sqlite(place, report, walk)
        elif (place / "manifest.json").is_file():
            verify_export(place, report, walk)
        else:
            verify_folder(place, report, walk)
    except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
        report.bad(f"cannot be read behind record {walk.edge.size}: {error!r}", walk.edge.size)
    walk.finish(bool(trusted))
    return report


def verify_payloads(
    payloads: Iterable[bytes],
    size: int,
    root: bytes,
    kept: dict[str, str],
    against: Iterable[str] = (),
    keys: Iterable[str] = (),
) -> Report:
    """Verify records that come from anywhere; see :func:`verify`."""
    report, trusted = Report(), [Key(text) for text in keys]
    notes = {f"--against {i}": text for i, text in enumerate(against, 1)}
    notes |= {name: text for name, text in kept.items() if name.startswith("checkpoint-")}
    walk = Walk(report, trusted, notes)
    try:
        for payload in payloads:
            walk.add(payload)
            walk.forget()
        if (walk.edge.size, walk.edge.root()) != (size, root):
            report.bad(f"expected {size} records with the stated root", min(size, walk.edge.size))
    except Stop:
        pass
    except Exception as error:
        report.bad(f"cannot be read behind record {walk.edge.size}: {error!r}", walk.edge.size)
    walk.finish(bool(trusted))
    return report


def _sqlite_notes(path: Path) -> dict[str, str]:
    base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        rows = base.execute("SELECT name, text FROM kept WHERE name LIKE 'checkpoint-%'")
        return dict(rows.fetchall())
    finally:
        base.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Verify a ledger or an export offline.")
    parser.add_argument("path", type=Path, nargs="?", default=Path(__file__).resolve().parent)
    parser.add_argument("--against", type=Path, action="append", default=[])
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    try:
        against = [path.read_text("utf-8", "replace") for path in given.against]
        keys = [Path(key).read_text("utf-8") if Path(key).is_file() else key for key in given.key]
        report = verify(given.path, against=against, keys=keys)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"verify: {error}\n")
        return UNREADABLE
    if given.json:
        sys.stdout.write(json.dumps(report.as_dict(), indent=2) + "\n")
    else:
        for note in report.notes:
            sys.stdout.write(f"note: {note}\n")
        for problem in report.problems[:20]:
            sys.stdout.write(f"BAD: {problem}\n")
        state = "holds" if report.ok else "DOES NOT HOLD"
        if report.first_bad is not None:
            state += f"; first bad record {report.first_bad}"
        sys.stdout.write(f"{report.size} records, root {report.root.hex()}: {state}\n")
    return OK if report.ok else FAILED


if __name__ == "__main__":
    raise SystemExit(main())
