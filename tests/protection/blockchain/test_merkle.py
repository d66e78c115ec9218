"""The tree against the vectors of RFC 6962 and 9162, and exhaustively up to 64 leaves."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.blockchain.merkle import (
    EMPTY_ROOT,
    CompactRange,
    LeafHash,
    Tree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)
from protection.contracts.errors import FixInput

# The eight entries of certificate-transparency's reference tests and the roots over the first n.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 8): ["96a296d2", "5f083f0a", "6b47aaf2"],
    (5, 8): ["bc1a0643", "ca854ea1", "d37ee418"],
    (2, 3): ["fac54203"],
    (1, 5): ["6e340b9c", "5f083f0a", "bc1a0643"],
}
CONSISTENCY = {
    (1, 8): ["96a296d2", "5f083f0a", "6b47aaf2"],
    (6, 8): ["0ebc5d34", "ca854ea1", "d37ee418"],
    (2, 5): ["5f083f0a", "bc1a0643"],
}


def short(proof: list[bytes]) -> list[str]:
    return [node.hex()[:8] for node in proof]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference(size: int) -> None:
    assert root(ENTRIES[:size]).hex() == ROOTS[size]
    assert root([leaf_hash(entry) for entry in ENTRIES[:size]]).hex() == ROOTS[size]


@pytest.mark.parametrize(("case", "nodes"), INCLUSION.items())
def test_inclusion_proofs_are_those_of_the_reference(
    case: tuple[int, int], nodes: list[str]
) -> None:
    i, size = case

    assert short(inclusion_proof(ENTRIES[:size], i)) == nodes


@pytest.mark.parametrize(("case", "nodes"), CONSISTENCY.items())
def test_consistency_proofs_are_those_of_the_reference(
    case: tuple[int, int], nodes: list[str]
) -> None:
    old, new = case

    assert short(consistency_proof(ENTRIES[:new], old)) == nodes


def defined_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + defined_root(leaves[:split]) + defined_root(leaves[split:])).digest()


def test_every_proof_up_to_64_leaves_holds_and_no_mutant_does() -> None:
    leaves = [leaf_hash(bytes([i])) for i in range(64)]
    tree = Tree.of(leaves)
    edge = CompactRange()
    proofs = 0
    for size in range(1, 65):
        edge.push(leaves[size - 1])
        top = defined_root(leaves[:size])
        assert tree.root(size) == root(leaves[:size]) == edge.root() == top
        for i in range(size):
            proof = tree.inclusion_proof(i, size)
            assert len(proof) <= (size - 1).bit_length()
            assert verify_inclusion(leaves[i], i, size, proof, top)
            assert not verify_inclusion(leaves[i], i + 1, size, proof, top) or size == 1
            assert not verify_inclusion(leaves[i - 1], i, size, proof, top) or size == 1
            assert not verify_inclusion(leaves[i], i, size, [*proof, top], top)
            assert not proof or not verify_inclusion(leaves[i], i, size, proof[:-1], top)
            assert not proof or not verify_inclusion(
                leaves[i], i, size, [bytes(32), *proof[1:]], top
            )
            proofs += 1
        for old in range(1, size + 1):
            before = tree.root(old)
            proof = tree.consistency_proof(old, size)
            assert verify_consistency(old, size, proof, before, top)
            assert not verify_consistency(old, size, [*proof, top], before, top)
            if proof:
                assert not verify_consistency(old, size, proof[:-1], before, top)
                assert not verify_consistency(old, size, [bytes(32), *proof[1:]], before, top)
                assert not verify_consistency(old, size, proof, bytes(32), top)
                assert not verify_consistency(old, size, proof, before, bytes(32))
            proofs += 1
    assert proofs == 4160


@pytest.mark.parametrize(("i", "size"), [(-1, 4), (4, 4), (5, 4), (0, 0)])
def test_an_index_outside_the_tree_is_no_proof(i: int, size: int) -> None:
    leaf = leaf_hash(b"x")

    assert not verify_inclusion(leaf, i, size, [], leaf)


def test_malformed_hashes_are_no_proof() -> None:
    leaves = [b"a", b"b"]
    top, proof = root(leaves), inclusion_proof(leaves, 0)

    assert not verify_inclusion(leaf_hash(b"a")[:31], 0, 2, proof, top)
    assert not verify_inclusion(leaf_hash(b"a"), 0, 2, [proof[0] + b"x"], top)
    assert not verify_inclusion(leaf_hash(b"a"), 0, 2, proof, top[:31])
    assert not verify_consistency(1, 2, [b"short"], leaf_hash(b"a"), top)


def test_equal_sizes_need_an_empty_proof_and_equal_roots() -> None:
    top = root([b"a", b"b"])

    assert verify_consistency(2, 2, [], top, top)
    assert not verify_consistency(2, 2, [top], top, top)
    assert not verify_consistency(2, 2, [], top, EMPTY_ROOT)
    assert verify_consistency(0, 2, [], EMPTY_ROOT, top)
    assert not verify_consistency(0, 2, [], top, top)
    assert not verify_consistency(3, 2, [], top, top)
    assert not verify_consistency(0, 0, [], top, top)


def test_a_tree_that_doubles_its_last_leaf_is_another_tree() -> None:
    """CVE-2012-2459: three leaves and four with the last one twice must differ."""
    assert root([b"a", b"b", b"c"]) != root([b"a", b"b", b"c", b"c"])


def test_an_entry_that_looks_like_a_node_is_not_taken_for_one() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")

    assert root([left + right]) != root([b"a", b"b"])
    assert root([bytes(left), bytes(right)]) != root([left, right])
    assert isinstance(left, LeafHash)
    assert node_hash(left, right) == root([b"a", b"b"])


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=200), st.data())
def test_a_growing_tree_proves_every_prefix(entries: list[bytes], data: st.DataObject) -> None:
    tree = Tree()
    for entry in entries:
        tree.append(entry)
    old = data.draw(st.integers(0, len(entries)))
    i = data.draw(st.integers(0, len(entries) - 1))

    proof = tree.consistency_proof(old)
    assert verify_consistency(old, len(entries), proof, root(entries[:old]), tree.root())
    assert verify_inclusion(
        leaf_hash(entries[i]), i, len(entries), tree.inclusion_proof(i), tree.root()
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: inclusion_proof([b"a"], 1),
        lambda: Tree().root(1),
        lambda: consistency_proof([b"a"], 2),
    ],
)
def test_asking_for_what_is_not_there_is_refused(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(FixInput, match="expected"):
        call()
