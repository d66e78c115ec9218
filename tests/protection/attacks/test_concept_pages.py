"""The examples on the concept pages run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[3] / "docs" / "concepts"


@pytest.mark.parametrize("page", ["admission", "gating", "attacks"])
def test_the_examples_of_a_page_run(page):
    text = (PAGES / f"{page}.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, f"{page}.md", "exec"), {})
