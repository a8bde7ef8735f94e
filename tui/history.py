"""The places one has been to in the inspector, in order, and where among them one is. Showing a place is the app's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.places import RunPlace

if TYPE_CHECKING:
    from engine.model.states import Stage
    from tui.places import Place
    from tui.viewmodel.tabs import Tab


class History:
    """Begins at the runs, which are the place None; `first` is where one went from there at once."""

    def __init__(self, first: Place | None = None) -> None:
        self._places: list[Place | None] = [None] if first is None else [None, first]
        self._at = len(self._places) - 1

    @property
    def place(self) -> Place | None:
        """Where one is."""
        return self._places[self._at]

    @property
    def before(self) -> Place | None:
        """The place before, None for the runs."""
        return self._places[self._at - 1] if self.has_before else None

    @property
    def has_before(self) -> bool:
        """True where one can go back."""
        return self._at > 0

    @property
    def has_after(self) -> bool:
        """True where one has gone back."""
        return self._at < len(self._places) - 1

    def go(self, place: Place | None) -> None:
        """Go to a place. What lay ahead of where one was is forgotten."""
        del self._places[self._at + 1 :]
        self._places.append(place)
        self._at += 1

    def back(self) -> None:
        """To the place before, if there is one."""
        self._at -= self.has_before

    def forward(self) -> None:
        """To the place one has gone back from, if there is one."""
        self._at += self.has_after

    def now_at(self, place: Place) -> None:
        """The place where one is has become this one: back and forward lead to it as it is now."""
        self._places[self._at] = place

    def now_at_stage(self, stage: Stage) -> None:
        """The run where one is, with the stage that is looked at."""
        if isinstance(self.place, RunPlace):
            self.now_at(self.place._replace(stage=stage, step_id=None))

    def now_at_pass(self, pass_index: int | None) -> None:
        """The run where one is, with the pass that is looked at; None is the last one, as it goes on."""
        if isinstance(self.place, RunPlace):
            self.now_at(self.place._replace(pass_index=pass_index))

    def now_at_tab(self, tab: Tab) -> None:
        """The run where one is, with the tab that is looked at."""
        if isinstance(self.place, RunPlace):
            self.now_at(self.place._replace(tab=tab))
