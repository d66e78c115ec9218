"""Signatures, sequences and nonces."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.admission import (
    Admitted,
    Cause,
    Ed25519Key,
    Ed25519Signer,
    Envelope,
    HmacKey,
    Sample,
    Source,
    canonical,
    seal,
)
from protection.admission.sequence import Arrival, ReplayWindow
from protection.contracts import Bar, Quote, Trade
from protection.contracts.errors import FixInput, FixSettings


def test_a_signed_message_is_admitted_once(signed):
    message = signed.trade()

    assert isinstance(signed.door.decide(message), Admitted)
    again = signed.door.decide(message)
    assert again.cause is Cause.REPLAY


@pytest.mark.parametrize(
    "change",
    [
        {"source": "s1"},
        {"sequence": 7},
        {"nonce": b"other"},
        {"signature": b"\0" * 32},
        {"signature": b"short"},
        {"signature": "text"},
        {"key": "k2"},
        {"key": None},
    ],
)
def test_any_change_of_a_signed_part_is_forgery(make_desk, change):
    desk = make_desk(sources=2, signed=True)
    outcome = desk.door.decide(replace(desk.trade(), **change))

    assert outcome.cause in (Cause.FORGED, Cause.INVALID)


def test_a_changed_price_is_forgery_and_costs_the_named_source_nothing(signed):
    message = signed.trade()
    before = signed.door.trust("s0")
    for price in (101.0, -1.0, float("nan")):
        record = replace(message.record, price=price)
        assert signed.door.decide(replace(message, record=record)).cause is Cause.FORGED

    assert signed.door.trust("s0") == before
    assert isinstance(signed.door.decide(message), Admitted)  # nor was its sequence used up


def test_unsigned_messages_of_a_signing_source_are_refused(signed):
    bare = Envelope("s0", Trade("SPY", signed.clock.now(), 100.0))
    assert signed.door.decide(bare).cause is Cause.UNSIGNED
    for change in ({"sequence": None}, {"nonce": b""}, {"sequence": -1}, {"nonce": b"x" * 65}):
        assert signed.door.decide(replace(signed.trade(), **change)).cause is Cause.UNSIGNED


def test_gaps_are_noted_and_late_messages_fill_them(signed):
    messages = [signed.trade() for _ in range(5)]
    outcomes = [signed.door.decide(messages[n]) for n in (0, 3, 1, 2, 4)]

    assert [o.notes for o in outcomes] == [(), ("gap",), ("reordered",), ("reordered",), ()]
    assert "missing 0" in signed.door.explain("s0")


def test_a_nonce_is_good_once_under_any_sequence(signed):
    first = signed.door.decide(signed.trade(nonce=b"n"))
    second = signed.door.decide(signed.trade(nonce=b"n"))

    assert isinstance(first, Admitted)
    assert second.cause is Cause.REPLAY


def test_keys_are_changed_without_a_pause(signed):
    new = HmacKey(b"the secret after the old one")
    signed.registry.register(
        Source("s0", {"k1": HmacKey(b"a secret of the feed handler"), "k2": new})
    )
    message = signed.trade()
    resealed = seal(replace(signed.trade(), signature=b""), new, "k2")

    assert isinstance(signed.door.decide(message), Admitted)
    assert isinstance(signed.door.decide(resealed), Admitted)
    signed.registry.register(Source("s0", {"k2": new}))
    assert signed.door.decide(signed.trade()).cause is Cause.FORGED


def test_ed25519_verifies_without_being_able_to_sign(make_desk):
    pytest.importorskip("cryptography")
    signer = Ed25519Signer(b"\x07" * 32)
    desk = make_desk(cadence=None)
    desk.registry.register(Source("s0", {"e": Ed25519Key(signer.public())}))
    message = Envelope("s0", Trade("SPY", desk.clock.now(), 100.0), None, 1, b"n1")

    assert desk.door.decide(message).cause is Cause.UNSIGNED
    assert desk.door.decide(replace(message, signature=b"x" * 64, key="e")).cause is Cause.FORGED
    assert isinstance(desk.door.decide(seal(message, signer, "e")), Admitted)


def test_ed25519_agrees_with_the_first_vector_of_rfc_8032():
    pytest.importorskip("cryptography")
    signer = Ed25519Signer(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    assert signer.public().hex() == (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
    assert signer.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
        "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


def test_hmac_agrees_with_rfc_4231():
    key = HmacKey(b"\x0b" * 20)
    assert key.sign(b"Hi There").hex() == (
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    )


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=16, max_size=150), st.binary(max_size=300))
def test_hmac_agrees_with_the_standard_library(secret, message):
    assert HmacKey(secret).sign(message) == hmac.digest(secret, message, "sha256")


def test_short_secrets_and_wrong_keys_are_refused():
    with pytest.raises(FixSettings, match="16 bytes"):
        HmacKey(b"short")
    pytest.importorskip("cryptography")
    with pytest.raises(FixSettings, match="32 bytes"):
        Ed25519Key(b"short")


texts = st.text(max_size=4)
floats = st.floats(allow_nan=False)
times = st.datetimes().map(lambda time: time.replace(tzinfo=UTC))
any_record = st.one_of(
    st.builds(Trade, texts, times, floats, floats),
    st.builds(Quote, texts, times, floats, floats, floats, floats),
    st.builds(Bar, texts, times, floats, floats, floats, floats, floats),
    st.builds(Sample, texts, times, st.lists(floats, max_size=4).map(tuple)),
)
any_envelope = st.builds(
    Envelope, texts, any_record, st.none(), st.integers(0, 300), st.binary(max_size=4)
)


@settings(max_examples=100, deadline=None)
@given(any_envelope, any_envelope)
def test_different_envelopes_have_different_bytes(one, other):
    same_sign = repr(one) == repr(other)  # tells 0.0 from -0.0, as the bytes do
    assert (canonical(one) == canonical(other)) is same_sign


def test_what_cannot_be_signed_says_so(desk):
    with pytest.raises(FixInput, match="sequence"):
        canonical(Envelope("s0", Trade("SPY", desk.clock.now(), 1.0)))
    with pytest.raises(FixInput):
        canonical(Envelope("s0", object(), None, 1, b"n"))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 16))
def test_no_sequence_is_ever_taken_twice(numbers, size):
    window, taken = ReplayWindow(size, 8), []
    for number in numbers:
        highest = window.highest
        arrival = window.take(number, b"")
        if arrival in (Arrival.REPLAY, Arrival.TOO_OLD):
            assert number in taken or number <= highest - size
        else:
            assert number not in taken
            taken.append(number)
        restored = ReplayWindow(size, 8)
        restored.restore(window.snapshot())
        assert restored.snapshot() == window.snapshot()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(st.just(1), st.integers(-20, 20)), max_size=80),
    st.integers(1, 16),
    st.integers(0, 5),
)
def test_the_window_is_a_set_of_sequences_that_were_taken(steps, size, first):
    window, taken, missing, number = ReplayWindow(size, 8), set(), 0, first
    for step in steps:
        number = max(0, number + step)
        highest = max(taken, default=-1)
        arrival = window.take(number, b"")
        if number > highest:
            gap = number - highest - 1 if taken else 0
            missing += gap
            expected = Arrival.GAP if gap else Arrival.NEXT
        elif number <= highest - size:
            expected = Arrival.TOO_OLD
        elif number in taken:
            expected = Arrival.REPLAY
        else:
            missing -= 1
            expected = Arrival.REORDERED
        # before the first message no sequence was skipped, so an older one fills no gap
        missing = max(0, missing)
        if expected not in (Arrival.TOO_OLD, Arrival.REPLAY):
            taken.add(number)
        assert arrival is expected
        assert window.highest == max(taken)
        assert window.missing == missing


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 40))
def test_at_least_the_last_nonces_are_remembered_and_at_most_twice_as_many(size, count):
    window = ReplayWindow(64, size)
    for number in range(count):
        assert window.take(number, b"%d" % number) is Arrival.NEXT
        if number % 7 == 3:
            restored = ReplayWindow(64, size)
            restored.restore(window.snapshot())
            assert restored.snapshot() == window.snapshot()
            window = restored
    for number in range(max(0, count - size), count):
        assert window.take(count, b"%d" % number) is Arrival.REPLAY
    assert len(window.snapshot()["nonces"]) <= 2 * size
    assert window.take(count, b"new") is Arrival.NEXT
