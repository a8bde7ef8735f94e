"""The list of what can be different as it is filled in: its lines, what is chosen in them, what is wrong. No line is written here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from tui.viewmodel.override.draft import After, Against
from tui.viewmodel.override.rows import Row, RowKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui.viewmodel.override.draft import Draft
    from tui.viewmodel.override.givens import Givens


@dataclass(frozen=True, slots=True)
class FormKeys:
    """The keys that the lines name, as the user has them."""

    change: str = "enter"
    compare: str = "c"
    leave: str = "esc"


@dataclass(frozen=True, slots=True)
class Form:
    """Everything that the lines are made of. `faults` are sentences by parameter; `steps_open`: they are shown one by one.

    `summary` is what the changes come to, in a few words; empty while that is not known.
    """

    givens: Givens
    draft: Draft
    rows: Sequence[Row]
    faults: Mapping[str, str]
    steps_open: bool = False
    summary: str = ""
    keys: FormKeys = field(default_factory=FormKeys)

    def place(self, kind: RowKind, at: int = 0) -> int | None:
        """Where a line stands, None where it does not."""
        return next((place for place, row in enumerate(self.rows) if row == Row(kind, at)), None)

    def is_set(self, row: Row) -> bool:
        """True if something is chosen there that can be taken back."""
        draft, givens = self.draft, self.givens
        match row.kind:
            case RowKind.ASSET:
                return givens.assets[row.at].name in draft.versions
            case RowKind.PARAM:
                return givens.params[row.at].name in draft.params
            case RowKind.STEP:
                return givens.steps[row.at].step_id in draft.from_steps
            case RowKind.STEPS:
                return bool(draft.from_steps)
            case RowKind.LATEST:
                return draft.latest_assets
            case RowKind.REASON:
                return bool(draft.reason)
            case RowKind.AGAINST:
                return draft.against is not Against.SOURCE
            case RowKind.AFTER:
                return draft.after is not After.OFFERED
            case RowKind.RUN:
                return False
            case _:
                assert_never(row.kind)
