"""``python -m engine run PATH/main.py --data DIR``."""

from __future__ import annotations

import atexit
import os
import sys
import threading

from engine.cli import main


def leave(code: int) -> None:
    """End the process at once: taking millions of objects apart one by one helps nobody.

    What asked to be called at the exit is called, and everything printed is printed. While another
    thread is at work, or a debugger or profiler looks on, the process ends the long way.
    """
    if threading.active_count() > 1 or sys.gettrace() is not None or sys.getprofile() is not None:
        sys.exit(code)
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads any more: Python has its own end for that
        sys.exit(code)
    os._exit(code)


if __name__ == "__main__":
    leave(main())
