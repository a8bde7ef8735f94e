"""What can be typed next into the filter of runs: fields, then their values, and what is not understood. No widgets here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.viewmodel.palette import Role
from tui.viewmodel.runs_filter import EXAMPLES, FIELDS, WORDS, Token, canonical, tokens
from tui.viewmodel.text import Line, Span, span, spread, width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.viewmodel.runs_filter import TypedFilter

_MOST = 40


class Known(NamedTuple):
    """The values that the file has: plans, and assets with their versions."""

    plans: Sequence[str] = ()
    assets: Sequence[str] = ()


class Completion(NamedTuple):
    """The line with a word of it completed, and where the cursor stands then."""

    text: str
    cursor: int


def hints(text: str, cursor: int, typed: TypedFilter, known: Known, cells: int) -> Line:
    """One line under the filter: what is wrong with a word that is not being typed, else what can be typed at the cursor."""
    at = _token_at(text, cursor)
    fault = next((fault for fault in typed.faults if at is None or fault.token.start != at.start), None)
    if fault is not None:
        return (Span(" ! ", Role.WARNING), span(str(fault), Role.WARNING))
    choices = _choices(at, known)
    if choices:
        right: Line = (Span("tab", bold=True), Span(" completes ", Role.DIM))
        return spread((Span(" "), *_offered(choices, cells - width(right) - 2)), right, cells)
    own = next((fault for fault in typed.faults if at is not None and fault.token.start == at.start), None)
    if at is not None and at.name is not None and (example := EXAMPLES.get(canonical(at.name) or "")):
        return (Span(" such as ", Role.DIM), span(example))
    if own is not None and not own.text.endswith("what?"):
        return (Span(" ! ", Role.WARNING), span(str(own), Role.WARNING))
    return (Span(" words are looked for in id, plan, version, state, stage and route", Role.DIM),)


def faults_line(typed: TypedFilter) -> Line:
    """All that was not understood, once typing is over; empty where everything was."""
    if not typed.faults:
        return ()
    said = "; ".join(str(fault) for fault in typed.faults)
    return (Span(" ! ", Role.WARNING), span(said, Role.WARNING), Span("   the rest applies", Role.DIM))


def completed(text: str, cursor: int, known: Known) -> Completion | None:
    """The line with the first choice at the cursor taken, None where there is nothing to choose."""
    at = _token_at(text, cursor)
    choices = _choices(at, known)
    if not choices:
        return None
    start, stop = (cursor, cursor) if at is None else (at.start, at.stop)
    taken = text[:start] + choices[0]
    rest = text[stop:]
    if not choices[0].endswith(":") and not rest:
        rest = " "
    return Completion(taken + rest, len(taken) + (rest == " "))


def _token_at(text: str, cursor: int) -> Token | None:
    return next((token for token in tokens(text) if token.start < cursor <= token.stop), None)


def _choices(at: Token | None, known: Known) -> list[str]:
    """Whole words that may stand in the place of the one at the cursor, without those that say nothing new."""
    if at is None:
        return [f"{name}:" for name in FIELDS]
    sign = "-" if at.is_negated else ""
    if at.name is None:
        word = at.value.casefold()
        return [f"{sign}{name}:" for name in FIELDS if word and name.startswith(word) and not at.is_quoted]
    before, comma, last = at.value.casefold().rpartition(",")
    values = [value for value in _values(canonical(at.name), known) if value.casefold().startswith(last)]
    if [value.casefold() for value in values] == [last]:
        return []
    return [f"{sign}{at.name}:{before}{comma}{_quoted(value)}" for value in values[:_MOST]]


def _values(name: str | None, known: Known) -> Sequence[str]:
    if name in WORDS:
        return [one.value for one in WORDS[name]]
    if name == "plan":
        return known.plans
    if name == "asset":
        unversioned = dict.fromkeys(ref.partition("@")[0] for ref in known.assets)
        return sorted([*unversioned, *known.assets])
    return ()


def _quoted(value: str) -> str:
    return f'"{value}"' if any(sign.isspace() for sign in value) else value


def _offered(choices: Sequence[str], cells: int) -> Line:
    """As many as fit, the one that tab takes in bold."""
    out: list[Span] = []
    for number, choice in enumerate(choices):
        head, colon, value = choice.partition(":")
        said = span(value if colon and value else head, Role.TEXT if number == 0 else Role.DIM, bold=number == 0)
        gap = "  " if out else ""
        if width((*out, Span(gap), said)) > cells - 2:
            return (*out, Span(" …", Role.DIM))
        out += [Span(gap), said]
    return tuple(out)
