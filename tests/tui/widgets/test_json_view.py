"""The JSON viewer as a widget: it builds what is in view and repaints what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from tui.viewmodel.palette import Role
from tui.widgets.json_view import JsonView

if TYPE_CHECKING:
    import pytest
    from textual.app import ComposeResult

    from tui.viewmodel.json_nodes import Node


class Shown(App[None]):
    """One viewer and nothing else."""

    def __init__(self, value: Node) -> None:
        super().__init__()
        self.value = value

    def compose(self) -> ComposeResult:
        """The viewer."""
        yield JsonView()

    def on_mount(self) -> None:
        """Its value."""
        self.query_one(JsonView).show(self.value, fresh=True, edge=Role.EXECUTE)


async def test_only_lines_in_view_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value of half a million numbers is opened, unfolded and gone through by building some dozens of lines."""
    built = 0
    line_at = JsonView.line_at

    def counted(self: JsonView, index: int, cells: int) -> object:
        nonlocal built
        built += 1
        return line_at(self, index, cells)

    monkeypatch.setattr(JsonView, "line_at", counted)
    app = Shown({"rows": [list(range(1000)) for _ in range(500)]})
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter", "j", "enter", "G")
        await pilot.pause()
        assert len(app.query_one(JsonView).document.rows) > 1000
        assert built < 1000


async def test_moving_the_cursor_repaints_two_lines() -> None:
    """No more goes to the terminal than what changed."""
    app = Shown({f"key{n}": n for n in range(20)})
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(JsonView)
        view.focus()
        await pilot.pause()
        painted: list[int] = []
        render_line = view.render_line

        def recorded(y: int) -> object:
            painted.append(y)
            return render_line(y)

        view.render_line = recorded  # type: ignore[method-assign,assignment]
        await pilot.press("j")
        await pilot.pause()
        assert sorted(set(painted)) == [0, 1]
        painted.clear()
        view.show({**{f"key{n}": n for n in range(20)}, "key7": "other"}, fresh=False, edge=Role.EXECUTE)
        await pilot.pause()
        assert set(painted) == {7}


async def test_text_is_broken_to_the_width_and_the_place_is_kept() -> None:
    """After a resize the cursor is on the same value."""
    app = Shown({"text": "word " * 100, "after": 1})
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(JsonView)
        view.focus()
        await pilot.press("enter", "j", "j")
        many = len(view.document.rows)
        await pilot.resize_terminal(160, 24)
        await pilot.pause()
        assert len(view.document.rows) < many
        assert view.document.rows[view.cursor].path[0] == "text"
