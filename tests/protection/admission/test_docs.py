"""The page on admission: its code runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).parents[3] / "docs" / "concepts" / "admission.md").read_text("utf-8")


def test_the_code_of_the_page_runs(capsys: Any) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    told = capsys.readouterr().out

    assert len(blocks) == 2
    assert "{'admitted': 1, 'replay': 1}" in told
    assert names["system"].counters["door.replay"] == 1
