"""What differs between two JSON documents, as changes, summary, outline, text and patch. Pure; nothing is drawn here."""

from engine.regression.json_diff.apply import apply_patch
from engine.regression.json_diff.changes import Change, ChangeKind, JsonDiff
from engine.regression.json_diff.options import DiffOptions
from engine.regression.json_diff.outline import Branch, outline
from engine.regression.json_diff.patch import to_json_patch
from engine.regression.json_diff.paths import Path, parse_pattern, path_text
from engine.regression.json_diff.sameness import json_equal
from engine.regression.json_diff.summary import Group, groups_of, summary_lines
from engine.regression.json_diff.text import Line, LineKind, Span, SpanKind, text_diff
from engine.regression.json_diff.volatile import volatile_paths
from engine.regression.json_diff.walk import diff

__all__ = [
    "Branch",
    "Change",
    "ChangeKind",
    "DiffOptions",
    "Group",
    "JsonDiff",
    "Line",
    "LineKind",
    "Path",
    "Span",
    "SpanKind",
    "apply_patch",
    "diff",
    "groups_of",
    "json_equal",
    "outline",
    "parse_pattern",
    "path_text",
    "summary_lines",
    "text_diff",
    "to_json_patch",
    "volatile_paths",
]
