"""How an observation came through the door for data: plain, so that it can be recorded."""

from __future__ import annotations

from dataclasses import dataclass

from protection.contracts.quick import quick
from protection.contracts.records import Bar, Quote, Trade


@quick
@dataclass(frozen=True, slots=True)
class Passage:
    """Answer of the door to one observation.

    A replay takes it from the record instead of asking a door again: keys and what the door
    remembers are not in an audit ledger.

    Attributes
    ----------
    source : who is said to have sent it
    cause : why it was refused, a name of ``protection.admission.Cause``; empty when admitted
    reason : one sentence on that
    genuine : whether it is proven that the source sent it
    weight : of an admitted one, from the trust in its source
    released : prices that waited in quarantine until this observation confirmed them
    """

    source: str
    cause: str = ""
    reason: str = ""
    genuine: bool = True
    weight: float = 1.0
    released: tuple[Bar | Quote | Trade, ...] = ()
