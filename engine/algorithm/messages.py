"""Log, debug and error lines, quitting, tags, notifications."""

from __future__ import annotations

from typing import Any

from engine.types.dotnet import LeanObject
from engine.types.enums import AlgorithmStatus


class NotificationManager(LeanObject):
    """``self.notify``: does nothing in a backtest, as in LEAN, and answers False."""

    def email(self, *_: Any, **__: Any) -> bool:
        return False

    def sms(self, *_: Any, **__: Any) -> bool:
        return False

    def web(self, *_: Any, **__: Any) -> bool:
        return False

    def ftp(self, *_: Any, **__: Any) -> bool:
        return False

    def sftp(self, *_: Any, **__: Any) -> bool:
        return False

    def telegram(self, *_: Any, **__: Any) -> bool:
        return False


class MessagesMixin:
    """Messages of ``QCAlgorithm``."""

    _engine: Any
    time: Any
    live_mode: bool

    def _init_messages(self) -> None:
        self._previous_debug = ""
        self._previous_error = ""
        self.notify = NotificationManager()
        self.tags: set[str] = set()
        self.name = type(self).__name__
        self.status = AlgorithmStatus.RUNNING
        self._runtime_error: BaseException | None = None
        self._runtime_error_context = ""

    def debug(self, message: Any) -> None:
        """Send a debug line; the same one twice in a row is sent once."""
        text = str(message)
        if text and text != self._previous_debug:
            self._previous_debug = text
            self._engine.results.add_debug(self._stamp(text))

    def log(self, message: Any) -> None:
        """Write a line to the log."""
        text = str(message)
        if text:
            self._engine.results.add_log(self._stamp(text))

    def error(self, message: Any) -> None:
        """Send an error line; the same one twice in a row is sent once."""
        text = str(message)
        if text and text != self._previous_error:
            self._previous_error = text
            self._engine.results.add_error(self._stamp(text))

    def _stamp(self, text: str) -> str:
        return f"{self.time:%Y-%m-%d %H:%M:%S} {text}"

    def quit(self, message: Any = "") -> None:
        """Stop at the end of this callback; orders of this step still go out."""
        self.debug(f"Quit(): {message}")
        self.status = AlgorithmStatus.STOPPED

    def set_quit(self, quit: bool) -> None:
        if quit:
            self.status = AlgorithmStatus.STOPPED

    def set_status(self, status: AlgorithmStatus) -> None:
        self.status = AlgorithmStatus(status)

    def _get_status(self) -> AlgorithmStatus:
        return self.status

    def set_run_time_error(self, exception: BaseException) -> None:
        self._set_runtime_error(exception, "")

    def _set_runtime_error(self, error: BaseException, context: str) -> None:
        """Remember the first error; the step ends the run."""
        if self._runtime_error is None:
            self._runtime_error = error
            self._runtime_error_context = context
            self.status = AlgorithmStatus.RUNTIME_ERROR

    @property
    def run_time_error(self) -> BaseException | None:
        return self._runtime_error

    def set_name(self, name: str) -> None:
        self.name = name

    def add_tag(self, tag: str) -> None:
        if tag and tag.strip() and len(self.tags) < 100:
            self.tags.add(tag[:200])

    def set_tags(self, tags: Any) -> None:
        self.tags = set(tags)
