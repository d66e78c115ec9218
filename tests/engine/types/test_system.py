"""Names of .NET that algorithms use."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.types.enums import BrokerageName, SeriesType
from engine.types.errors import ArgumentException
from engine.types.generic import Dictionary, List, Queue
from engine.types.system import Math, Random, TimeSpan
from engine.types.util import CircularQueue


@pytest.mark.parametrize(
    ("seed", "numbers"),
    [
        # published outputs of .NET's new Random(seed).Next()
        (0, [1559595546, 1755192844, 1649316166]),
        (1, [534011718, 237820880, 1002897798]),
        (42, [1434747710, 302596119, 269548474]),
    ],
)
def test_a_seeded_random_gives_the_numbers_of_dotnet(seed: int, numbers: list[int]) -> None:
    random = Random(seed)
    assert [random.next() for _ in numbers] == numbers


def test_random_stays_inside_its_bounds() -> None:
    random = Random(7)
    drawn = [random.next(-3, 4) for _ in range(2000)]
    assert set(drawn) == set(range(-3, 4))
    assert all(0 <= random.next_double() < 1 for _ in range(1000))
    with pytest.raises(ArgumentException, match="expected 5 <= 4"):
        random.next(5, 4)


def test_spans_are_pythons_own_by_either_name() -> None:
    assert TimeSpan.from_seconds(5) == TimeSpan.FromSeconds(5) == timedelta(seconds=5)
    assert TimeSpan(1, 2, 3) == timedelta(hours=1, minutes=2, seconds=3)
    assert TimeSpan(1, 2, 3, 4) == timedelta(days=1, hours=2, minutes=3, seconds=4)
    assert TimeSpan(TimeSpan.TICKS_PER_HOUR) == timedelta(hours=1)
    assert isinstance(timedelta(1), TimeSpan)
    assert TimeSpan.Zero == timedelta(0)


def test_math_rounds_half_to_even() -> None:
    assert [Math.round(x) for x in (0.5, 1.5, 2.5)] == [0.0, 2.0, 2.0]
    assert Math.Round(1.005, 2) == 1.0
    assert Math.Sign(-3) == -1
    assert Math.PI > 3.14


def test_a_circular_queue_tells_whenever_its_first_item_is_given() -> None:
    queue = CircularQueue[int]([1, 2, 3])
    rounds: list[int] = []
    queue.circle_completed += lambda sender, event: rounds.append(len(rounds))
    assert [queue.dequeue() for _ in range(7)] == [1, 2, 3, 1, 2, 3, 1]
    assert rounds == [0, 1, 2]


def test_collections_know_dotnets_method_names() -> None:
    items = List[int]()
    items.Add(3)
    items.AddRange([1, 2])
    assert (items.Count, items.Contains(2), items) == (3, True, [3, 1, 2])
    waiting = Queue[str]()
    waiting.Enqueue("a")
    assert waiting.Dequeue() == "a"
    table = Dictionary[str, int]()
    table.Add("x", 1)
    assert (table.ContainsKey("x"), table.Count, table.Remove("x"), table.Remove("x")) == (
        True,
        1,
        True,
        False,
    )


def test_enumerations_keep_leans_numbers_after_its_gaps() -> None:
    assert [
        int(BrokerageName[name]) for name in ("BINANCE", "GDAX", "ALPACA", "BLOOMBERG_FIX")
    ] == [
        6,
        12,
        13,
        41,
    ]
    assert BrokerageName.QUANT_CONNECT_BROKERAGE is BrokerageName.DEFAULT
    assert (int(SeriesType.HEATMAP), int(SeriesType.SCATTER_3D)) == (9, 10)
