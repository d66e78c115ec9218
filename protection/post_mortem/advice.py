"""What to change, and why: each proposal quotes its evidence and, where one helps, a setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from protection.post_mortem.causes import THRESHOLDS, Case
from protection.post_mortem.findings import Advice, Cause, Finding

_PLAIN: Mapping[str, str] = {
    "refused_prices": "Ask the source why it sent impossible prices; adding of the symbol stays "
    "denied by itself until a good price comes.",
    "isolated_price": "Let prices pass the admission door (protection.admission) before the "
    "strategy sees them, and confirm the price with a second source.",
    "bad_figures": "Find out where the host's account figures come from; adding stays denied by "
    "itself until they are possible again.",
    "frozen_price": "Let the feed's staleness raise an alarm: its prices stood still.",
    "churning": "Damp the model: trade only when the target has moved by more than its cost.",
    "quiet_loss": "Run the model's validation again on the weeks before; the market was quiet.",
    "slippage": "Trade through a schedule with a slippage guard, and compare the fills with the "
    "quotes of that moment.",
    "rejections": "Read the broker's reasons; the gate allowed the orders.",
    "overfilled": "Reconcile with the broker's own record and stop the link until it is explained.",
    "link": "Test the link and its alarm; adding was denied by itself while it was down.",
    "record": "Free the disk or move the ledger; adding was denied by itself meanwhile.",
    "clock": "Synchronise the host's clock; decisions by time cannot be trusted without it.",
    "internal": "Report the error in the protection with this ledger; it replays exactly.",
    "ledger_gap": "Find out what stopped the ledger; the missing entries cannot be restored.",
    "outside_orders": "Send manual orders through the gate, or keep them in an account of their "
    "own.",
    "outside_lock": "Find out who changed the stored lock; write actor and reason with it.",
    "stopped": "Agree on who stops trading when, and write it down; nothing had tripped.",
    "released_early": "Let the pause run out before anybody resumes.",
    "lone_move": "Hold less of a single symbol: its own move made the loss.",
}


def advise(case: Case, causes: tuple[Cause, ...]) -> tuple[Advice, ...]:
    """Proposals for every cause found, the strongest cause's first."""
    made: list[Advice] = []
    for cause in causes:
        for finding in cause.findings:
            made += _for(case, finding)
    unique: dict[tuple[str, str], Advice] = {}
    for one in made:
        unique.setdefault((one.text, one.setting), one)
    return tuple(unique.values())


def _for(case: Case, finding: Finding) -> Iterator[Advice]:
    flat = case.timeline.settings.to_flat()

    def setting(text: str, key: str, suggested: str) -> Advice:
        return Advice(text, finding.text, key, flat[key], suggested, finding.records)

    rule = finding.rule
    if rule == "broad_move":
        yield from _after_market(case, finding, flat)
    elif rule == "stale_price":
        yield setting(
            "Find out why the price was old; shorten the age that is still believed if fills were "
            "made on old prices, never lengthen it to get rid of the refusal.",
            "data.max_price_age_seconds",
            flat["data.max_price_age_seconds"],
        )
    elif rule == "oversized":
        key = "limits.max_position" if flat["limits.max_position"] == "none" else ""
        text = "Bound what the model may ask for before it asks; the gate cut or refused it."
        yield (
            setting(text, key, "0.2")
            if key
            else Advice(text, finding.text, records=finding.records)
        )
    elif rule == "changed":
        key, _, rest = finding.text.partition(" was changed from ")
        yield setting(
            "Take the change back until its effect is tested.", key, rest.split(" to ")[0]
        )
    elif rule == "tighter_than_noise":
        key = finding.text.partition(" is ")[0]
        usual = finding.text.partition("by default ")[2].split(";")[0]
        yield setting("Widen the threshold: it trips on normal days.", key, usual)
    elif rule == "contradiction":
        key = "limits.max_leverage"
        yield setting(
            "Let the gate refuse what the breaker would only reduce afterwards.",
            key,
            flat["leverage.limit"],
        )
    elif rule == "lone_move" and flat["limits.max_position"] == "none":
        yield setting(_PLAIN[rule], "limits.max_position", "0.2")
    elif rule in _PLAIN:
        yield Advice(_PLAIN[rule], finding.text, records=finding.records)


def _after_market(case: Case, finding: Finding, flat: Mapping[str, str]) -> Iterator[Advice]:
    parts = case.attribution.parts
    saved, cost = parts["avoided_loss"], parts["forced_exit"]
    guards = case.incident.guards
    trips = [trip for trip in case.trips if trip.guard in THRESHOLDS and trip.guard in guards]
    for trip in trips[:1]:
        key = THRESHOLDS[trip.guard]
        evidence = (
            f"{trip.reason}; protection avoided {saved:,.2f} and cost {-cost:,.2f} in this incident"
        )
        if saved + cost >= 0:
            text = "Leave the threshold as it is: the protection did not cost more than it saved."
            yield Advice(text, evidence, key, flat[key], flat[key], (trip.seq, *finding.records))
        else:
            text = (
                "The protection cost more than it saved this time; replay other thresholds "
                "(protect incidents replay --set) over many incidents before changing this one."
            )
            yield Advice(text, evidence, key, flat[key], flat[key], (trip.seq, *finding.records))
    if parts["gap"] < 0 and -parts["gap"] * 2 >= -case.attribution.pnl > 0:
        yield Advice(
            "Hold less overnight: no intraday guard can act on a gap.",
            f"gaps between sessions lost {-parts['gap']:,.2f} of {-case.attribution.pnl:,.2f}",
            "limits.max_leverage",
            flat["limits.max_leverage"],
            flat["limits.full_gross"] if flat["limits.full_gross"] != "none" else "1",
            (case.attribution.from_seq, case.attribution.to_seq),
        )
