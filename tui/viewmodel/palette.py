"""The colours of the inspector by role, dark and light. Which thing has which role is decided in `words`; no styling here."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model.states import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """What a piece of text means, and so how it is coloured. Never the only carrier of that meaning."""

    TEXT = "text"
    DIM = "dim"
    STRONG = "strong"
    SUCCEEDED = "succeeded"
    RUNNING = "running"
    WARNING = "warning"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    ROUTE_PLAN = "route_plan"
    VALIDATE = "validate"
    EXECUTE = "execute"
    COMPOSE = "compose"
    PRESENT = "present"
    MATCH = "match"
    KEY = "key"
    NUMBER = "number"
    BORDER = "border"


class Palette(NamedTuple):
    """One set of colours as `#RRGGBB`. `cursor` lies behind the chosen row."""

    name: str
    is_dark: bool
    background: str
    cursor: str
    cursor_blurred: str
    roles: Mapping[Role, str]

    def colour(self, role: Role) -> str:
        """The foreground of a role."""
        return self.roles[role]


DARK = Palette(
    name="opscope-dark",
    is_dark=True,
    background="#11161C",
    cursor="#1E2935",
    cursor_blurred="#19212A",
    roles={
        Role.TEXT: "#D7DEE6",
        Role.DIM: "#8A97A5",
        Role.STRONG: "#FFFFFF",
        Role.SUCCEEDED: "#4CC38A",
        Role.RUNNING: "#62B5F2",
        Role.WARNING: "#E8A93B",
        Role.FAILED: "#FF7A5C",
        Role.QUARANTINED: "#D991C2",
        Role.ROUTE_PLAN: "#8AB4F8",
        Role.VALIDATE: "#7FD1C0",
        Role.EXECUTE: "#F0C35A",
        Role.COMPOSE: "#C6A6F5",
        Role.PRESENT: "#F2A0BE",
        Role.MATCH: "#F0C35A",
        Role.KEY: "#A9BDD1",
        Role.NUMBER: "#C9C2E0",
        Role.BORDER: "#3A4653",
    },
)

LIGHT = Palette(
    name="opscope-light",
    is_dark=False,
    background="#FBFAF7",
    cursor="#E6ECF1",
    cursor_blurred="#F1F1ED",
    roles={
        Role.TEXT: "#1E2730",
        Role.DIM: "#5C6873",
        Role.STRONG: "#000000",
        Role.SUCCEEDED: "#0B7A4B",
        Role.RUNNING: "#0B63A8",
        Role.WARNING: "#8F5A00",
        Role.FAILED: "#B93A17",
        Role.QUARANTINED: "#8E3B78",
        Role.ROUTE_PLAN: "#2456B0",
        Role.VALIDATE: "#0E6E62",
        Role.EXECUTE: "#7A5600",
        Role.COMPOSE: "#6A3FB0",
        Role.PRESENT: "#A3305F",
        Role.MATCH: "#7A5600",
        Role.KEY: "#3D566E",
        Role.NUMBER: "#54457F",
        Role.BORDER: "#B9C0C6",
    },
)

_BLACK, _RED, _BROWN, _BLUE, _MAGENTA, _SILVER = (
    "#000000", "#AA0000", "#AA5500", "#0000AA", "#AA00AA", "#AAAAAA",
)  # fmt: skip
_GREY, _LIGHT_RED, _LIGHT_GREEN, _YELLOW, _PINK, _LIGHT_CYAN, _WHITE = (
    "#555555", "#FF5555", "#55FF55", "#FFFF55", "#FF55FF", "#55FFFF", "#FFFFFF",
)  # fmt: skip

DARK_OF_16 = Palette(
    name="opscope-dark-16",
    is_dark=True,
    background=_BLACK,
    cursor=_BLUE,
    cursor_blurred=_BLUE,
    roles={
        Role.TEXT: _WHITE,
        Role.DIM: _SILVER,
        Role.STRONG: _WHITE,
        Role.SUCCEEDED: _LIGHT_GREEN,
        Role.RUNNING: _LIGHT_CYAN,
        Role.WARNING: _YELLOW,
        Role.FAILED: _LIGHT_RED,
        Role.QUARANTINED: _PINK,
        Role.ROUTE_PLAN: _LIGHT_CYAN,
        Role.VALIDATE: _LIGHT_GREEN,
        Role.EXECUTE: _YELLOW,
        Role.COMPOSE: _PINK,
        Role.PRESENT: _PINK,
        Role.MATCH: _YELLOW,
        Role.KEY: _SILVER,
        Role.NUMBER: _WHITE,
        Role.BORDER: _GREY,
    },
)
"""For terminals of 16 colours, which every one of them draws a little differently; these are the ones of a PC's console."""

LIGHT_OF_16 = Palette(
    name="opscope-light-16",
    is_dark=False,
    background=_WHITE,
    cursor=_LIGHT_CYAN,
    cursor_blurred=_LIGHT_CYAN,
    roles={
        Role.TEXT: _BLACK,
        Role.DIM: _GREY,
        Role.STRONG: _BLACK,
        # Green cannot be read on white; what went well needs the eye least.
        Role.SUCCEEDED: _BLACK,
        Role.RUNNING: _BLUE,
        Role.WARNING: _BROWN,
        Role.FAILED: _RED,
        Role.QUARANTINED: _MAGENTA,
        Role.ROUTE_PLAN: _BLUE,
        Role.VALIDATE: _BLUE,
        Role.EXECUTE: _BROWN,
        Role.COMPOSE: _MAGENTA,
        Role.PRESENT: _MAGENTA,
        Role.MATCH: _BROWN,
        Role.KEY: _GREY,
        Role.NUMBER: _BLACK,
        Role.BORDER: _SILVER,
    },
)

OURS: Final = (DARK, LIGHT, DARK_OF_16, LIGHT_OF_16)
_PAIRS: Final = {False: (DARK, LIGHT), True: (DARK_OF_16, LIGHT_OF_16)}
"""A dark one and a light one: for many colours, and for few."""


def ours_like(palette: Palette, *, few_colours: bool = False) -> Palette:
    """The one of ours that is as dark or as light as another."""
    dark, light = _PAIRS[few_colours]
    return dark if palette.is_dark else light


def ours_unlike(palette: Palette) -> Palette:
    """The one of ours that is light where another is dark, with as few colours."""
    dark, light = _PAIRS[palette in _PAIRS[True]]
    return light if palette.is_dark else dark


LEAST_CONTRAST: Final = 5.0
"""Of everything that is read, on the background; half of one less on the chosen row."""
_LEAST_OF_TEXT: Final = 7.0

STAGE_ROLES: Mapping[Stage, Role] = {stage: Role(stage.value) for stage in Stage}


def contrast(foreground: str, background: str) -> float:
    """The WCAG contrast ratio of two `#RRGGBB` colours, 1 to 21."""
    lighter, darker = sorted((_luminance(foreground), _luminance(background)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def palette_on(name: str, *, is_dark: bool, background: str, foreground: str) -> Palette:
    """The roles on the background of another theme: ours, as much lighter or darker as it takes to read them there."""
    ours = DARK if is_dark else LIGHT
    end = "#FFFFFF" if is_dark else "#000000"
    cursor = mixed(background, foreground, 0.12)
    roles = {role: _readable(colour, background, cursor, end, LEAST_CONTRAST) for role, colour in ours.roles.items()}
    roles[Role.TEXT] = _readable(foreground, background, cursor, end, _LEAST_OF_TEXT)
    roles[Role.BORDER] = mixed(background, foreground, 0.25)
    return Palette(name, is_dark, background, cursor, mixed(background, foreground, 0.06), roles)


def _readable(colour: str, background: str, cursor: str, end: str, least: float) -> str:
    for step in range(21):
        tried = mixed(colour, end, step / 20)
        if contrast(tried, background) >= least and contrast(tried, cursor) >= least - 0.5:
            return tried
    return end


def mixed(first: str, second: str, share: float) -> str:
    """A `#RRGGBB` colour between two, `share` of the second in it."""
    pairs = ((int(first[at : at + 2], 16), int(second[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)
