"""Records with the fast ``__init__`` are the frozen dataclasses they were."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts import actions, records
from protection.contracts.quick import maker, quick
from protection.contracts.records import Bar, OpenOrder, OrderRequest, Portfolio, Position

NOW = datetime(2020, 3, 16, 20, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Plain:
    """What a quick record is compared with."""

    symbol: str
    price: float = 1.5
    more: tuple[int, ...] = ()


MEMBERS = {
    "__annotations__": Plain.__annotations__,
    "__module__": __name__,
    "price": 1.5,
    "more": (),
}
Quick = quick(dataclass(frozen=True, slots=True)(type("Plain", (), MEMBERS)))


def test_fields_cannot_be_set_after_the_record_is_made() -> None:
    bar = Bar("SPY", NOW, 1.0, 2.0, 0.5, 1.5)
    assert type(bar) is Bar
    with pytest.raises(FrozenInstanceError):
        bar.close = 3.0  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del bar.close  # type: ignore[misc]


def test_a_quick_record_prints_and_is_called_like_the_plain_dataclass() -> None:
    assert repr(Quick("SPY", more=(1,))) == repr(Plain("SPY", more=(1,)))
    assert hash(Quick("SPY", 2.0)) == hash(Plain("SPY", 2.0))
    ours, theirs = inspect.signature(Quick), inspect.signature(Plain)
    assert list(ours.parameters) == list(theirs.parameters)
    for name, parameter in theirs.parameters.items():
        assert ours.parameters[name].default == parameter.default
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'symbol'"):
        Quick()
    with pytest.raises(TypeError, match="unexpected keyword argument 'size'"):
        Quick("SPY", size=1)


def test_defaults_arguments_and_factories_reach_their_fields() -> None:
    bar = Bar("SPY", NOW, 1.0, 2.0, 0.5, 1.5, filled_forward=True)
    assert (bar.volume, bar.period, bar.filled_forward) == (0.0, timedelta(days=1), True)
    empty = Portfolio(NOW, 5.0)
    assert dict(empty.positions) == {}
    assert empty.open_orders == ()
    held = {"SPY": Position("SPY", 1.0, 2.0, 3.0)}
    assert Portfolio(NOW, 5.0, held).positions is held
    order = OrderRequest(7, "SPY", -3.0, tag="exit")
    assert [getattr(order, f.name) for f in fields(order)][:3] == [7, "SPY", -3.0]
    assert order.tag == "exit"
    assert order.legs == ()


def test_copies_pickles_and_replacements_are_equal_records() -> None:
    order = OpenOrder(7, "SPY", -3.0, price=2.0)
    assert copy.copy(order) == pickle.loads(pickle.dumps(order)) == replace(order) == order
    changed = replace(order, quantity=1.0)
    assert type(changed) is OpenOrder
    assert (changed.quantity, changed.price) == (1.0, 2.0)


def test_a_subclass_stays_what_it_is() -> None:
    class Mine(Bar):
        """A subclass with a dictionary."""

    mine = Mine("SPY", NOW, 1.0, 2.0, 0.5, 1.5)
    assert type(mine) is Mine
    assert mine.close == 1.5


def test_a_class_that_is_not_made_for_it_is_refused() -> None:
    @dataclass(frozen=True)
    class Loose:
        price: float

    class Mine(Bar):
        """A subclass."""

    for refused in (Loose, Mine):
        with pytest.raises(TypeError, match="expected a dataclass with slots"):
            quick(refused)
        with pytest.raises(TypeError, match="expected a dataclass with slots"):
            maker(refused)


MAKERS = [
    (records.Bar, records.make_bar),
    (records.OrderEvent, records.make_event),
    (records.OpenOrder, records.make_open_order),
    (records.Portfolio, records.make_portfolio),
    (records.Position, records.make_position),
    (records.OrderRequest, records.make_request),
    (actions.Reason, actions.make_reason),
    (actions.Verdict, actions.make_verdict),
]


@pytest.mark.parametrize(("kind", "make"), MAKERS, ids=lambda each: each.__name__)
@given(data=st.data())
def test_a_made_record_is_the_one_that_its_class_would_make(kind, make, data) -> None:
    names = [field.name for field in fields(kind)]
    least = sum(p.default is p.empty for p in inspect.signature(kind).parameters.values())
    many = data.draw(st.integers(0, len(names)))
    given_values = data.draw(
        st.lists(
            st.one_of(st.floats(allow_nan=False), st.text(max_size=3), st.none()),
            min_size=many,
            max_size=many,
        )
    )
    more = data.draw(st.sets(st.sampled_from(names)))
    named = dict.fromkeys(more, 7.5)
    try:
        plain = kind(*given_values, **named)
    except TypeError:
        with pytest.raises(TypeError):
            make(*given_values, **named)
        return

    made = make(*given_values, **named)
    assert many + len(more) >= least
    assert type(made) is kind
    assert (made, repr(made)) == (plain, repr(plain))
    assert copy.copy(made) == plain
    with pytest.raises(FrozenInstanceError):
        setattr(made, names[0], None)
