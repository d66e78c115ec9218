"""Errors the command line turns into one sentence and an exit code."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every ``protect`` command."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    CHECK_FAILED = 3


class OperationError(Exception):
    """Something the operator has to change: what was expected, what was found, what to do."""

    exit_code: Exit = Exit.FAILURE


class SourceError(OperationError):
    """A data source could not be reached or is not the one that was pinned."""


class FolderError(OperationError):
    """A folder does not hold what it should."""


class BundleError(OperationError):
    """A staged cloud bundle breaks a rule of the cloud."""

    exit_code = Exit.CHECK_FAILED
