"""Typed commands: LEAN reads them from ``command*.json`` in its working folder.

A typed command's ``run`` gets LEAN's bare algorithm, not our object, and what it raises is
swallowed: so the class closes over what it needs, and answers False when it could not act.

``{"$type": "KillCommand", "id": "k1", "actor": "ops", "reason": "drill"}``
``{"$type": "ResumeCommand", "id": "r1", "actor": "ops", "reason": "over", "role": "risk"}``
"""

from __future__ import annotations

from AlgorithmImports import *

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from algorithm.lifeline import Lifeline


def kill_command(lifeline: Lifeline) -> type[Command]:
    """Return the class of the kill command; it answers True when the kill is on the disk."""

    class KillCommand(Command):
        actor: Any = None
        reason: Any = None

        def run(self, algorithm: Any) -> bool:
            try:
                lifeline.protection.kill(_text(self.actor), _text(self.reason))
                return True
            except BaseException as error:
                lifeline.failed("the kill command", error)
                return False

    return KillCommand


def resume_command(lifeline: Lifeline) -> type[Command]:
    """Return the class of the resume command; it answers True when the resume is on the disk."""

    class ResumeCommand(Command):
        actor: Any = None
        reason: Any = None
        role: Any = None
        second: Any = None

        def run(self, algorithm: Any) -> bool:
            try:
                lifeline.protection.resume(
                    *(_text(self.actor), _text(self.reason)),
                    role=_text(self.role),
                    second=_text(self.second),
                )
                return True
            except BaseException as error:
                lifeline.failed("the resume command", error)
                return False

    return ResumeCommand


def _text(value: Any) -> str:
    return "" if value is None else str(value)
