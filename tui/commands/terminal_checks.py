"""What `opscope doctor` says of the terminal: colours, characters, copying, mouse, what stands between. Asking it is done elsewhere."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from engine.errors import InputError
from tui.clipboard import MOST_BASE64, Wrap, is_remote, route, tmux_settings
from tui.commands.checks import Check, State
from tui.commands.output import Depth, colour_depth, is_light
from tui.terminal_query import Answers, ask_terminal
from tui.viewmodel.words import size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tui.clipboard import Route, TmuxSettings
    from tui.commands.context import Context


def terminal_checks(context: Context) -> Iterator[Check]:
    """What the terminal can show and take, each with the way to better it."""
    env = context.env
    answers = ask_terminal() if env.get("TERM", "") not in ("", "dumb") else None
    yield _terminal(context, env)
    yield _colours(env)
    yield _encoding()
    yield _wide(answers)
    yield _between(env)
    settings = tmux_settings(env)
    yield clipboard_check(settings, route(env, settings))
    yield _mouse(env, answers)
    yield _synchronised(env, answers)
    yield theme_check(env)


def _terminal(context: Context, env: Mapping[str, str]) -> Check:
    if not context.out.is_terminal:
        return Check("terminal", State.NOTE, "stdout is not a terminal, so output is plain")
    columns, lines = shutil.get_terminal_size()
    state = State.OK if columns >= 80 and lines >= 24 else State.WARNING
    advice = "" if state is State.OK else "the inspector is made for 80×24 and more: make the window larger"
    return Check("terminal", state, f"{env.get('TERM') or 'TERM is not set'}, {columns}×{lines}", advice)


def _colours(env: Mapping[str, str]) -> Check:
    terminal = env.get("TERM", "")
    if env.get("NO_COLOR"):
        return Check("colours", State.NOTE, "off, because NO_COLOR is set", "unset NO_COLOR brings them back")
    match colour_depth(env):
        case Depth.NONE:
            return Check("colours", State.NOTE, f"none with TERM={terminal}", "set TERM to what the terminal is")
        case Depth.TRUE:
            return Check("colours", State.OK, f"24 bit (COLORTERM={env.get('COLORTERM')})")
        case depth:
            advice = "if the terminal shows 24 bit colours, set COLORTERM=truecolor; ssh and sudo often lose it"
            return Check("colours", State.OK, f"{depth.value} (TERM={terminal}, COLORTERM is not set)", advice)


def _encoding() -> Check:
    encoding = (getattr(sys.stdout, "encoding", None) or "unknown").upper()
    if encoding.replace("-", "") == "UTF8":
        return Check("encoding", State.OK, encoding)
    return Check("encoding", State.WARNING, encoding, "set LANG to a UTF-8 locale such as C.UTF-8, or use --ascii")


def _wide(answers: Answers | None) -> Check:
    match answers.wide_cells if answers else None:
        case 2:
            return Check("wide characters", State.OK, "two cells, as they are measured")
        case None:
            return Check("wide characters", State.NOTE, _unasked(answers))
        case cells:
            advice = "columns with such characters are shifted: set LANG to a UTF-8 locale, there and here"
            return Check("wide characters", State.WARNING, f"{cells} cells where two are expected", advice)


def _between(env: Mapping[str, str]) -> Check:
    """What stands between this program and the terminal."""
    found = []
    if env.get("TMUX"):
        found.append("tmux")
    elif env.get("STY"):
        found.append("GNU screen")
    elif env.get("TERM", "").startswith(("screen", "tmux")):
        found.append(f"tmux or GNU screen, by TERM={env['TERM']}")
    if is_remote(env):
        found.append("SSH")
    return Check("multiplexer", State.NOTE if found else State.OK, ", ".join(found) or "none")


def clipboard_check(settings: TmuxSettings | None, way: Route) -> Check:
    """How the inspector copies, and what tmux or the terminal has to be told for it."""
    tmux = "" if settings is None else f" (set-clipboard {settings.set_clipboard or 'unknown'}, "
    tmux += "" if settings is None else f"allow-passthrough {settings.allow_passthrough or 'unknown'})"
    most = f"up to {size(way.most_base64 * 3 // 4)}, more goes to a file"
    if way.tool is not None and way.tool.settles:
        return Check("clipboard", State.OK, f"with {way.tool.name}: {way.why}")
    if way.tool is not None:
        return Check(
            "clipboard", State.OK, f"through tmux load-buffer -w{tmux}", "tmux set -s set-clipboard on is surer"
        )
    match way.wrap:
        case None:
            return Check("clipboard", State.WARNING, f"into files: {way.why}", "use a terminal that knows OSC 52")
        case Wrap.SCREEN:
            return Check("clipboard", State.NOTE, f"OSC 52 through GNU screen in pieces, {most}")
        case Wrap.TMUX | Wrap.PLAIN if settings is not None:
            silent = settings.set_clipboard != "on" and settings.allow_passthrough not in ("on", "all")
            finding = f"OSC 52 {'wrapped for' if way.wrap is Wrap.TMUX else 'through'} tmux{tmux}, {most}"
            return Check("clipboard", *(
                (State.WARNING, finding, "tmux set -s set-clipboard on") if silent else (State.OK, finding)
            ))  # fmt: skip
        case _:
            advice = (
                "" if way.most_base64 > MOST_BASE64 else "some terminals take it only where their settings allow it"
            )
            return Check("clipboard", State.OK, f"OSC 52 to the terminal, {most}", advice)


def _mouse(env: Mapping[str, str], answers: Answers | None) -> Check:
    match answers.mouse if answers else None:
        case True:
            return Check("mouse", State.OK, "the terminal reports clicks and the wheel")
        case False:
            advice = "tmux set -g mouse on" if env.get("TMUX") else "everything can be done with keys"
            return Check("mouse", State.NOTE, "the terminal does not report it", advice)
        case None:
            return Check("mouse", State.NOTE, _unasked(answers))


def _synchronised(env: Mapping[str, str], answers: Answers | None) -> Check:
    match answers.synchronised if answers else None:
        case True:
            return Check("whole frames", State.OK, "the terminal draws each at once (mode 2026)")
        case False:
            advice = "newer releases of tmux can" if env.get("TMUX") else "screens may flicker over slow lines"
            return Check("whole frames", State.NOTE, "the terminal does not know mode 2026", advice)
        case None:
            return Check("whole frames", State.NOTE, _unasked(answers))


def _unasked(answers: Answers | None) -> str:
    if answers is None:
        return "not asked: stdin is no terminal that could answer"
    return "the terminal did not answer" if not answers.answered else "the terminal did not say"


def _configured_theme(env: Mapping[str, str]) -> str | None:
    from tui.configuration_path import configuration_path

    if not env.get("OPSCOPE_CONFIG") and not configuration_path(env).exists():
        return None
    from tui.configuration import load_configuration

    return load_configuration(env).settings.preferences.theme


def theme_check(env: Mapping[str, str]) -> Check:
    """The colours of the inspector."""
    try:
        theme = _configured_theme(env)
    except InputError:
        return Check("theme", State.NOTE, "cannot be told before the configuration is right")
    if env.get("NO_COLOR"):
        return Check("theme", State.NOTE, "without colours, because NO_COLOR is set")
    if theme is not None:
        return Check("theme", State.OK, f"{theme}, by the configuration")
    name = "opscope-light" if is_light(env) else "opscope-dark"
    why = f"COLORFGBG={env['COLORFGBG']}" if env.get("COLORFGBG") else "COLORFGBG says nothing of the background"
    return Check(
        "theme",
        State.OK,
        f"{name}: {why}",
        "" if is_light(env) else 'theme = "opscope-light" under [ui] if it is light',
    )
