"""Live-like runs: LEAN's step under threads, delays, faults and restarts; one seed, one run.

>>> from engine.livelike import Faults, run
>>> result = run("main.py", "data", seed=7, faults=Faults.all())  # doctest: +SKIP
"""

from __future__ import annotations

from engine.livelike.faults import Faults
from engine.livelike.turns import Deadlock
from engine.livelike.world import Life, LiveResult, run

__all__ = ["Deadlock", "Faults", "Life", "LiveResult", "run"]
