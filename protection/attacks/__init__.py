"""Adversaries for our own tests, and the measure of what they achieve.

::

    from protection.attacks import OffsetPoisoning, World, measure_impact
    print(measure_impact(World(seed=1), OffsetPoisoning()).table())

Nothing else in the library imports this room.
"""

from protection.attacks.adaptive import AdaptiveInsider, SearchResult, search_influence
from protection.attacks.adversaries import (
    Adversary,
    DelayedLabels,
    Forgery,
    OffsetPoisoning,
    QuoteStuffing,
    Replay,
    SlowDrip,
    Spoofing,
    StaleFeed,
    SybilSources,
    TimestampGames,
    VariancePoisoning,
    WashTrading,
)
from protection.attacks.impact import Impact, ImpactReport, measure_impact
from protection.attacks.world import World

__all__ = [
    "AdaptiveInsider",
    "Adversary",
    "DelayedLabels",
    "Forgery",
    "Impact",
    "ImpactReport",
    "OffsetPoisoning",
    "QuoteStuffing",
    "Replay",
    "SearchResult",
    "SlowDrip",
    "Spoofing",
    "StaleFeed",
    "SybilSources",
    "TimestampGames",
    "VariancePoisoning",
    "WashTrading",
    "World",
    "measure_impact",
    "search_influence",
]
