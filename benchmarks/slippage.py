"""``make slippage-table``: predicted against paid cost of trading, beside LEAN's slippage models.

Fills are made from LEAN's sample data, the same for every model:

* ``quotes``: 100 shares sent at the end of every minute of the session and filled at the bid or ask
  a minute later; the cost is the half-spread at that moment.
* ``tape``: SPY's trade ticks, signed by the quote of the second before. The net quantity of the
  aggressors in a second (or minute) is one order; its cost is their mean price against the middle
  of the quote when the span began: half-spread, impact, and the span's chance move. Prints more
  than 0.1% from the quote (3 of 100,000, agreed elsewhere and reported late) are left out.

Each symbol's days are split in time: coefficients (ours, and the fitted variants of LEAN's models)
come from the first half, errors from the second. Volatility is what our model knew when the order
was sent; quintiles are those of all test fills of a table.
"""

from __future__ import annotations

import argparse
import os
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from protection.contracts.records import Bar, Quote
from protection.execution import OwnFill, SlippageModel

Table = NDArray[np.float64]

OPEN, CLOSE = 34_200_000, 57_600_000
MINUTE = 60_000
SYMBOLS = ("aapl", "aig", "bac", "foxa", "goog", "ibm", "nwsa", "shy", "spy", "twx")
SIZE = 100.0
SPANS = {"tape, one second": 1_000, "tape, one minute": MINUTE}
#: prints further from the quote were agreed elsewhere and reported late
OFF_MARKET = 1e-3
#: LEAN's defaults: AlphaStreams charges one basis point, VolumeShare (0.025, 0.1)
CONSTANT = 1e-4
VOLUME_LIMIT, PRICE_IMPACT = 0.025, 0.1
COLUMNS = ("cost", "volatility", "half_spread", "pressure", "share")


def read(path: Path, columns: int) -> Table:
    """Read a zipped file of LEAN: first columns of every row, empty ones as NaN."""
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    rows = [line.split(",")[:columns] for line in text.splitlines()]
    return np.array([[float(x) if x else np.nan for x in row] for row in rows])


def session(table: Table) -> Table:
    """Return the rows of the regular session."""
    return table[(table[:, 0] >= OPEN) & (table[:, 0] < CLOSE)]


def tape_orders(folder: Path, day: str, span: int) -> dict[int, list[tuple[float, float]]]:
    """Aggressors' net orders of spans of ``span`` ms, listed under the minute they are in.

    Each is (quantity, cost against the middle of the quote at the span's start).
    """
    tick = folder / "tick" / "spy" / f"{day}_trade.zip"
    second = folder / "second" / "spy" / f"{day}_quote.zip"
    if not (tick.exists() and second.exists()):
        return {}
    quotes, trades = read(second, 11), session(read(tick, 3))
    ends = quotes[:, 0] + 1_000  # a bar is known when it ends
    middle = 0.5 * (quotes[:, 4] + quotes[:, 9])

    def middle_at(times: Table) -> Table:
        place = np.searchsorted(ends, times, side="right") - 1
        return np.where(place >= 0, middle[np.maximum(place, 0)], np.nan)

    before = middle_at(trades[:, 0])
    on_market = np.abs(trades[:, 1] / before - 1.0) < OFF_MARKET
    trades, before = trades[on_market], before[on_market]
    signs, sizes = np.sign(trades[:, 1] - before), trades[:, 2]
    spans, inverse = np.unique((trades[:, 0] // span).astype(int), return_inverse=True)
    net = np.bincount(inverse, signs * sizes)
    side = np.sign(net)
    own = sizes * (signs == side[inverse])
    volume = np.bincount(inverse, own)
    arrival = middle_at(spans * float(span))
    good = (side != 0) & (volume > 0) & np.isfinite(arrival)
    paid = np.bincount(inverse, own * trades[:, 1])[good] / volume[good]
    cost = side[good] * (paid / arrival[good] - 1.0)
    found: dict[int, list[tuple[float, float]]] = {}
    for start, quantity, value in zip(spans[good] * span, np.abs(net[good]), cost, strict=True):
        found.setdefault(int(start // MINUTE) * MINUTE, []).append((float(quantity), float(value)))
    return found


def day_fills(folder: Path, symbol: str, day: str, model: SlippageModel) -> Iterator[tuple]:
    """Feed a day to the model and give its fills: kind, symbol, then :data:`COLUMNS`."""
    quotes = session(read(folder / "minute" / symbol / f"{day}_quote.zip", 11))
    trades = session(read(folder / "minute" / symbol / f"{day}_trade.zip", 6))
    tapes = {
        kind: tape_orders(folder, day, span) if symbol == "spy" else {}
        for kind, span in SPANS.items()
    }
    bars = {int(row[0]): row for row in trades}
    start = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    for i, row in enumerate(quotes):
        moment = int(row[0])
        end = start + timedelta(milliseconds=moment + MINUTE)
        model.observe(Quote(symbol, end, row[4], row[9]))
        bar = bars.get(moment)
        if bar is not None:
            _, o, h, lo, c, v = bar
            model.observe(Bar(symbol, end, o, h, lo, c, v, timedelta(minutes=1)))
        if i + 1 == len(quotes) or i < 5 or int(quotes[i + 1, 0]) != moment + MINUTE:
            continue
        following = quotes[i + 1]
        half = (following[9] - following[4]) / (following[9] + following[4])
        orders_now = [("quotes", SIZE, half)]
        for kind, orders in tapes.items():
            orders_now += [(kind, *order) for order in orders.get(moment + MINUTE, ())]
        for kind, quantity, cost in orders_now:
            seen = model.predict(symbol, quantity)
            noise = model.volatility(symbol)
            # LEAN asks for the share of the last bar, not of a mean of bars
            share = quantity / bar[5] if bar is not None and bar[5] > 0 else 1.0
            yield (
                kind,
                symbol,
                cost,
                noise,
                seen.raw_half_spread,
                seen.pressure,
                share,
            )


def collect(data: Path) -> dict[str, dict[str, list[tuple]]]:
    """Fills by kind and half (``train``, ``test``); every symbol's model runs through its days."""
    folder = data / "equity" / "usa"
    found: dict[str, dict[str, list[tuple]]] = {
        kind: {"train": [], "test": []} for kind in ("quotes", *SPANS)
    }
    for symbol in SYMBOLS:
        paths = sorted((folder / "minute" / symbol).glob("*_quote.zip"))
        days = [path.name[:8] for path in paths]
        days = [d for d in days if (folder / "minute" / symbol / f"{d}_trade.zip").exists()]
        model = SlippageModel()
        for place, day in enumerate(days):
            half = "train" if place < len(days) / 2 else "test"
            for kind, *row in day_fills(folder, symbol, day, model):
                found[kind][half].append(tuple(row))
    return found


def columns(rows: list[tuple]) -> tuple[NDArray[np.str_], Table]:
    """Split rows into symbols and figures."""
    return np.array([row[0] for row in rows]), np.array([row[1:] for row in rows], dtype=float)


def volume_share(share: Table, impact: float) -> Table:
    """LEAN's ``VolumeShareSlippageModel``, fraction of the price."""
    return impact * np.minimum(share, VOLUME_LIMIT) ** 2


def predictions(train: Table, test: Table, own: list[OwnFill]) -> dict[str, Table]:
    """Every model's cost for the test fills."""
    cost, share = train[:, 0], train[:, 4]
    shape = volume_share(share, 1.0)
    impact = float(shape @ cost / (shape @ shape))
    fitted = SlippageModel().calibrated(own).settings
    published = SlippageModel().settings
    half, pressure, count = test[:, 2], test[:, 3], len(test)
    return {
        "ours, calibrated": fitted.spread * half + fitted.impact * pressure,
        "ours, published coefficients": published.spread * half + published.impact * pressure,
        "LEAN constant, 1 bp": np.full(count, CONSTANT),
        "LEAN constant, fitted": np.full(count, float(np.median(cost))),
        "LEAN volume share, default": volume_share(test[:, 4], PRICE_IMPACT),
        "LEAN volume share, fitted": volume_share(test[:, 4], impact),
        "LEAN default (none)": np.zeros(count),
    }


def report(name: str, train: list[tuple], test: list[tuple]) -> None:
    """Print one table."""
    _, before = columns(train)
    symbols, after = columns(test)
    own = [OwnFill(row[0], row[2], row[3], max(row[1], 1e-6)) for row in before]
    fit = SlippageModel().calibrated(own).fit
    assert fit is not None
    edges = np.quantile(after[:, 1], [0.8])
    wild = after[:, 1] >= edges[0]
    cells = symbols
    print(f"\n### {name}: {len(before):,} fills to fit, {len(after):,} to test")
    print(
        f"\nfitted: spread {fit.spread:.3f} ± {fit.spread_error:.3f}, "
        f"impact {fit.impact:.3f} ± {fit.impact_error:.3f}\n"
    )
    print(
        "| model | error of a fill, all | top quintile | times ours | error of means | times ours |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    base = 0.0, 0.0
    for label, predicted in predictions(before, after, own).items():
        error = 1e4 * (predicted - after[:, 0])
        every, top = float(np.mean(np.abs(error))), float(np.mean(np.abs(error[wild])))
        means = _error_of_means(error[wild], cells[wild], after[wild, 4])
        if not base[0]:
            base = top, means
        print(
            f"| {label} | {every:.3f} | {top:.3f} | {top / base[0]:.1f} | {means:.3f} "
            f"| {means / base[1]:.1f} |"
        )


def _error_of_means(error: Table, cells: NDArray[np.str_], share: Table) -> float:
    """Root mean square over cells (symbol, third of size) of the mean error, by fills."""
    thirds = np.searchsorted(np.quantile(share, [1 / 3, 2 / 3]), share)
    total, count = 0.0, 0
    for cell in np.unique(cells):
        for third in range(3):
            rows = (cells == cell) & (thirds == third)
            n = int(rows.sum())
            if n >= 20:
                total += n * float(error[rows].mean()) ** 2
                count += n
    return float(np.sqrt(total / count)) if count else float("nan")


def main() -> None:
    """Print the tables of docs/concepts/slippage.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("LEAN_DATA", str(ROOT.parent / "shared" / "lean-data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    given = parser.parse_args()
    found = collect(given.data)
    for kind, halves in found.items():
        report(kind, halves["train"], halves["test"])
    both = {
        half: found["quotes"][half] + found["tape, one second"][half] for half in ("train", "test")
    }
    report("quotes and one-second tape together", both["train"], both["test"])
    print("\nErrors in basis points of the price.")


if __name__ == "__main__":
    main()
