"""The code on the tail risk page runs, top to bottom, as a reader would paste it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from protection import risk

PAGE = Path(__file__).resolve().parents[3] / "docs" / "concepts" / "tail_risk.md"


def test_the_code_on_the_page_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 5
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert names["judged"].count == 500
    assert names["es_parts"].sum() > 0.0


def test_every_public_name_of_the_room_can_be_loaded() -> None:
    for name in risk.__all__:
        assert getattr(risk, name) is not None, name


def test_the_names_the_specification_asks_for_have_their_signatures() -> None:
    assert {"shape", "scale"} <= set(dir(risk.fit_gpd([1.0, 2.0])))
    fit = risk.fit_student_t([0.01, -0.01, 0.0])
    assert fit.df > 0
    assert fit.scale > 0
    assert fit.loc == 0.0
    var, es = risk.pot_var_es(losses=[float(i) for i in range(100)], level=0.99, threshold=80.0)
    assert es > var
    test = risk.kupiec(n=250, exceedances=3, probability=0.01)
    assert 0.0 < test.p_value < 1.0
    assert test.statistic > 0.0
    assert risk.christoffersen(hits=[0, 1, 0, 0, 1, 1]).statistic >= 0.0
    assert risk.acerbi_szekely(pnl=[-0.03, 0.01], var=0.02, es=0.025, level=0.975).z2 < 0.0
