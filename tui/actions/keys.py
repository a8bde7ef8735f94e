"""Keys by name: as the terminal library calls them, as a person writes them, and as they stand on the keyboard. No actions here."""

from __future__ import annotations

import re
import string
import unicodedata
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_ARROWS: Final = {"down": "↓", "up": "↑", "left": "←", "right": "→"}
_PLAIN_WORDS: Final = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
_MOVES: Final = frozenset({"home", "end", "up", "down", "left", "right", "pageup", "pagedown", "insert", "delete"})
_NAMED: Final = _MOVES | {"enter", "escape", "tab", "space", "backspace"} | {f"f{number}" for number in range(1, 25)}
_OTHER_NAMES: Final = {
    "esc": "escape",
    "return": "enter",
    "cr": "enter",
    "del": "delete",
    "ins": "insert",
    "bs": "backspace",
    "pgup": "pageup",
    "page_up": "pageup",
    "pgdn": "pagedown",
    "pgdown": "pagedown",
    "page_down": "pagedown",
    "spacebar": "space",
    "backtab": "shift+tab",
    **{sign: name for name, sign in _ARROWS.items()},
}
_MODIFIERS: Final = {
    **dict.fromkeys(("ctrl", "control", "c"), "ctrl"),
    **dict.fromkeys(("alt", "meta", "option", "m"), "alt"),
    **dict.fromkeys(("shift", "s"), "shift"),
}
_MODIFIER: Final = re.compile(r"(?:(ctrl|control|alt|meta|option|shift)[+-]|([cms])-)(?=.)", re.IGNORECASE)
_SAME_AS: Final = {
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+h": "backspace",
    "ctrl+left_square_bracket": "escape",
    "ctrl+slash": "ctrl+_",
}
_CTRL_SIGNS: Final = frozenset({"backslash", "right_square_bracket", "circumflex_accent", "underscore"})

ALWAYS_LEAVES: Final = "ctrl+c"


class NoKeyError(ValueError):
    """A text names no key that a terminal could send. `hint` says what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def _name_of_sign(sign: str) -> str:
    if sign.isalnum():
        return sign
    name = unicodedata.name(sign, "").lower().replace("-", "_").replace(" ", "_")
    return _PLAIN_WORDS.get(name, name)


_SIGNS: Final = {_name_of_sign(sign): sign for sign in string.punctuation}
_SHOWN: Final = {**_SIGNS, **_ARROWS, "escape": "esc"}


def key_names(keys: Collection[str]) -> str:
    """Keys as they stand on the keyboard: `j ↓`."""
    return " ".join(map(_shown, keys))


def _shown(key: str) -> str:
    *modifiers, base = key.split("+")
    return "+".join([*modifiers, _SHOWN.get(base, base)])


def read_key(text: str) -> str:
    """The library's name of a key as people write it: `?`, `ctrl+x`, `C-x`, `^x`, `Esc`, `PgUp`. Raises NoKeyError."""
    rest, modifiers = _split(text)
    base = _base(rest, text)
    if len(base) == 1 and base.isalpha() and modifiers and modifiers <= {"shift"}:
        return base.upper()
    if "ctrl" in modifiers and len(base) == 1:
        base = base.lower()
    key = "+".join([*sorted(modifiers), base])
    if key in ("ctrl+at", "ctrl+space"):
        return "ctrl+@"
    same = _SAME_AS.get(key)
    if same is not None:
        raise NoKeyError(f"a terminal sends the same for {text.strip()} as for {same}", f"write {same}, or another key")
    if key == ALWAYS_LEAVES:
        raise NoKeyError("ctrl+c always leaves", "choose another key")
    if not _can_be_sent(modifiers, base):
        raise NoKeyError(f"terminals do not tell {text.strip()} apart from other keys", "choose another key")
    return key


def _split(text: str) -> tuple[str, set[str]]:
    rest = text if text == " " else text.strip()
    modifiers: set[str] = set()
    if len(rest) == 2 and rest[0] == "^":
        return rest[1], {"ctrl"}
    while len(rest) > 1 and (found := _MODIFIER.match(rest)):
        modifiers.add(_MODIFIERS[(found[1] or found[2]).lower()])
        rest = rest[found.end() :]
    return rest, modifiers


def _base(rest: str, text: str) -> str:
    if rest == " ":
        return "space"
    if len(rest) == 1 and rest.isprintable() and rest not in _OTHER_NAMES:
        return _name_of_sign(rest)
    name = _OTHER_NAMES.get(rest.lower(), rest.lower())
    if name in _NAMED or name in _SIGNS or name == "shift+tab":
        return name
    if not rest:
        raise NoKeyError("no key is named", 'write "x", "ctrl+x", "f5" or "space"')
    known = [*_NAMED, *_OTHER_NAMES, *_SIGNS]
    near = get_close_matches(rest.lower(), known, n=1, cutoff=0.7)
    hint = f"did you mean {near[0]!r}?" if near else 'write "x", "ctrl+x", "f5" or "space"'
    raise NoKeyError(f"there is no key {text.strip()!r}", hint)


def _can_be_sent(modifiers: set[str], base: str) -> bool:
    if not modifiers:
        return True
    if base in _MOVES:
        return len(modifiers) == 1 and "alt" not in modifiers
    if modifiers == {"shift"}:
        return base == "tab"
    is_letter = len(base) == 1 and base.isascii() and base.isalpha()
    if modifiers == {"ctrl"}:
        return is_letter or base in _CTRL_SIGNS
    return modifiers == {"alt"} and len(base) == 1 and base.isascii()
