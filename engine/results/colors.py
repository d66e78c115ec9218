"""``System.Drawing.Color`` as charts need it."""

from __future__ import annotations

from engine.types.dotnet import LeanObject, LeanType

_NAMED = {
    "ALICE_BLUE": "F0F8FF", "AQUA": "00FFFF", "AQUAMARINE": "7FFFD4", "AZURE": "F0FFFF",
    "BEIGE": "F5F5DC", "BLACK": "000000", "BLUE": "0000FF", "BLUE_VIOLET": "8A2BE2",
    "BROWN": "A52A2A", "CADET_BLUE": "5F9EA0", "CHARTREUSE": "7FFF00", "CHOCOLATE": "D2691E",
    "CORAL": "FF7F50", "CORNFLOWER_BLUE": "6495ED", "CRIMSON": "DC143C", "CYAN": "00FFFF",
    "DARK_BLUE": "00008B", "DARK_CYAN": "008B8B", "DARK_GOLDENROD": "B8860B", "DARK_GRAY": "A9A9A9",
    "DARK_GREEN": "006400", "DARK_KHAKI": "BDB76B", "DARK_MAGENTA": "8B008B",
    "DARK_OLIVE_GREEN": "556B2F", "DARK_ORANGE": "FF8C00", "DARK_ORCHID": "9932CC",
    "DARK_RED": "8B0000", "DARK_SALMON": "E9967A", "DARK_SEA_GREEN": "8FBC8F",
    "DARK_SLATE_BLUE": "483D8B", "DARK_SLATE_GRAY": "2F4F4F", "DARK_TURQUOISE": "00CED1",
    "DARK_VIOLET": "9400D3", "DEEP_PINK": "FF1493", "DEEP_SKY_BLUE": "00BFFF", "DIM_GRAY": "696969",
    "DODGER_BLUE": "1E90FF", "FIREBRICK": "B22222", "FOREST_GREEN": "228B22", "FUCHSIA": "FF00FF",
    "GOLD": "FFD700", "GOLDENROD": "DAA520", "GRAY": "808080", "GREEN": "008000",
    "GREEN_YELLOW": "ADFF2F", "HOT_PINK": "FF69B4", "INDIAN_RED": "CD5C5C", "INDIGO": "4B0082",
    "IVORY": "FFFFF0", "KHAKI": "F0E68C", "LAVENDER": "E6E6FA", "LAWN_GREEN": "7CFC00",
    "LIGHT_BLUE": "ADD8E6", "LIGHT_CORAL": "F08080", "LIGHT_CYAN": "E0FFFF", "LIGHT_GRAY": "D3D3D3",
    "LIGHT_GREEN": "90EE90", "LIGHT_PINK": "FFB6C1", "LIGHT_SALMON": "FFA07A",
    "LIGHT_SEA_GREEN": "20B2AA", "LIGHT_SKY_BLUE": "87CEFA", "LIGHT_SLATE_GRAY": "778899",
    "LIGHT_STEEL_BLUE": "B0C4DE", "LIGHT_YELLOW": "FFFFE0", "LIME": "00FF00",
    "LIME_GREEN": "32CD32", "LINEN": "FAF0E6", "MAGENTA": "FF00FF", "MAROON": "800000",
    "MEDIUM_BLUE": "0000CD", "MEDIUM_ORCHID": "BA55D3", "MEDIUM_PURPLE": "9370DB",
    "MEDIUM_SEA_GREEN": "3CB371", "MEDIUM_SLATE_BLUE": "7B68EE", "MEDIUM_SPRING_GREEN": "00FA9A",
    "MEDIUM_TURQUOISE": "48D1CC", "MEDIUM_VIOLET_RED": "C71585", "MIDNIGHT_BLUE": "191970",
    "NAVY": "000080", "OLIVE": "808000", "OLIVE_DRAB": "6B8E23", "ORANGE": "FFA500",
    "ORANGE_RED": "FF4500", "ORCHID": "DA70D6", "PALE_GREEN": "98FB98", "PALE_TURQUOISE": "AFEEEE",
    "PALE_VIOLET_RED": "DB7093", "PERU": "CD853F", "PINK": "FFC0CB", "PLUM": "DDA0DD",
    "POWDER_BLUE": "B0E0E6", "PURPLE": "800080", "RED": "FF0000", "ROSY_BROWN": "BC8F8F",
    "ROYAL_BLUE": "4169E1", "SADDLE_BROWN": "8B4513", "SALMON": "FA8072", "SANDY_BROWN": "F4A460",
    "SEA_GREEN": "2E8B57", "SIENNA": "A0522D", "SILVER": "C0C0C0", "SKY_BLUE": "87CEEB",
    "SLATE_BLUE": "6A5ACD", "SLATE_GRAY": "708090", "SNOW": "FFFAFA", "SPRING_GREEN": "00FF7F",
    "STEEL_BLUE": "4682B4", "TAN": "D2B48C", "TEAL": "008080", "THISTLE": "D8BFD8",
    "TOMATO": "FF6347", "TURQUOISE": "40E0D0", "VIOLET": "EE82EE", "WHEAT": "F5DEB3",
    "WHITE": "FFFFFF", "YELLOW": "FFFF00", "YELLOW_GREEN": "9ACD32",
}  # fmt: skip


class _ColorType(LeanType):
    """Gives ``Color.RED`` and ``Color.Red``."""

    def __getattr__(cls, name: str) -> Color:
        wanted = name.replace("_", "").upper()
        for key, code in _NAMED.items():
            if key.replace("_", "") == wanted:
                return Color(*(int(code[i : i + 2], 16) for i in (0, 2, 4)))
        raise AttributeError(f"Color has no member {name!r}; use Color.from_argb(red, green, blue)")


class Color(LeanObject, metaclass=_ColorType):
    """A color of 8 bits a channel; ``Color.EMPTY`` lets the chart choose."""

    __slots__ = ("_code", "b", "g", "r")
    EMPTY: Color

    def __init__(self, red: int = 0, green: int = 0, blue: int = 0, *, code: str | None = None):
        self.r, self.g, self.b = red, green, blue
        self._code = f"#{red:02X}{green:02X}{blue:02X}" if code is None else code

    @staticmethod
    def from_argb(*channels: int) -> Color:
        """Make a color of red, green, blue; a first of four channels (opacity) is not kept."""
        if len(channels) not in (3, 4) or not all(0 <= c <= 255 for c in channels):
            raise ValueError(f"expected red, green, blue in 0..255, was {channels}")
        return Color(*channels[-3:])

    @property
    def is_empty(self) -> bool:
        return not self._code


Color.EMPTY = Color(code="")
