"""An analysis for other programs' eyes: markdown for a merge request, JUnit for a CI server. Text only; nothing is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from engine.regression.evidence import Finding
from engine.regression.verdict import RateFinding
from tui.terminal import visible
from tui.viewmodel.comparison import TITLES, counts, evidence_rows, head_lines, sections, verdict_line
from tui.viewmodel.text import plain

if TYPE_CHECKING:
    from engine.regression.verdict import Analysis, TimeRow
    from tui.viewmodel.text import Span


def markdown(analysis: Analysis, title: str) -> str:
    """A heading with the verdict, the table of evidence, and lists."""
    lines = [f"## {escaped(title)}", "", f"**{escaped(plain(verdict_line(analysis)))}**", ""]
    lines += [f"{escaped(plain(line).strip())}  " for line in head_lines(analysis)]
    rows, more = evidence_rows(analysis)
    if rows:
        lines += ["", f"| {' | '.join(TITLES)} |", f"|{'---|' * len(TITLES)}"]
        lines += [f"| {' | '.join(escaped(_text(cell)) for cell in row)} |" for row in rows]
    if more:
        lines += ["", f"{more} more parts show no change."]
    for name, section in sections(analysis):
        lines += ["", f"### {name.capitalize()}", ""]
        lines += [f"- {escaped(plain(line).strip())}" for line in section]
    return "\n".join(lines)


def _text(cell: str | Span) -> str:
    return cell if isinstance(cell, str) else cell.text


def escaped(text: str) -> str:
    """Text in which markdown finds nothing to do."""
    safe = visible(text)
    for sign in "\\|`*_<>[]#":
        safe = safe.replace(sign, f"\\{sign}")
    return safe


def junit(analysis: Analysis, name: str) -> str:
    """A suite with a case for the verdict, one for each part and each rate, and one for each critical issue.

    A case fails where a change for the worse counts; where there are too few runs it is skipped.
    """
    suite = Xml.Element("testsuite", name=visible(name))
    told = (plain(verdict_line(analysis)), *analysis.notes)
    verdict = _case(suite, "verdict", "\n".join(map(visible, told)))
    if any(analysis.runs_needed):
        Xml.SubElement(verdict, "skipped", message="too few runs for a verdict")
    for row in analysis.times:
        case = _case(suite, visible(str(row.part)), _said(row))
        match row.finding:
            case Finding.SLOWER:
                Xml.SubElement(case, "failure", message=_said(row), type=row.finding.value)
            case Finding.TOO_FEW | Finding.SUSPECT:
                Xml.SubElement(case, "skipped", message=row.method)
            case Finding.NOTHING | Finding.DRIFT | Finding.FASTER:
                pass
    for rate in analysis.rates:
        said = f"{rate.candidate_good} of {rate.candidate_n}, before {rate.baseline_good} of {rate.baseline_n}"
        case = _case(suite, visible(f"{rate.name} succeeds"), said)
        if rate.finding is RateFinding.DROPPED:
            Xml.SubElement(case, "failure", message=said, type=rate.finding.value)
    for number, issue in enumerate(analysis.issues, start=1):
        case = _case(suite, f"critical issue {number}", visible(issue.text))
        if issue.is_certain:
            Xml.SubElement(case, "failure", message=visible(issue.text), type=issue.kind.value)
        else:
            Xml.SubElement(case, "skipped", message="suspected: too few runs")
    for kind, tag in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
        suite.set(kind, str(len(list(suite.iter(tag)))))
    suite.set("errors", "0")
    Xml.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(suite, encoding="unicode")


def _case(suite: Xml.Element, name: str, said: str) -> Xml.Element:
    case = Xml.SubElement(suite, "testcase", classname="opscope.compare", name=name)
    Xml.SubElement(case, "system-out").text = said
    return case


def _said(row: TimeRow) -> str:
    q = "" if row.q is None else f", q {row.q:.3g}"
    return (
        f"{row.finding.value}: {row.baseline_sec:.4g} s to {row.candidate_sec:.4g} s ({row.effect:+.0%}, "
        f"{row.low:+.0%} to {row.high:+.0%}{q}, {row.baseline_n} v {row.candidate_n}, {row.method})"
    )


def title(analysis: Analysis, plan_id: str, analysis_id: str) -> str:
    """`ci-lookup, 30 v 5 runs, analysis 1f2e3d`."""
    parts = [plan_id or "runs", f"{counts(analysis)} runs", f"analysis {analysis_id}" if analysis_id else ""]
    return ", ".join(part for part in parts if part)
