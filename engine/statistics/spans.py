"""Spans of time as .NET keeps and prints them: counts of 100 nanoseconds."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

TICKS_PER_SECOND = 10_000_000


def to_ticks(span: timedelta) -> int:
    """Count of 100 ns in a span."""
    return (span.days * 86400 + span.seconds) * TICKS_PER_SECOND + span.microseconds * 10


def from_ticks(ticks: int) -> timedelta:
    """Span of a count of 100 ns, cut to microseconds."""
    return timedelta(microseconds=ticks // 10)


def ticks_from_seconds(seconds: float) -> int:
    """``TimeSpan.FromSeconds(double)``: cut towards zero."""
    return int(seconds * TICKS_PER_SECOND)


@lru_cache(maxsize=4096)
def span_text(ticks: int) -> str:
    """Print as .NET's constant format: ``14.23:40:00.0000001``, ``00:00:00``."""
    sign = "-" if ticks < 0 else ""
    seconds, fraction = divmod(abs(ticks), TICKS_PER_SECOND)
    days, seconds = divmod(seconds, 86400)
    text = f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    day_text = f"{days}." if days else ""
    return f"{sign}{day_text}{text}" + (f".{fraction:07d}" if fraction else "")
