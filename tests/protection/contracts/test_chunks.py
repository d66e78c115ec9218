"""Texts in pieces: one step from old to new, and no piece of another text."""

from __future__ import annotations

from pathlib import Path

import pytest

from protection.contracts.errors import RecoverState, RetryWrite
from protection.contracts.stores import ChunkedStateStore, MemoryStateStore, ObjectStateStore
from tests.protection.contracts.test_stores import ObjectStore

TEXTS = ["short", "x" * 95 + "größer", "y" * 1000, "", "z" * 100, "w" * 101]


class Pieces(MemoryStateStore):
    """Shows what is kept, and refuses a chosen write."""

    refuse = 0

    def write(self, key: str, text: str) -> None:
        self.refuse -= 1
        if self.refuse == 0:
            raise RetryWrite("quota")
        super().write(key, text)


def test_texts_of_any_length_are_read_back_by_whoever_comes_later() -> None:
    pieces = Pieces()
    store = ChunkedStateStore(pieces, chunk=100)
    assert store.read("some.state") is None
    for text in TEXTS:
        before = store.stamp("some.state")
        store.write("some.state", text)

        assert store.read("some.state") == text
        assert ChunkedStateStore(pieces, chunk=100).read("some.state") == text
        assert store.stamp("some.state") != before
    assert all(len(text) <= 100 for key, text in pieces._texts.items() if "chunk" in key)
    assert len(pieces._texts) <= 2 + 2 * 10


@pytest.mark.parametrize("old", TEXTS)
@pytest.mark.parametrize("new", TEXTS)
def test_a_write_refused_at_any_piece_leaves_the_old_text(old: str, new: str) -> None:
    for place in range(1, 20):
        pieces = Pieces()
        store = ChunkedStateStore(pieces, chunk=100)
        store.write("some.state", "before")
        store.write("some.state", old)
        pieces.refuse = place
        try:
            store.write("some.state", new)
        except RetryWrite:
            assert store.read("some.state") == old
            assert ChunkedStateStore(pieces, chunk=100).read("some.state") == old
            store.write("some.state", new)
        assert ChunkedStateStore(pieces, chunk=100).read("some.state") == new
        if pieces.refuse > 0:
            break
    assert place > 1


def test_a_manifest_cut_short_gives_way_to_the_one_before() -> None:
    pieces = Pieces()
    store = ChunkedStateStore(pieces, chunk=100)
    store.write("some.state", "old " * 50)
    before = dict(pieces._texts)
    store.write("some.state", "new " * 50)
    (name,) = [key for key in pieces._texts if "manifest" in key and key not in before]
    whole = pieces._texts[name]
    for length in range(len(whole) - 1):
        pieces._texts[name] = whole[:length]
        again = ChunkedStateStore(pieces, chunk=100)
        assert again.read("some.state") == "old " * 50, length
    again.write("some.state", "newer")
    assert ChunkedStateStore(pieces, chunk=100).read("some.state") == "newer"


def test_an_altered_piece_or_manifest_asks_for_recovery_and_can_be_replaced() -> None:
    for place in range(4):
        pieces = Pieces()
        store = ChunkedStateStore(pieces, chunk=100)
        store.write("some.state", "abc" * 60)
        name = sorted(pieces._texts)[place % len(pieces._texts)]
        text = pieces._texts[name]
        pieces._texts[name] = text[:-3] + ("?" if text[-3] != "?" else "!") + text[-2:]

        again = ChunkedStateStore(pieces, chunk=100)
        with pytest.raises(RecoverState):
            again.read("some.state")
        again.write("some.state", "replaced")
        assert ChunkedStateStore(pieces, chunk=100).read("some.state") == "replaced"


def test_a_missing_piece_asks_for_recovery() -> None:
    pieces = Pieces()
    ChunkedStateStore(pieces, chunk=100).write("some.state", "abc" * 60)
    del pieces._texts["some_state-a-001.chunk"]

    with pytest.raises(RecoverState, match="was missing; put the right entry back"):
        ChunkedStateStore(pieces, chunk=100).read("some.state")


def test_the_lock_stays_one_plain_entry_that_other_programs_can_write() -> None:
    pieces = Pieces()
    store = ChunkedStateStore(pieces, chunk=100)
    store.write("trading.lock", "killed " * 50)

    assert pieces._texts == {"trading.lock": "killed " * 50}
    assert store.stamp("trading.lock") == pieces.stamp("trading.lock")


def test_a_text_of_a_version_without_pieces_is_read_until_it_is_replaced() -> None:
    pieces = Pieces()
    pieces.write("some.state", "plain")
    store = ChunkedStateStore(pieces)

    assert store.read("some.state") == "plain"
    store.write("some.state", "newer")
    assert ChunkedStateStore(pieces).read("some.state") == "newer"


def test_in_leans_object_store_every_piece_is_forced_and_compared(tmp_path: Path) -> None:
    lean = ObjectStore(tmp_path)
    store = ChunkedStateStore(ObjectStateStore(lean), chunk=100)
    store.write("protection.state", "s" * 250)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "protection-protection_state-a-000.chunk",
        "protection-protection_state-a-001.chunk",
        "protection-protection_state-a-002.chunk",
        "protection-protection_state-a.manifest",
    ]

    lean.flush_fails = True
    with pytest.raises(RetryWrite, match="after the flush"):
        store.write("protection.state", "t" * 250)
    lean.flush_fails = False
    lean.dirty.clear()

    fresh = ChunkedStateStore(ObjectStateStore(ObjectStore(tmp_path)), chunk=100)
    assert fresh.read("protection.state") == "s" * 250
