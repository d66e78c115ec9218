"""``Exchange``: the venues that orders and ticks name."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.types.dotnet import LeanObject
from engine.types.enums import SecurityType

_E, _O, _I = SecurityType.EQUITY, SecurityType.OPTION, SecurityType.INDEX_OPTION
_F, _FO = SecurityType.FUTURE, SecurityType.FUTURE_OPTION


class Exchange(LeanObject):
    """A venue: equal by code, market and kinds of securities; its text is the name."""

    __slots__ = ("code", "description", "market", "name", "security_types")

    UNKNOWN: ClassVar[Exchange]

    def __init__(
        self, name: str, code: str, description: str, market: str, *security_types: SecurityType
    ) -> None:
        self.name = name
        self.code = code or name
        self.description = description
        self.market = market
        self.security_types = list(security_types)

    def _json(self) -> dict[str, Any]:
        return {
            "Code": self.code,
            "Name": self.name,
            "Market": self.market,
            "SecurityTypes": [int(kind) for kind in self.security_types],
        }

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        if other is None:
            return self is Exchange.UNKNOWN
        return isinstance(other, Exchange) and (
            self.code == other.code
            and self.market == other.market
            and set(self.security_types) == set(other.security_types)
        )

    def __hash__(self) -> int:
        return hash((self.code, self.market))


Exchange.UNKNOWN = Exchange("", "", "UNKNOWN", "")
_USA: tuple[tuple[str, str, str, str, tuple[SecurityType, ...]], ...] = (
    ("MEMX", "MEMX", "MM", "The Members Exchange", (_E,)),
    ("LTSE", "LTSE", "L", "The Long-Term Stock Exchange", (_E,)),
    ("NASDAQ", "NASDAQ", "Q", "NASDAQ", (_E,)),
    ("NASDAQ_SC", "NASDAQ_SC", "S", "NASDAQ Small Cap", (_E,)),
    ("NASDAQ_OPTIONS", "XNDQ", "XNDQ", "NASDAQ options market", (_O, _I)),
    ("BATS", "BATS", "Z", "Bats Global Markets", (_E,)),
    ("ARCA", "ARCA", "P", "New York Stock Archipelago Exchange", (_E,)),
    ("ARCA_OPTIONS", "ARCX", "ARCX", "NYSE Arca Options", (_O,)),
    ("NYSE", "NYSE", "N", "New York Stock Exchange", (_E,)),
    ("SMART", "SMART", "SMART", "Smart routing", (_E,)),
    ("OTCX", "OTCX", "OTCX", "Over the counter", (_E,)),
    ("IEX", "IEX", "IEX", "Investors Exchange", (_E,)),
    ("NSX", "NSE", "C", "National Stock Exchange", (_E,)),
    ("FINRA", "FINRA", "D", "Financial Industry Regulatory Authority", (_E,)),
    ("ISE", "ISE", "I", "International Securities Exchange", (_E,)),
    ("CSE", "CSE", "M", "Chicago Stock Exchange", (_E,)),
    ("CBOE", "CBOE", "W", "Chicago Board Options Exchange", (_E, _O, _I)),
    ("C2", "C2", "W", "CBOE Options Exchange", (_O,)),
    ("NASDAQ_BX", "NASDAQ_BX", "B", "NASDAQ BX", (_E,)),
    ("SIAC", "SIAC", "SIAC", "Securities Industry Automation Corporation", (_E,)),
    ("EDGA", "EDGA", "J", "CBOE EDGA", (_E,)),
    ("EDGX", "EDGX", "K", "CBOE EDGX", (_E,)),
    ("EDGO", "EDGO", "EDGO", "CBOE EDGX options", (_O, _I)),
    ("NASDAQ_PSX", "NASDAQ_PSX", "X", "NASDAQ PSX", (_E,)),
    ("BATS_Y", "BATS_Y", "Y", "Bats Global Markets", (_E,)),
    ("BOSTON", "BOSTON", "BB", "Boston Stock Exchange", (_E,)),
    ("BOX", "BOX", "B", "Boston Options Exchange", (_O, _I)),
    ("AMEX", "AMEX", "A", "American Stock Exchange", (_E,)),
    ("AMEX_OPTIONS", "AMEX", "A", "American Options Exchange", (_O,)),
    ("OPRA", "OPRA", "O", "Options Price Reporting Authority", (_O,)),
    ("MIAX", "MIAX", "M", "Miami International Securities Options Exchange", (_O,)),
    ("MIAX_PEARL", "MIAX_PEARL", "MP", "MIAX PEARL", (_O, _E)),
    ("MIAX_EMERALD", "MIAX_EMERALD", "ME", "MIAX EMERALD", (_O,)),
    ("MIAX_SAPPHIRE", "MIAX_SAPPHIRE", "SPHR", "MIAX Sapphire", (_O, _I)),
    ("ISE_GEMINI", "ISE_GEMINI", "H", "ISE Gemini", (_O,)),
    ("ISE_MERCURY", "ISE_MERCURY", "J", "ISE Mercury", (_O,)),
    ("CSFB", "CSFB", "CSFB", "Credit Suisse First Boston", (_E,)),
    ("PHLX", "PHLX", "X", "NASDAQ OMX PHLX", (_O, _I)),
)
for _attribute, _name, _code, _title, _kinds in _USA:
    setattr(Exchange, _attribute, Exchange(_name, _code, _title, "usa", *_kinds))
for _name, _market, _kinds in (
    ("BSE", "india", (_E,)),
    ("NSE", "india", (_E,)),
    ("CME", "cme", (_F, _FO)),
    ("EUREX", "eurex", (_F, SecurityType.INDEX)),
    ("CBOT", "cbot", (_F, _FO)),
    ("CFE", "cfe", (_F,)),
    ("COMEX", "comex", (_F,)),
    ("ICE", "ice", (_F,)),
    ("NYMEX", "nymex", (_F, _FO)),
    ("NYSELIFFE", "nyseliffe", (_F, _FO)),
):
    setattr(Exchange, _name, Exchange(_name, _name, _name, _market, *_kinds))

_CODES = {
    "T": "NASDAQ", "Q": "NASDAQ", "NASDAQ_OMX": "NASDAQ", "S": "NASDAQ_SC", "Z": "BATS",
    "BATS Z": "BATS", "BATS_Z": "BATS", "P": "ARCA", "N": "NYSE", "C": "NSX", "NSE": "NSX",
    "D": "FINRA", "I": "ISE", "M": "CSE", "W": "CBOE", "A": "AMEX", "J": "EDGA", "K": "EDGX",
    "B": "NASDAQ_BX", "NASDAQ BX": "NASDAQ_BX", "X": "NASDAQ_PSX", "NASDAQ PSX": "NASDAQ_PSX",
    "Y": "BATS_Y", "BATS Y": "BATS_Y", "BYX": "BATS_Y", "BB": "BOSTON", "V": "IEX",
    "H": "MIAX_PEARL", "MP": "MIAX_PEARL", "MIAX PEARL": "MIAX_PEARL", "L": "LTSE", "U": "MEMX",
    "MM": "MEMX",
}  # fmt: skip
_SHARE_VENUES = frozenset(
    (
        *_CODES.values(), "SIAC", "EDGO", "BSE", "SMART", "OTCX", "CSFB",
    )
)  # fmt: skip


def share_exchange(code: str, market: str = "usa") -> Exchange:
    """Return the venue of shares that a letter of a tick file, or a name, stands for."""
    code = code.strip().upper()
    if code == "NSE" and market == "india":
        return Exchange.NSE
    name = _CODES.get(code, code)
    found: Exchange = getattr(Exchange, name) if name in _SHARE_VENUES else Exchange.UNKNOWN
    return found
