"""The colours of the inspector by role, dark and light. Which thing has which role is decided in `words`; no styling here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

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


@dataclass(frozen=True, slots=True)
class Palette:
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

STAGE_ROLES: Mapping[Stage, Role] = {stage: Role(stage.value) for stage in Stage}


def contrast(foreground: str, background: str) -> float:
    """The WCAG contrast ratio of two `#RRGGBB` colours, 1 to 21."""
    lighter, darker = sorted((_luminance(foreground), _luminance(background)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
