"""What a check of a data folder found."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path


class Severity(StrEnum):
    """How bad a finding is: an error fails the check, a warning fails it when strict."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong in one file.

    Attributes
    ----------
    kind
        ``unreadable``, ``duplicate``, ``unsorted``, ``bad price``, ``gap``, ``closed day``,
        ``stale``, ``ends early``, ``jump``, ``missing``, ``changed``.
    file
        Path inside the data folder.
    row
        Row of the text inside the file, from 1; None when it concerns the whole file.
    """

    severity: Severity
    kind: str
    file: str
    row: int | None
    message: str


@dataclass(slots=True)
class Report:
    """Everything a check found, and how much it looked at."""

    folder: Path
    files: int = 0
    rows: int = 0
    series: int = 0
    findings: list[Finding] = field(default_factory=list)

    def error(self, kind: str, file: str, row: int | None, message: str) -> None:
        """Record something that makes results wrong."""
        self.findings.append(Finding(Severity.ERROR, kind, file, row, message))

    def warning(self, kind: str, file: str, row: int | None, message: str) -> None:
        """Record something a user should have seen."""
        self.findings.append(Finding(Severity.WARNING, kind, file, row, message))

    def count(self, severity: Severity) -> int:
        """Return how many findings have this severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def passed(self, *, strict: bool = False) -> bool:
        """Tell whether the folder passes; warnings count only when ``strict``."""
        return not (self.findings if strict else self.count(Severity.ERROR))

    def to_json(self) -> str:
        """Return the report as JSON."""
        content = {
            "folder": str(self.folder),
            "files": self.files,
            "series": self.series,
            "rows": self.rows,
            "errors": self.count(Severity.ERROR),
            "warnings": self.count(Severity.WARNING),
            "kinds": dict(sorted(Counter(f.kind for f in self.findings).items())),
            "findings": [asdict(finding) for finding in self.findings],
        }
        return json.dumps(content, indent=2)
