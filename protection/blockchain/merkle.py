"""Merkle tree of RFC 9162 (the tree of RFC 6962): roots, proofs and their verification.

A leaf is ``SHA-256(0x00 || entry)``, a node ``SHA-256(0x01 || left || right)``, the empty tree
``SHA-256("")``; a tree of n leaves splits at the largest power of two below n, and no leaf is ever
doubled. Indices count from 0; hashes are 32 bytes.

Functions that take ``leaves`` take entries (``bytes``, hashed here) or :class:`LeafHash` (taken as
they are); which of the two is told by the type and never guessed from the length, because a tree
that confuses an entry of 32 bytes with a hash can be forged.

Source: RFC 9162, sections 2.1.1, 2.1.3 and 2.1.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Protocol

from protection.contracts.errors import FixInput

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


class LeafHash(bytes):
    """Hash of an entry, as :func:`leaf_hash` gives it; equal to the plain bytes."""

    __slots__ = ()


def leaf_hash(entry: bytes) -> LeafHash:
    """Hash of one entry."""
    return LeafHash(sha256(b"\x00" + entry).digest())


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of a node over its two children."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """Root of a tree; ``EMPTY_ROOT`` without leaves."""
    peaks = CompactRange()
    for leaf in leaves:
        peaks.push(_as_hash(leaf))
    return peaks.root()


def inclusion_proof(leaves: Sequence[bytes], i: int) -> list[bytes]:
    """Path from leaf ``i`` to the root, nearest sibling first.

    Raises
    ------
    FixInput
        When there is no such leaf.
    """
    return Tree.of(leaves).inclusion_proof(i)


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Proof that the tree over the first ``old_size`` leaves is a prefix of the whole one.

    Raises
    ------
    FixInput
        When ``old_size`` is not in [0, len(leaves)].
    """
    return Tree.of(leaves).consistency_proof(old_size)


def verify_inclusion(
    leaf_hash: bytes, i: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether ``proof`` shows that leaf ``i`` of the tree with ``size`` and ``root`` is this one.

    Raises nothing: whatever is malformed is no proof.
    """
    if not 0 <= i < size or len(leaf_hash) != HASH_BYTES or len(root) != HASH_BYTES:
        return False
    fn, sn, result = i, size - 1, bytes(leaf_hash)
    for node in proof:
        if sn == 0 or len(node) != HASH_BYTES:
            return False
        if fn & 1 or fn == sn:
            result = node_hash(node, result)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            result = node_hash(result, node)
        fn >>= 1
        sn >>= 1
    return sn == 0 and result == root


def verify_consistency(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """Whether ``proof`` shows that the old tree is a prefix of the new one.

    An empty old tree is a prefix of every tree and needs an empty proof and the empty root.
    Raises nothing: whatever is malformed is no proof.
    """
    if not 0 <= old_size <= new_size or len(old_root) != HASH_BYTES or len(new_root) != HASH_BYTES:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root and (old_size > 0 or old_root == EMPTY_ROOT)
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    nodes = list(proof)
    if not nodes or any(len(node) != HASH_BYTES for node in nodes):
        return False
    if old_size & (old_size - 1) == 0:  # a perfect old tree is itself the first node
        nodes.insert(0, old_root)
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node_hash(node, old), node_hash(node, new)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            new = node_hash(new, node)
        fn >>= 1
        sn >>= 1
    return sn == 0 and old == old_root and new == new_root


class NodeSource(Protocol):
    """Hashes of complete subtrees: ``level`` 0 holds the leaves."""

    def node(self, level: int, index: int) -> bytes:
        """Root of the leaves ``index * 2**level`` up to the next one."""
        ...


def range_root(nodes: NodeSource, start: int, stop: int) -> bytes:
    """Root of the leaves [start, stop), where ``start`` is a multiple of the largest power of two
    in the range (as every split of the tree is).
    """
    parts = []
    at = start
    while at < stop:
        level = (stop - at).bit_length() - 1
        parts.append(nodes.node(level, at >> level))
        at += 1 << level
    result = parts[-1] if parts else EMPTY_ROOT
    for part in reversed(parts[:-1]):
        result = node_hash(part, result)
    return result


def path(nodes: NodeSource, i: int, size: int) -> list[bytes]:
    """Inclusion proof of leaf ``i`` in the tree over the first ``size`` leaves.

    Raises
    ------
    FixInput
        When ``i`` is not in [0, size).
    """
    if not 0 <= i < size:
        raise FixInput(f"expected a leaf index in [0, {size}), was {i}")
    proof, level, fn, sn = [], 0, i, size - 1
    while sn:
        if fn & 1:
            proof.append(nodes.node(level, fn - 1))
        elif fn < sn:
            sibling = fn + 1
            if sibling < size >> level:
                proof.append(nodes.node(level, sibling))
            else:  # the right edge, which is no complete subtree yet
                proof.append(range_root(nodes, sibling << level, size))
        fn >>= 1
        sn >>= 1
        level += 1
    return proof


def growth(nodes: NodeSource, old_size: int, size: int) -> list[bytes]:
    """Consistency proof between the trees over the first ``old_size`` and ``size`` leaves.

    Raises
    ------
    FixInput
        When ``old_size`` is not in [0, size].
    """
    if not 0 <= old_size <= size:
        raise FixInput(f"expected an old size in [0, {size}], was {old_size}")
    if old_size in (0, size):
        return []
    proof: list[bytes] = []
    start, stop, inside = 0, size, old_size
    whole = True  # the old tree is still the whole left part, whose root the verifier knows
    while inside != stop - start:
        split = 1 << (stop - start - 1).bit_length() - 1
        if inside <= split:
            proof.append(range_root(nodes, start + split, stop))
            stop = start + split
        else:
            proof.append(range_root(nodes, start, start + split))
            start += split
            inside -= split
            whole = False
    if not whole:
        proof.append(range_root(nodes, start, stop))
    proof.reverse()
    return proof


class CompactRange:
    """Right edge of a growing tree: O(log n) memory, one hash an entry on average.

    ``peaks[k]`` is the root of the complete subtree of 2**k leaves that waits for its sibling, or
    None; which ones wait are the bits of ``size``.
    """

    __slots__ = ("peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes | None] = []

    @classmethod
    def load(cls, nodes: NodeSource, size: int) -> CompactRange:
        """Edge of the tree over the first ``size`` leaves of stored nodes."""
        edge = cls()
        edge.size = size
        edge.peaks = [
            nodes.node(level, (size >> level) - 1) if size >> level & 1 else None
            for level in range(size.bit_length())
        ]
        return edge

    def copy(self) -> CompactRange:
        """An edge that grows independently."""
        twin = CompactRange()
        twin.size, twin.peaks = self.size, list(self.peaks)
        return twin

    def push(self, leaf: bytes) -> None:
        """Add the hash of the next entry."""
        self.extend((leaf,), None)

    def extend(self, leaves: Iterable[bytes], sink: list[bytearray] | None) -> None:
        """Add hashes of entries; completed nodes go to ``sink``, one buffer a level."""
        peaks, size, hashed = self.peaks, self.size, sha256
        for leaf in leaves:
            level, rest, node = 0, size, leaf
            if sink is not None:
                if not sink:
                    sink.append(bytearray())
                sink[0] += node
            while rest & 1:
                node = hashed(b"\x01" + peaks[level] + node).digest()  # type: ignore[operator]
                peaks[level] = None
                level += 1
                rest >>= 1
                if sink is not None:
                    if level == len(sink):
                        sink.append(bytearray())
                    sink[level] += node
            if level == len(peaks):
                peaks.append(node)
            else:
                peaks[level] = node
            size += 1
        self.size = size

    def root(self) -> bytes:
        """Root of everything pushed so far."""
        result: bytes | None = None
        for peak in self.peaks:
            if peak is not None:
                result = peak if result is None else sha256(b"\x01" + peak + result).digest()
        return EMPTY_ROOT if result is None else bytes(result)


class Tree:
    """A tree in memory with all its nodes: quick to grow and quick to prove.

    About 130 bytes an entry; a :class:`protection.blockchain.ledger.Ledger` keeps nodes on disk.
    """

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels: list[list[bytes]] = [[]]

    @classmethod
    def of(cls, leaves: Iterable[bytes]) -> Tree:
        """Tree over entries or leaf hashes."""
        tree = cls()
        for leaf in leaves:
            tree._push(bytes(_as_hash(leaf)))
        return tree

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, entry: bytes) -> int:
        """Add an entry; returns its index."""
        node = sha256(b"\x00" + entry).digest()
        levels = self._levels
        row = levels[0]
        index = rest = len(row)
        row.append(node)
        level = 0
        while rest & 1:
            node = sha256(b"\x01" + row[-2] + node).digest()
            level += 1
            rest >>= 1
            if level == len(levels):
                levels.append([])
            row = levels[level]
            row.append(node)
        return index

    def _push(self, node: bytes) -> None:
        levels, level = self._levels, 0
        rest = len(levels[0])
        levels[0].append(node)
        while rest & 1:
            node = node_hash(levels[level][-2], node)
            level += 1
            rest >>= 1
            if level == len(levels):
                levels.append([])
            levels[level].append(node)

    def node(self, level: int, index: int) -> bytes:
        """Root of a complete subtree, see :class:`NodeSource`."""
        return self._levels[level][index]

    def root(self, size: int | None = None) -> bytes:
        """Root over the first ``size`` entries, all of them when None.

        Raises
        ------
        FixInput
            When there are fewer entries.
        """
        count = len(self) if size is None else size
        if not 0 <= count <= len(self):
            raise FixInput(f"expected a size in [0, {len(self)}], was {count}")
        return range_root(self, 0, count)

    def inclusion_proof(self, i: int, size: int | None = None) -> list[bytes]:
        """Proof of entry ``i`` in the tree over the first ``size`` entries."""
        return path(self, i, len(self) if size is None else min(size, len(self)))

    def consistency_proof(self, old_size: int, size: int | None = None) -> list[bytes]:
        """Proof that the first ``old_size`` entries are a prefix of the first ``size``."""
        return growth(self, old_size, len(self) if size is None else min(size, len(self)))


def _as_hash(leaf: bytes) -> bytes:
    return leaf if isinstance(leaf, LeafHash) else sha256(b"\x00" + leaf).digest()
