"""Who did it, and why: asked of everybody who overrules the machine."""

from __future__ import annotations

from protection.contracts.errors import NameActor

_SENTENCE = "expected actor and reason, was actor={actor!r}, reason={reason!r}"


def named(actor: str, reason: str, sentence: str = _SENTENCE) -> tuple[str, str]:
    """Actor and reason without spaces around them.

    Parameters
    ----------
    actor, reason : neither may be empty
    sentence : of the error, with ``{actor!r}`` and ``{reason!r}``

    Raises
    ------
    NameActor
        When one of them is missing.
    """
    who, why = str(actor or "").strip(), str(reason or "").strip()
    if not who or not why:
        raise NameActor(sentence.format(actor=actor, reason=reason))
    return who, why
