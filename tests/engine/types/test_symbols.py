"""Symbols as keys: equal ones are one key, however they were made."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.types.enums import SecurityType
from engine.types.symbol import SecurityIdentifier, Symbol

_TICKERS = st.text("ABCXYZ.1", min_size=1, max_size=6)
# shares of the market with that code and a first day
_PROPERTIES = st.integers(0, 10**15).map(lambda number: 100 * number + 1)


@given(_TICKERS, _PROPERTIES, _TICKERS, _TICKERS)
def test_equal_symbols_are_one_key_whatever_ticker_they_have(
    name: str, properties: int, value: str, other: str
) -> None:
    symbol = Symbol(SecurityIdentifier(name, properties), value)
    twins = [
        Symbol(SecurityIdentifier(name, properties), other),
        symbol.update_mapped_symbol(other),
        pickle.loads(pickle.dumps(symbol)),
        copy.copy(symbol),
        copy.deepcopy(symbol),
        Symbol(SecurityIdentifier.parse(str(symbol.id)), other),
    ]
    for twin in twins:
        assert twin == symbol
        assert {symbol: "found"}[twin] == "found"
        assert hash(twin) == hash(symbol) == symbol.__hash__()
    assert hash(symbol) == hash(symbol.id) == hash(str(symbol.id))


def test_other_symbols_are_other_keys() -> None:
    first, second = (Symbol.create(t, SecurityType.EQUITY, "usa") for t in ("AAA", "AAB"))
    found = {first: 1, second: 2}
    assert (found[first], found[second], len(found)) == (1, 2, 2)
    assert isinstance(first, Hashable)


def test_a_symbol_of_another_kind_may_have_a_hash_of_its_own() -> None:
    class Plain(Symbol):
        """Nothing of its own."""

    class Told(Symbol):
        def __hash__(self) -> int:
            asked.append(self.value)
            return super().__hash__()

    asked: list[str] = []
    for number, kind in enumerate((Plain, Told)):
        sid = SecurityIdentifier(f"KIND{number}", 101)
        made = kind(sid, "ONE")
        twin = Symbol(sid, "TWO")
        assert type(made) is kind
        assert {made: number}[twin] == {twin: number}[made] == number
    assert "ONE" in asked


def test_a_class_with_an_equality_alone_is_no_key() -> None:
    class Equal(Symbol):
        def __eq__(self, other: object) -> bool:
            return self is other

    with pytest.raises(TypeError, match="unhashable"):
        hash(Equal(SecurityIdentifier("EQUAL", 101), "EQUAL"))
