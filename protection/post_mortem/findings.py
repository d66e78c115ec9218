"""Records of an analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CAUSES = (
    "market",
    "data",
    "model",
    "execution",
    "infrastructure",
    "configuration",
    "human",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that applied.

    Attributes
    ----------
    cause : one of :data:`CAUSES`
    rule : its name in the table of :mod:`protection.post_mortem.causes`
    points : its weight
    text : the evidence as a sentence with its figures
    records : numbers of the records that show it
    """

    cause: str
    rule: str
    points: float
    text: str
    records: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "cause": self.cause,
            "rule": self.rule,
            "points": self.points,
            "text": self.text,
            "records": list(self.records),
        }


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause with everything that speaks for it.

    Attributes
    ----------
    share : its points over the points of all causes; no probability
    """

    name: str
    points: float
    share: float
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "cause": self.name,
            "points": self.points,
            "share": round(self.share, 4),
            "evidence": [finding.as_dict() for finding in self.findings],
        }


def rank(findings: list[Finding]) -> tuple[Cause, ...]:
    """Causes by points, the most first; equal ones in the order of :data:`CAUSES`."""
    total = sum(finding.points for finding in findings)
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.cause, []).append(finding)
    causes = [
        Cause(
            name,
            points := sum(f.points for f in grouped[name]),
            points / total if total else 0.0,
            tuple(sorted(grouped[name], key=lambda f: -f.points)),
        )
        for name in CAUSES
        if name in grouped
    ]
    return tuple(sorted(causes, key=lambda cause: -cause.points))


@dataclass(frozen=True, slots=True)
class Advice:
    """What to change.

    Attributes
    ----------
    text : one sentence
    setting, now, suggested : flat key, its value in the run, the proposed one; empty where no
        setting helps
    evidence : the sentence that it rests on
    records : numbers of records
    """

    text: str
    evidence: str
    setting: str = ""
    now: str = ""
    suggested: str = ""
    records: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "text": self.text,
            "setting": self.setting,
            "now": self.now,
            "suggested": self.suggested,
            "evidence": self.evidence,
            "records": list(self.records),
        }


def ticker(symbol: str) -> str:
    """Readable part of a symbol's name: ``SPY R735QTJ8XC9X`` is SPY."""
    return symbol.split(" ", 1)[0]


def scope_words(scope: str) -> str:
    """Readable scope."""
    return ticker(scope.removeprefix("symbol:"))


def plain_decimals(parts: Mapping[str, Any]) -> dict[str, str]:
    """Amounts as text with two decimals."""
    return {name: f"{value:.2f}" for name, value in parts.items()}
