"""Insights as LEAN's result file holds them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.framework.insight import Insight
from engine.framework.support import NO_TIME
from engine.types.decimals import normalize, plain, round_half_even
from engine.types.enums import InsightDirection, InsightType

_EPOCH = datetime(1970, 1, 1)
_TYPES = {kind: kind.name.lower() for kind in InsightType}
_DIRECTIONS = {direction: direction.name.lower() for direction in InsightDirection}


def _seconds(moment: datetime | None) -> float:
    return ((moment or NO_TIME) - _EPOCH).total_seconds()


def _rounded(value: float | None) -> str | None:
    """Four decimals as text, as LEAN writes doubles that it rounds."""
    if value is None:
        return None
    text = repr(round(value, 4))
    if text.endswith(".0"):
        return text[:-2]
    return repr(int(float(text))) if "e+" in text else text


def insight_record(insight: Insight) -> dict[str, Any]:
    """Return one insight; numbers that LEAN keeps exact are ``Decimal``."""
    score, generated = insight.score, _seconds(insight._generated)
    return {
        "id": insight.id.hex,
        "groupId": None if insight.group_id is None else insight.group_id.hex,
        "sourceModel": insight.source_model,
        "generatedTime": generated,
        "createdTime": generated,
        "closeTime": _seconds(insight._close),
        "symbol": str(insight.symbol.id),
        "ticker": insight.symbol.value,
        "type": _TYPES[insight.type],
        "reference": insight._reference_value,
        "referenceValueFinal": insight._reference_value_final,
        "direction": _DIRECTIONS[insight.direction],
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
