"""Exporting an analysis: which form, into which file, and never over a file without asking. The forms are the view models'."""

from __future__ import annotations

import asyncio
import io
import json
import os
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from textual import on

from engine.errors import OpscopeError
from tui.files import named_file, write_text
from tui.screens.comparing.experimenting import Asked, ExperimentingScreen
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span
from tui.widgets.chooser import Chooser
from tui.widgets.dialogue import Question, Reply
from tui.widgets.edit_line import EditLine

if TYPE_CHECKING:
    from engine.regression.json_diff import JsonDiff
    from tui.screens.comparing.reading import ComparisonRead

Answer = TypeVar("Answer")


class Form(Enum):
    """A form: its name, what it is for, the ending of its file."""

    TEXT = ("text", "to read", "txt")
    MARKDOWN = ("markdown", "for a merge request", "md")
    JSON = ("JSON", "for programs", "json")
    JUNIT = ("JUnit", "for a CI server", "xml")
    PATCH = ("JSON patch", "what differs in the data shown, RFC 6902", "patch.json")

    def __init__(self, title: str, purpose: str, ending: str) -> None:
        self.title = title
        self.purpose = purpose
        self.ending = ending


def choices(forms: list[Form]) -> list[tuple[Line, Line]]:
    """The forms as a chooser shows them."""
    return [((Span(form.title),), (Span(form.purpose),)) for form in forms]


def file_name(found: ComparisonRead, form: Form) -> str:
    """`compare-ci-lookup-1f2e3d.md` in the folder of work."""
    parts = ["compare", found.plan_id or "runs", found.analysis_id[:6]]
    plain = "-".join(part for part in parts if part).replace(os.sep, "-")
    return f"{plain}.{form.ending}"


def exported(found: ComparisonRead, form: Form, diff: JsonDiff | None) -> str:
    """The text of the file."""
    from engine.regression.document import to_document
    from engine.regression.json_diff import to_json_patch
    from tui.commands.compare_text import print_analysis
    from tui.commands.output import Output
    from tui.viewmodel.comparison_formats import junit, markdown, title

    name = title(found.analysis, found.plan_id, found.analysis_id)
    match form:
        case Form.TEXT:
            stream = io.StringIO()
            print_analysis(Output(stream), found.analysis, found.plan_id, found.analysis_id)
            return stream.getvalue()
        case Form.MARKDOWN:
            return markdown(found.analysis, name) + "\n"
        case Form.JSON:
            document = {**to_document(found.analysis, plan_id=found.plan_id), "analysis_id": found.analysis_id or None}
            return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        case Form.JUNIT:
            return junit(found.analysis, name) + "\n"
        case Form.PATCH:
            assert diff is not None
            return json.dumps(to_json_patch(diff), ensure_ascii=False, indent=2) + "\n"


class ExportingScreen(ExperimentingScreen[Answer]):
    """A `Chooser`, an `EditLine`, a `Question` and a `Reply` have to be on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self._forms: list[Form] = []
        self._form = Form.TEXT
        self._path = ""

    @property
    def diff_shown(self) -> JsonDiff | None:
        """What differs in the data that are shown, which can be exported as a patch."""
        return None

    def ask_form(self) -> None:
        """Which form."""
        self._forms = [form for form in Form if form is not Form.PATCH or self.diff_shown is not None]
        self.query_one(Chooser).open(choices(self._forms), 0)

    @on(Chooser.Chosen)
    def _form_chosen(self, event: Chooser.Chosen) -> None:
        event.stop()
        found = self.compared
        if found is None:
            return
        self._form = self._forms[event.index]
        said = f"{self._form.title}, {self._form.purpose}"
        self.query_one(EditLine).open("export", "write to", file_name(found, self._form), said)

    @on(EditLine.Taken)
    def _path_taken(self, event: EditLine.Taken) -> None:
        event.stop()
        edited = self.query_one(EditLine)
        self._path = event.text.strip()
        if not self._path:
            edited.fault("a file has to be named")
            return
        edited.close()
        self.inspector.busily(self.write_export(over=False))

    async def write_export(self, *, over: bool) -> None:
        """Write it. A file that is there already is written over only after a yes."""
        found = self.compared
        if found is None:
            return
        try:
            text = await asyncio.to_thread(exported, found, self._form, self.diff_shown)
            target = named_file(self._path)
            await asyncio.to_thread(write_text, target, text, replaces=over)
        except FileExistsError:
            asked = f"{self._path} is there already. Write over it?"
            self.query_one(Question).ask(Asked.OVERWRITE, asked, "write over it", "leave it")
        except OpscopeError as error:
            self.query_one(Reply).say(error.cause, error.hint, glyph="✗", role=Role.FAILED)
        else:
            self.query_one(Reply).say(f"written to {target}", glyph="✓", role=Role.SUCCEEDED)
