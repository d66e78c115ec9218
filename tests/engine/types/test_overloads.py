"""Named arguments of methods with several overloads, and .NET's collections."""

from __future__ import annotations

from typing import Any

import pytest

from engine.types.generic import Generic, HashSet, List, Queue
from engine.types.overloads import by_name


class Setter:
    @by_name("year month day", "start")
    def set_start(self, *args: Any) -> tuple[Any, ...]:
        return args


def test_names_are_put_in_the_order_of_the_overload_that_has_them() -> None:
    assert Setter().set_start(month=10, day=8, year=2013) == (2013, 10, 8)
    assert Setter().set_start(2013, day=8, month=10) == (2013, 10, 8)
    assert Setter().set_start(start="now") == ("now",)
    assert Setter().set_start(2013, 10, 8) == (2013, 10, 8)


@pytest.mark.parametrize("named", [{"month": 10}, {"year": 1, "start": 2}, {"nonsense": 3}])
def test_names_of_no_overload_are_refused_with_what_there_is(named: dict[str, int]) -> None:
    with pytest.raises(TypeError, match=r"expected \(year, month, day\) or \(start\)"):
        Setter().set_start(**named)


def test_collections_count_as_in_net() -> None:
    for made in (List([1, 2, 2]), Queue([1, 2, 2])):
        assert made.count == made.Count == 3
    assert HashSet([1, 2, 2]).count == 2


def test_a_generic_method_is_called_with_and_without_a_type() -> None:
    get = Generic(lambda name: name.upper())

    assert get("ema") == get[int]("ema") == "EMA"
