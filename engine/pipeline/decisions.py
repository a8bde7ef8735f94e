"""What an operator can say of a step that cannot go on by itself. What follows from it is resume.py's."""

from __future__ import annotations

from enum import StrEnum


class Decision(StrEnum):
    """Said of a step that may or may not have done its work when its engine died, or whose tool is left alone by its breaker."""

    RETRY = "retry"
    SKIP = "skip"
    SUCCEEDED = "succeeded"
