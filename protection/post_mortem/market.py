"""What prices did around an incident: how far each symbol moved, and which prices were wrong.

Moves are measured in the symbol's own normal: the median absolute return of up to 60 earlier
days times 1.4826. One bad price therefore does not make its own normal.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

from protection.post_mortem.incidents import Incident
from protection.post_mortem.timeline import Price, Timeline

NORMAL_DAYS = 60
_SCALE = 1.4826
_FLOOR = 0.003  # daily normal of a symbol without a history
SPIKE_NORMALS = 8.0
SPIKE_MOVE = 0.05
_REVERSED = 0.6
_QUIET = 0.25
_FROZEN = 5
_DAYS = 120  # calendar days that hold the normal
_AFTER = 500  # records after the incident, to see whether a price came back


@dataclass(frozen=True, slots=True)
class Move:
    """How far a symbol went on the day of the trigger.

    Attributes
    ----------
    change : fraction, from the last price of the day before to the furthest price of the day
    normals : the same in normal daily moves
    """

    symbol: str
    change: float
    normals: float
    seq: int


@dataclass(frozen=True, slots=True)
class Spike:
    """A price that no other symbol shared.

    Attributes
    ----------
    reversed_ : whether the price came back within three prices
    others : median absolute move of the other symbols at that time
    """

    symbol: str
    seq: int
    change: float
    normals: float
    reversed_: bool
    others: float


@dataclass(frozen=True, slots=True)
class MarketView:
    """Moves and wrong prices around an incident.

    Attributes
    ----------
    moves : of every symbol with prices on the trigger's day and before it
    breadth : share of symbols that went the same way as most, by at least two normals
    common : the same by at least one normal
    spikes : isolated prices
    frozen : symbols whose price did not move at all for five days while others did
    """

    moves: tuple[Move, ...]
    breadth: float
    common: float
    spikes: tuple[Spike, ...]
    frozen: tuple[Move, ...]

    @property
    def middle(self) -> float:
        """Median change of the day over the symbols that are no spikes."""
        wrong = {spike.symbol for spike in self.spikes}
        changes = [m.change for m in self.moves if m.symbol not in wrong]
        return median(changes) if changes else 0.0

    @property
    def broad(self) -> bool:
        """Whether most symbols moved together; a single symbol when its price was no spike."""
        wrong = {spike.symbol for spike in self.spikes}
        sound = [move for move in self.moves if move.symbol not in wrong]
        return bool(sound) and self.breadth >= 0.6


def look_at_market(timeline: Timeline, incident: Incident, days: int = 3) -> MarketView:
    """Prices from ``days`` sessions before the trigger to the end of the incident."""
    day = _session_of(timeline, incident)
    early = day - timedelta(days=_DAYS)
    prices = {
        symbol: near
        for symbol, line in timeline.prices.items()
        if (near := _between(line, early, incident.last + _AFTER))
    }
    sessions = sorted({p.session for line in prices.values() for p in line})
    at = sum(session < day for session in sessions)
    since = sessions[max(0, at - days)] if sessions else day
    moves = [move for name in prices if (move := _move(name, prices[name], day)) is not None]
    spikes = _spikes(prices, since, incident.last)
    wrong = {spike.symbol for spike in spikes}
    sound = [move for move in moves if move.symbol not in wrong]
    frozen = tuple(_frozen(prices, day))
    breadth, common = _together(sound, 2.0), _together(sound, 1.0)
    return MarketView(tuple(moves), breadth, common, tuple(spikes), frozen)


def _together(moves: Sequence[Move], normals: float) -> float:
    """Share of symbols that went the same way by so many normals."""
    if not moves:
        return 0.0
    down = sum(move.normals <= -normals for move in moves)
    return max(down, sum(move.normals >= normals for move in moves)) / len(moves)


def _between(line: Sequence[Price], early: date, last: int) -> Sequence[Price]:
    """Prices from a day on and up to a record."""
    start = bisect_left(line, early, key=lambda price: price.session)
    stop = bisect_right(line, last, key=lambda price: price.seq)
    return line[start:stop]


def _session_of(timeline: Timeline, incident: Incident) -> date:
    first = incident.triggers[0].seq
    return next(step.session for step in timeline.steps if step.seq == first)


def _daily(line: Sequence[Price]) -> list[tuple[date, float]]:
    """Last price of each session."""
    last: dict[date, float] = {}
    for price in line:
        last[price.session] = price.close
    return sorted(last.items())


def _normal(closes: Sequence[float]) -> float:
    steps = [abs(b / a - 1.0) for a, b in pairwise(closes) if a > 0]
    steps = steps[-NORMAL_DAYS:]
    return max(_FLOOR, _SCALE * median(steps)) if len(steps) >= 5 else 4 * _FLOOR


def _move(symbol: str, line: Sequence[Price], day: date) -> Move | None:
    earlier = [close for session, close in _daily(line) if session < day]
    today = [price for price in line if price.session == day]
    if not today:
        return None
    base = earlier[-1] if earlier else today[0].open
    # the close decides the direction unless the day's range is far wider
    ends = [(price.close / base - 1.0, price.seq) for price in today[-1:]]
    ends += [(price.low / base - 1.0, price.seq) for price in today]
    ends += [(price.high / base - 1.0, price.seq) for price in today]
    close = ends[0][0]
    change, seq = max(ends, key=lambda end: abs(end[0]) * (1.0 if end[0] * close >= 0 else 0.5))
    return Move(symbol, change, change / _normal(earlier), seq)


def _spikes(prices: Mapping[str, Sequence[Price]], since: date, last: int) -> list[Spike]:
    found = []
    for name, line in prices.items():
        closes = [price.close for price in line]
        for i in range(1, len(line)):
            here = line[i]
            if here.session < since or here.seq > last or closes[i - 1] <= 0:
                continue
            change = closes[i] / closes[i - 1] - 1.0
            # a series of minutes has its own, smaller normal
            normals = change / _normal(closes[max(0, i - NORMAL_DAYS - 1) : i])
            if abs(change) < SPIKE_MOVE or abs(normals) < SPIKE_NORMALS:
                continue
            others = _others(prices, name, line[i - 1], here)
            if others is not None and others > _QUIET * abs(change):
                continue
            after = closes[i + 1 : i + 4]
            # most of a jump back within three prices: an error; there to stay: news
            back = any(abs(c / closes[i - 1] - 1.0) < (1 - _REVERSED) * abs(change) for c in after)
            if not back and (others is None or len(after) == 3):
                continue
            found.append(Spike(name, here.seq, change, normals, back, others or 0.0))
    return [spike for spike in found if not _return_of(spike, found)]


def _return_of(spike: Spike, found: Sequence[Spike]) -> bool:
    """Whether a spike is only the way back from another."""
    return any(
        other.symbol == spike.symbol
        and other.seq < spike.seq
        and other.reversed_
        and other.change * spike.change < 0
        for other in found
    )


def _others(
    prices: Mapping[str, Sequence[Price]], name: str, before: Price, here: Price
) -> float | None:
    """Median absolute move of the other symbols over the same time; None without any."""
    steps = []
    for other, line in prices.items():
        if other == name:
            continue
        old = [p.close for p in line if p.time <= before.time]
        new = [p.close for p in line if p.time <= here.time]
        if old and new and len(new) > len(old):
            steps.append(abs(new[-1] / old[-1] - 1.0))
    return median(steps) if steps else None


def _frozen(prices: Mapping[str, Sequence[Price]], day: date) -> list[Move]:
    """Symbols whose daily price stood still while most others moved."""
    daily = {name: [x for x in _daily(line) if x[0] <= day] for name, line in prices.items()}
    still = {}
    for name, line in daily.items():
        closes = [close for _, close in line[-_FROZEN - 1 :]]
        if len(closes) > _FROZEN:
            still[name] = len(set(closes)) == 1
    if not still or sum(still.values()) * 2 >= len(still):
        return []
    return [Move(name, 0.0, 0.0, prices[name][-1].seq) for name, flat in still.items() if flat]
