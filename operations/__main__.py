"""``python -m operations`` is the ``protect`` command."""

from __future__ import annotations

from operations.cli import main

if __name__ == "__main__":
    main()
