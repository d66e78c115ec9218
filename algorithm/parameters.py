"""Parameters of the run: strings of ``get_parameter`` -> settings, with one clear error for a bad
key.

The defaults here and the values in ``config.json`` are the same; a test keeps them so.
"""

from __future__ import annotations

from AlgorithmImports import *

from dataclasses import dataclass, fields
from datetime import datetime

from protection.contracts.errors import FixSettings
from protection.contracts.settings import ProtectionSettings


#: where this strategy wants other settings than protection's own defaults. It is sized to half the
#: promised drawdown (10% volatility under a 20% promise) and never holds more than its equity: it
#: can afford the lifetime promise: never more than 20% below the highest equity ever.
OWN_SETTINGS = {
    "cushion.promise": "lifetime",
    "limits.full_gross": "1",
    "limits.max_position": "0.25",
}


@dataclass(frozen=True)
class StrategyParameters:
    """What is traded and how large.

    Attributes
    ----------
    universe : tickers, separated by commas
    start, end : first and last day, YYYY-MM-DD
    cash : starting cash
    benchmark : ticker of the benchmark
    target_volatility : yearly volatility of the portfolio, 0.10 is 10%
    max_position, max_gross : highest weight of one position, and of all together
    protection : ``on``, or ``off`` for the bare strategy
    state : ``auto``, ``keep`` or ``memory``, see :func:`algorithm.protect.protect`
    audit : ``auto`` (on in live trading), ``off``, ``on``, or the folder of the audit ledger
    feeds : gauges fed from the data: ``auto``, ``off`` or names, see :mod:`algorithm.feeds`
    news : calendar of announcements, a key of the Object Store or a file; ``off``
    """

    universe: str = "SPY,QQQ,IWM,EEM,AAPL,IBM,BAC"
    start: str = "1999-01-01"
    end: str = "2021-03-31"
    cash: float = 1_000_000.0
    benchmark: str = "SPY"
    target_volatility: float = 0.10
    max_position: float = 0.20
    max_gross: float = 1.0
    protection: str = "on"
    state: str = "auto"
    audit: str = "auto"
    feeds: str = "auto"
    news: str = "off"

    def __post_init__(self) -> None:
        for name in ("target_volatility", "max_position", "max_gross", "cash"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise FixSettings(f"expected parameter {name} above 0, was {value}")
        if not self.benchmark.strip():
            raise FixSettings("expected parameter benchmark as a ticker, was empty; write as SPY")
        if not self.audit.strip():
            raise FixSettings("expected parameter audit as auto, off, on or a folder, was empty")
        for name in ("feeds", "news"):
            if not getattr(self, name).strip():
                raise FixSettings(f"expected parameter {name} as a text, was empty; write off")
        if self.protection not in ("on", "off"):
            raise FixSettings(
                f"expected parameter protection to be on or off, was {self.protection!r}"
            )

    def guarded(self, live: bool) -> bool:
        """Whether the protection is put under the strategy; live it always is.

        Raises
        ------
        FixSettings
            When it is off in live trading.
        """
        if live and self.protection == "off":
            raise FixSettings(
                "expected parameter protection to be on in live trading, was 'off'; "
                "the bare strategy is there to be compared with in backtests"
            )
        return self.protection == "on"

    def first_day(self) -> datetime:
        return _day("start", self.start)

    def last_day(self) -> datetime:
        return _day("end", self.end)

    def to_flat(self) -> dict[str, str]:
        """Return all parameters as strings."""
        return {f.name: _text(getattr(self, f.name)) for f in fields(self)}


def _day(name: str, text: str) -> datetime:
    try:
        # the usual shape without `strptime`, whose first use costs a start ten milliseconds
        if len(text) == 10 and text[4] == text[7] == "-":
            return datetime.fromisoformat(text)
        return datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        raise FixSettings(f"expected parameter {name} as 2020-03-31, was {text!r}") from None


def _text(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def read_parameters(given: dict[str, str]) -> tuple[StrategyParameters, ProtectionSettings]:
    """Sort parameters into the strategy's and the protection's (those with a dot, as
    ``drawdown.halt``).

    Raises
    ------
    FixSettings
        For an unknown key or a value that cannot be read; the sentence names the key.
    """
    known = {f.name: f for f in fields(StrategyParameters)}
    strategy: dict[str, str | float] = {}
    guard: dict[str, str] = dict(OWN_SETTINGS)
    for key, text in given.items():
        if "." in key:
            guard[key] = text
        elif key not in known:
            raise FixSettings(
                f"expected a parameter of {', '.join(known)} or section.name, was {key!r}"
            )
        elif isinstance(known[key].default, float):
            try:
                strategy[key] = float(text)
            except ValueError:
                raise FixSettings(f"expected parameter {key} as a number, was {text!r}") from None
        else:
            strategy[key] = text
    return StrategyParameters(**strategy), ProtectionSettings.from_flat(guard)  # type: ignore[arg-type]


def defaults() -> dict[str, str]:
    """Return every parameter with its default, as ``config.json`` holds them."""
    return StrategyParameters().to_flat() | ProtectionSettings.from_flat(OWN_SETTINGS).to_flat()
