"""The door for data: who sent it, how much, what it says, whether it fits; one decision.

::

    from protection.admission import Admission, Envelope, Source, SourceRegistry
"""

from protection.admission.concentration import Concentration, Shares, measure
from protection.admission.door import Admission
from protection.admission.envelope import (
    Admitted,
    Cause,
    Envelope,
    Outcome,
    Quarantined,
    Rejected,
    Sample,
    canonical,
)
from protection.admission.hours import AlwaysOpen, TradingHours, WeeklyHours
from protection.admission.quarantine import Held
from protection.admission.registry import Listing, Source, SourceRegistry
from protection.admission.seals import Ed25519Key, Ed25519Signer, HmacKey, seal
from protection.admission.state import FeedHealth
from protection.contracts.admission_settings import AdmissionSettings

__all__ = [
    "Admission",
    "AdmissionSettings",
    "Admitted",
    "AlwaysOpen",
    "Cause",
    "Concentration",
    "Ed25519Key",
    "Ed25519Signer",
    "Envelope",
    "FeedHealth",
    "Held",
    "HmacKey",
    "Listing",
    "Outcome",
    "Quarantined",
    "Rejected",
    "Sample",
    "Shares",
    "Source",
    "SourceRegistry",
    "TradingHours",
    "WeeklyHours",
    "canonical",
    "measure",
    "seal",
]
