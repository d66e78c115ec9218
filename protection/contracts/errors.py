"""Errors, each named by what the operator does next."""

from __future__ import annotations


class ProtectionError(Exception):
    """Base of every error that leaves this library on purpose."""


class FixSettings(ProtectionError, ValueError):
    """A setting is unknown or out of range: correct the configuration and start again."""


class FixInput(ProtectionError, ValueError):
    """A record handed in is impossible: correct the caller; nothing was changed by the call."""


class NameActor(ProtectionError, ValueError):
    """A kill, resume or re-arm came without actor or reason: repeat it with both."""


class RetryWrite(ProtectionError, OSError):
    """State could not be made durable: free the disk or mend permissions, then repeat the call."""


class RecoverState(ProtectionError):
    """Stored state is unreadable or half written: inspect it, then resume with actor and reason."""


class UpgradeSoftware(RecoverState):
    """Stored state was written by a newer version: run that version or move the state away."""


class CallResume(ProtectionError):
    """The action needs a system that is not killed: resume first, with actor and reason."""
