"""Coefficients of the HAR quantile regressions, written by ``tools/train_tuner.py``.

Rows are the levels 50%, 90% and 99%, columns those of :data:`.features.COLUMNS`.
"""

from __future__ import annotations

import numpy as np

from protection.circuit_breakers.tuning.har import LEVELS, HarQuantile

#: By kind of market: ``equity`` looks five sessions ahead, ``crypto`` one day.
COEFFICIENTS: dict[str, HarQuantile] = {
    # 20 stocks, daily 1992-2022, 5 sessions ahead
    "equity": HarQuantile(
        LEVELS,
        np.array(
            [
                [-0.169927, 0.181692, 0.327449, -0.103836],
                [0.387273, 0.171703, 0.302771, -0.108883],
                [0.977283, 0.189711, 0.321929, -0.115124],
            ]
        ),
    ),
    # BTCUSD, daily 2015-2018, a day ahead
    "crypto": HarQuantile(
        LEVELS,
        np.array(
            [
                [-0.233499, 0.350615, 0.476949, -0.063298],
                [0.553600, 0.236991, 0.507637, 0.020228],
                [1.433256, 0.243465, 0.605435, 0.044572],
            ]
        ),
    ),
}
