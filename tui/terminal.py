"""Text from data made safe to show in a terminal. Pure: the filter that guards the screen itself lives with the widgets."""

from __future__ import annotations

import unicodedata

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters by category, yet drawn as nothing: they can hide text or make two names look alike.
_HANGUL_FILLERS = "\u115f\u1160\u3164\uffa0"


def _escape(code_point: int) -> str:
    if code_point <= 0xFF:
        named = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}.get(code_point)
        return named or f"\\x{code_point:02x}"
    return f"\\u{code_point:04x}" if code_point <= 0xFFFF else f"\\U{code_point:08x}"


class _Escapes(dict[int, str]):
    """A translation table that learns each character the first time it is met."""

    def __missing__(self, code_point: int) -> str:
        character = chr(code_point)
        unsafe = unicodedata.category(character) in _UNSAFE_CATEGORIES or character in _HANGUL_FILLERS
        # What is harmless is not remembered, so that a flood of rare characters cannot grow the table.
        if not unsafe:
            return character
        self[code_point] = escaped = _escape(code_point)
        return escaped


_ESCAPES = _Escapes()


def is_clean(text: str) -> bool:
    """True when `text` can go to a terminal as it is."""
    # isprintable is false for every unsafe category (and a few harmless ones); the fillers are the only letters to fear.
    return text.isprintable() and (text.isascii() or not any(filler in text for filler in _HANGUL_FILLERS))


def visible(text: str) -> str:
    r"""`text` with every control, format, surrogate, line-separator and filler character as a visible escape.

    An escape character becomes `\x1b`, a right-to-left override `\u202e`. Newline and tab are escaped too (`\n`, `\t`):
    a caller that wants to keep them splits or expands first.
    """
    return text if is_clean(text) else text.translate(_ESCAPES)
