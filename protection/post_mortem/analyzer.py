"""The post-mortem of a ledger.

::

    engine = PostMortemEngine()
    report = engine.analyze("audit-live")         # the last run's worst incident
    report.cause, report.attribution.parts, report.to_markdown()
    for incident in engine.incidents("audit-live"):
        engine.analyze("audit-live", incident.number).to_json()
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from protection.blockchain.reader import LedgerReader, open_reader
from protection.blockchain.records import Record
from protection.blockchain.replay import BuildSystem
from protection.contracts.actions import Action
from protection.contracts.clock import as_utc
from protection.contracts.errors import FixInput
from protection.post_mortem.advice import advise
from protection.post_mortem.attribution import Attribution, attribute
from protection.post_mortem.causes import Case, find_causes
from protection.post_mortem.counterfactual import Counterfactual, changes, what_if
from protection.post_mortem.findings import Advice, Cause, plain_decimals
from protection.post_mortem.incidents import Incident, find_incidents, order_of, stretch
from protection.post_mortem.market import MarketView, look_at_market
from protection.post_mortem.performance import Stretch, before_during_after
from protection.post_mortem.timeline import Snapshot, Timeline, read_runs
from protection.post_mortem.words import Moment, moments

Source: TypeAlias = "str | os.PathLike[str] | LedgerReader | Iterable[Record | Mapping[str, Any]]"


@dataclass(frozen=True)
class PostMortem:
    """What an analysis found.

    Attributes
    ----------
    incident : the stretch; None when the run is clean
    causes : ranked, the strongest first; empty when no rule applies
    attribution : parts of the profit or loss; None when the ledger holds no account
    advice : what to change
    performance : before, during, after
    moments : the timeline for people
    market : what prices did; None when the run is clean
    curve : times and equity around the incident
    severity : strongest action in force
    records : first and last record looked at
    """

    incident: Incident | None
    causes: tuple[Cause, ...]
    attribution: Attribution | None
    advice: tuple[Advice, ...]
    performance: tuple[Stretch, ...]
    moments: tuple[Moment, ...]
    market: MarketView | None
    curve: tuple[tuple[datetime, float], ...]
    severity: str
    records: tuple[int, int]

    @property
    def cause(self) -> str:
        """Name of the top cause, empty when there is none."""
        return self.causes[0].name if self.causes else ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data; amounts of money are text with two decimals."""
        incident, books = self.incident, self.attribution
        return {
            "incident": None
            if incident is None
            else {
                "number": incident.number,
                "name": incident.name,
                "begun": incident.begun.isoformat(),
                "ended": None if incident.ended is None else incident.ended.isoformat(),
                "guards": list(incident.guards),
                "sessions": incident.sessions,
                "severity": self.severity,
                "records": [incident.first, incident.last],
            },
            "cause": self.cause or None,
            "causes": [cause.as_dict() for cause in self.causes],
            "attribution": None
            if books is None
            else {
                "pnl": f"{books.pnl:.2f}",
                "parts": plain_decimals(books.parts),
                "bare_pnl": f"{books.bare_pnl:.2f}",
                "start_equity": f"{books.start_equity:.2f}",
                "end_equity": f"{books.end_equity:.2f}",
                "flows": f"{books.flows:.2f}",
                "records": [books.from_seq, books.to_seq],
                "by_symbol": {
                    name: {part: round(value, 2) for part, value in parts.items()}
                    for name, parts in books.by_symbol.items()
                },
            },
            "advice": [one.as_dict() for one in self.advice],
            "performance": [one.as_dict() for one in self.performance],
            "timeline": [moment.as_dict() for moment in self.moments],
            "records": list(self.records),
        }

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False)

    def to_markdown(self) -> str:
        """For people who read text."""
        from protection.post_mortem.markdown import write

        return write(self)

    def to_html(self) -> str:
        """One page with pictures and nothing to load."""
        from protection.post_mortem.page import write

        return write(self)


class PostMortemEngine:
    """Rebuilds incidents from a ledger and explains them."""

    def runs(self, source: Source) -> list[Timeline]:
        """Timelines of the runs in a ledger, oldest first.

        Parameters
        ----------
        source : ledger folder or ``.sqlite`` file, an open reader, records, or plain entries

        Raises
        ------
        FixInput
            When an entry cannot be read, or there is nothing to analyse.
        BrokenLedger
            At the first damaged record.
        """
        if isinstance(source, LedgerReader):
            runs = read_runs(source.records())
        elif isinstance(source, (str, os.PathLike)):
            with open_reader(source) as reader:
                runs = read_runs(reader.records())
        else:
            runs = read_runs(source)
        if not runs:
            raise FixInput(
                "expected entries of a protected run (start, evaluate, order, ...), was none"
            )
        return runs

    def incidents(self, source: Source, *, run: int = -1) -> list[Incident]:
        """Incidents of one run (the last by default), in order; none for a clean one."""
        return find_incidents(self._run(source, run))

    def analyze(
        self,
        source: Source,
        incident: int | str | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        run: int = -1,
    ) -> PostMortem:
        """Explain an incident.

        Parameters
        ----------
        source : as for :meth:`runs`
        incident : number or name; None takes the incident that lost most
        start, end : a stretch chosen by hand instead, aware times
        run : which run, -1 for the last

        Returns
        -------
        PostMortem
            Without incident and cause when the run is clean.

        Raises
        ------
        FixInput
            When there is no such incident, run or stretch.
        """
        timeline = self._run(source, run)
        if start is not None or end is not None:
            times = [step.time for step in timeline.steps]
            first = min(times) if start is None else as_utc(start)
            last = max(times) if end is None else as_utc(end)
            return self._explain(timeline, stretch(timeline, first, last))
        found = find_incidents(timeline)
        if incident is not None:
            return self._explain(timeline, order_of(found, incident))
        if not found:
            return _clean(timeline)
        return min((self._explain(timeline, one) for one in found), key=_change)

    def explain_all(self, source: Source, *, run: int = -1) -> list[PostMortem]:
        """Explanations of every incident of one run, in order."""
        timeline = self._run(source, run)
        return [self._explain(timeline, one) for one in find_incidents(timeline)]

    def replay(
        self,
        source: str | os.PathLike[str] | LedgerReader | Iterable[Record],
        build: BuildSystem,
        incident: int | str | None = None,
        *,
        without: Iterable[str] = (),
        settings: Mapping[str, str] | None = None,
        run: int = -1,
    ) -> Counterfactual:
        """Ask what the protection would have decided with other settings.

        Parameters
        ----------
        source : as for :meth:`runs`, no plain entries
        build : ``protection.system.ProtectionSystem``
        incident : number or name; None takes the one that lost most
        without : guards to switch off, for example ``daily_loss``
        settings : flat settings to change, for example ``{"daily.loss": "0.05"}``

        Raises
        ------
        FixInput
            When there is no such incident or guard, or nothing is to be changed.
        FixSettings
            For an unknown setting or an impossible value.
        """
        changed = changes(without, settings)
        if isinstance(source, LedgerReader):
            records = list(source.records())
        elif isinstance(source, (str, os.PathLike)):
            with open_reader(source) as reader:
                records = list(reader.records())
        else:
            records = list(source)
        timeline = self._run(records, run)
        found = find_incidents(timeline)
        if incident is None and found:
            worst = min(self.explain_all(records, run=run), key=_change)
            incident = found[0].number if worst.incident is None else worst.incident.number
        wanted = order_of(found, 1 if incident is None else incident)
        return what_if(records, timeline, wanted, build, changed)

    def _run(self, source: Source, run: int) -> Timeline:
        runs = self.runs(source)
        try:
            return runs[run]
        except IndexError:
            raise FixInput(f"expected one of {len(runs)} runs, was {run}") from None

    def _explain(self, timeline: Timeline, incident: Incident) -> PostMortem:
        books = _books(timeline, incident.baseline, incident.last)
        market = look_at_market(timeline, incident)
        case = Case(timeline, incident, books, market)
        causes = find_causes(case)
        return PostMortem(
            incident,
            causes,
            books,
            advise(case, causes),
            before_during_after(timeline, incident),
            moments(timeline, incident),
            market,
            _curve(timeline, incident),
            _severity(timeline, incident),
            (timeline.first, timeline.last),
        )


def _change(report: PostMortem) -> Decimal:
    return Decimal(0) if report.attribution is None else report.attribution.pnl


def _books(timeline: Timeline, first: int, last: int) -> Attribution:
    return attribute(timeline, first, last)


def _clean(timeline: Timeline) -> PostMortem:
    accounts = any(isinstance(step, Snapshot) for step in timeline.steps)
    books = _books(timeline, timeline.first, timeline.last) if accounts else None
    return PostMortem(
        None, (), books, (), (), (), None, (), "ALLOW", (timeline.first, timeline.last)
    )


def _curve(timeline: Timeline, incident: Incident) -> tuple[tuple[datetime, float], ...]:
    snapshots = [step for step in timeline.steps if isinstance(step, Snapshot)]
    days = sorted({step.session for step in snapshots})
    inside = [s.session for s in snapshots if incident.baseline <= s.seq <= incident.last]
    low = max(0, days.index(inside[0]) - 20) if inside else 0
    high = min(len(days) - 1, days.index(inside[-1]) + 20) if inside else len(days) - 1
    return tuple(
        (step.time, step.portfolio.equity)
        for step in snapshots
        if days[low] <= step.session <= days[high]
    )


def _severity(timeline: Timeline, incident: Incident) -> str:
    worst = Action.ALLOW
    for step in timeline.steps:
        if (
            isinstance(step, Snapshot)
            and step.state
            and incident.first <= step.seq <= incident.last + 1
        ):
            worst = max(worst, Action[step.state])
    return worst.name
