"""What goes wrong in a live-like run, how often and how badly."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from engine.types.errors import EngineError

_STOPS = ("kill", "sigterm", "quit")
_ACCOUNTS = ("broker", "paper")


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults of the link, the broker, the feed and the process.

    Shares are probabilities in [0, 1]; times are seconds of model time; counts are per run, and
    each happens with the first data after a moment drawn evenly over the run.

    Attributes
    ----------
    delay : longest ordinary way of a request to the broker, or of an event back
    gate_delay : longest time that a transaction thread is held up before it asks the gate
    late, late_seconds : share of events that come late, and how late at most
    partial : share of executions that fill only a part
    duplicate : share of events that come twice; the copy of a fill has quantity 0, as the plug-ins
        of brokers send it
    double_booking : share of fills that come twice with their quantity; LEAN books both
    out_of_order : share of events that may overtake earlier ones of the same order
    reject : share of new orders that the broker does not take
    lost_cancel : share of cancels that come too late, or never
    disconnects, disconnect_seconds : how often the link breaks, and for how long at most
    messages : warnings of the broker
    errors : messages of type ERROR; without a message handler of its own the algorithm stops
    dead_feeds, dead_seconds : how often the data stops, and for how long at most
    restarts : how often the process ends and is started again
    stop : how it ends: ``kill`` (kill -9), ``sigterm`` or ``quit``
    account : ``broker`` gives holdings, cash and open orders back after a restart; ``paper``
        forgets them, and asks the buying power model again when it fills
    scheduled_late : longest delay of a scheduled event
    repeat_event : share of scheduled events that come twice
    preempt : share of lines of the user's code at which another thread goes first
    """

    delay: float = 0.05
    gate_delay: float = 0.0
    late: float = 0.0
    late_seconds: float = 30.0
    partial: float = 0.0
    duplicate: float = 0.0
    double_booking: float = 0.0
    out_of_order: float = 0.0
    reject: float = 0.0
    lost_cancel: float = 0.0
    disconnects: int = 0
    disconnect_seconds: float = 600.0
    messages: int = 0
    errors: int = 0
    dead_feeds: int = 0
    dead_seconds: float = 900.0
    restarts: int = 0
    stop: str = "kill"
    account: str = "broker"
    scheduled_late: float = 1.0
    repeat_event: float = 0.0
    preempt: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, str):
                continue
            high = 1.0 if field.name in _SHARES else float("inf")
            if not 0 <= value <= high:
                raise EngineError(f"expected fault {field.name} in [0, {high:g}], was {value!r}")
        for name, known in (("stop", _STOPS), ("account", _ACCOUNTS)):
            if getattr(self, name) not in known:
                raise EngineError(
                    f"expected fault {name} to be {', '.join(known)}, was {getattr(self, name)!r}"
                )

    @staticmethod
    def none() -> Faults:
        """Return a link without faults: delays only."""
        return Faults()

    @staticmethod
    def all() -> Faults:
        """Return everything that a broker, a feed and a process do on a bad day."""
        return Faults(
            delay=1.0,
            gate_delay=0.3,
            late=0.2,
            partial=0.4,
            duplicate=0.2,
            out_of_order=0.2,
            reject=0.03,
            lost_cancel=0.1,
            disconnects=2,
            messages=2,
            dead_feeds=2,
            restarts=1,
            repeat_event=0.05,
        )

    @staticmethod
    def parse(text: str) -> Faults:
        """Read ``none``, ``all`` or ``name=value,...`` (after ``all`` or ``none``, too).

        Raises
        ------
        EngineError
            For an unknown fault or a value out of range; the sentence names the key.
        """
        faults = Faults.none()
        known = {field.name: field for field in fields(Faults)}
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            if part in ("none", "all"):
                faults = Faults.none() if part == "none" else Faults.all()
                continue
            name, equals, value = part.partition("=")
            if name not in known or not equals:
                raise EngineError(
                    f"expected a fault as name=value with a name of {', '.join(known)}, "
                    f"was {part!r}"
                )
            default: Any = known[name].default
            try:
                given: Any = value if isinstance(default, str) else type(default)(float(value))
            except ValueError:
                raise EngineError(f"expected fault {name} as a number, was {value!r}") from None
            faults = replace(faults, **{name: given})
        return faults


_SHARES = frozenset(
    (
        "late",
        "partial",
        "duplicate",
        "double_booking",
        "out_of_order",
        "reject",
        "lost_cancel",
        "repeat_event",
        "preempt",
    )
)
