"""Collections of insights, targets and keys."""

from __future__ import annotations

from datetime import datetime, timedelta

from framework_kit import DOWN, UP, Stand, security, share
from hypothesis import given
from hypothesis import strategies as st

from engine.data.hours import MarketHoursDatabase
from engine.framework.insight import Insight
from engine.framework.slots import SlotDict
from engine.framework.target_collection import PortfolioTargetCollection
from engine.framework.targets import PortfolioTarget
from engine.types.timezones import aware

NOW = datetime(2013, 10, 7, 14)
HOUR = timedelta(hours=1)


def _filled(hours: MarketHoursDatabase) -> Stand:
    stand = Stand(NOW)
    stand.emit(
        hours,
        Insight.price(share("SPY"), timedelta(minutes=10), UP),
        Insight.price(share("AIG"), timedelta(hours=2), DOWN),
        Insight.price(share("SPY"), timedelta(hours=3), DOWN),
    )
    return stand


def test_expired_insights_count_until_they_are_removed(hours: MarketHoursDatabase) -> None:
    book = _filled(hours).insights
    later = aware(NOW + HOUR)
    assert (book.count, book.total_count, len(book.get_active_insights(later))) == (3, 3, 2)
    assert book.get_next_expiry_time() == aware(NOW + timedelta(minutes=10))
    assert len(book.remove_expired_insights(later)) == 1
    assert (book.count, book.total_count, len(book.get_insights())) == (2, 3, 3)
    assert book.get_next_expiry_time() == aware(NOW + 2 * HOUR)


def test_clear_leaves_the_total_and_remove_insights_forgets(hours: MarketHoursDatabase) -> None:
    book = _filled(hours).insights
    book.clear([share("SPY")])
    assert (book.count, book.total_count, book.contains_key(share("SPY"))) == (1, 3, False)
    book.remove_insights(lambda i: i.direction == DOWN)
    assert (book.count, book.total_count, len(book.get_insights())) == (0, 3, 1)
    assert book.get_next_expiry_time() is None


def test_insights_are_canceled_by_symbol_or_one_by_one(hours: MarketHoursDatabase) -> None:
    stand = _filled(hours)
    book = stand.insights
    book.cancel([share("SPY")])
    assert not book.has_active_insights(share("SPY"), stand.utc_time)
    assert book.has_active_insights(share("AIG"), stand.utc_time)
    book.expire(book[share("AIG")])
    assert book.get_active_insights(stand.utc_time) == []
    assert book.count == 3


def test_the_score_function_sees_the_manager_and_the_time(hours: MarketHoursDatabase) -> None:
    stand = _filled(hours)
    seen: list[tuple[int, datetime]] = []

    class Score:
        def score(self, insight_manager: object, utc_time: datetime) -> None:
            seen.append((len(list(insight_manager)), utc_time))  # type: ignore[call-overload]

    stand.insights.set_insight_score_function(Score())
    stand.insights.step(NOW)
    assert seen == [(3, aware(NOW))]


def test_a_new_key_takes_the_place_that_was_freed_last() -> None:
    found: SlotDict[str, int] = SlotDict()
    for index, key in enumerate("abcd"):
        found[key] = index
    del found["a"]
    del found["c"]
    found["e"], found["f"] = 5, 6
    assert list(found) == ["f", "b", "e", "d"]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=60))
def test_a_slot_dictionary_holds_what_a_dictionary_holds(steps: list[tuple[str, bool]]) -> None:
    slots: SlotDict[str, int] = SlotDict()
    plain: dict[str, int] = {}
    for number, (key, put) in enumerate(steps):
        if put:
            slots[key] = plain[key] = number
        else:
            assert slots.pop(key, None) == plain.pop(key, None)
        assert dict(slots.items()) == plain
        assert len(slots) == len(plain)


def test_targets_are_kept_one_per_symbol_until_they_are_reached() -> None:
    kept = PortfolioTargetCollection()
    kept.add_range([PortfolioTarget(share("SPY"), 10), PortfolioTarget(share("AIG"), -5)])
    kept.add(PortfolioTarget(share("SPY"), 20, "more"))
    assert [(str(t.symbol.value), t.quantity, t.tag) for t in kept] == [
        ("SPY", 20.0, "more"),
        ("AIG", -5.0, ""),
    ]
    stand = Stand(NOW, security("SPY", _quantity="19.5"), security("AIG", _quantity=0))
    for each in stand.securities.values():
        each.symbol_properties = type("P", (), {"_lot_size": 1})
    kept.clear_fulfilled(stand)
    assert [t.symbol.value for t in kept.values] == ["AIG"]


def test_a_target_prints_symbol_quantity_and_tag() -> None:
    target = PortfolioTarget(share("SPY"), 12.50, "why")
    assert str(target) == f"{share('SPY')}: 12.5 (why)"
    assert PortfolioTarget(share("SPY"), DOWN).quantity == -1.0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), max_size=40))
def test_the_values_are_listed_in_the_order_of_the_keys(moves: list[tuple[bool, int]]) -> None:
    slots: SlotDict[int, str] = SlotDict()
    for put, key in moves:
        if put:
            slots[key] = f"value {key}"
        else:
            slots.pop(key, None)
        assert slots.entries() == [slots[k] for k in slots] == list(slots.values())
        assert slots.get(key) == (f"value {key}" if put else None)
        assert bool(slots) == (len(slots) > 0)
