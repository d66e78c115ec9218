"""Insights as LEAN's result file holds them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.framework.insight import Insight
from engine.framework.support import NO_TIME
from engine.types.decimals import normalize, plain, round_half_even

_EPOCH = datetime(1970, 1, 1)


def _seconds(moment: datetime | None) -> float:
    return ((moment or NO_TIME) - _EPOCH).total_seconds()


def _rounded(value: float | None) -> str | None:
    """Four decimals as text, as LEAN writes doubles that it rounds."""
    if value is None:
        return None
    number = round(value, 4)
    text = repr(int(number)) if number == int(number) else repr(number)
    return "-0" if text == "0" and str(number).startswith("-") else text


def insight_record(insight: Insight) -> dict[str, Any]:
    """Return one insight; numbers that LEAN keeps exact are ``Decimal``."""
    score = insight.score
    return {
        "id": insight.id.hex,
        "groupId": None if insight.group_id is None else insight.group_id.hex,
        "sourceModel": insight.source_model,
        "generatedTime": _seconds(insight._generated),
        "createdTime": _seconds(insight._generated),
        "closeTime": _seconds(insight._close),
        "symbol": str(insight.symbol.id),
        "ticker": insight.symbol.value,
        "type": insight.type.name.lower(),
        "reference": insight._reference_value,
        "referenceValueFinal": insight._reference_value_final,
        "direction": insight.direction.name.lower(),
        "period": insight.period.total_seconds(),
        "magnitude": _rounded(insight.magnitude),
        "confidence": _rounded(insight.confidence),
        "weight": insight.weight,
        "scoreIsFinal": score.is_final_score,
        "scoreMagnitude": _rounded(score.magnitude),
        "scoreDirection": _rounded(score.direction),
        "estimatedValue": _exact(insight._estimated_value),
        "tag": insight.tag,
    }


def _exact(value: Decimal) -> str:
    return plain(normalize(round_half_even(value, 4))) if value else "0"
