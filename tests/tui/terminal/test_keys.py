"""Keys as terminals send them: both alphabets, function and alt keys, text pasted into prompts and outside of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.tui.replan_samples import WAITING, write_replans
from tests.tui.stories import id_of
from tests.tui.terminal.programs import RUNS, inspector, pasted

if TYPE_CHECKING:
    from pathlib import Path

DOWN_UP = {
    "arrows": ("\x1b[B", "\x1b[A"),
    "arrows of a terminal in application mode": ("\x1bOB", "\x1bOA"),
    "letters": ("j", "k"),
}


def chosen(plan_version: str) -> str:
    """The line about the run under the cursor."""
    return rf"\n {plan_version} 1\.2 "


@pytest.mark.parametrize("alphabet", DOWN_UP)
@pytest.mark.sampled(one_in=3)
def test_one_moves_with_either_alphabet(database: Path, alphabet: str) -> None:
    """Down twice and up once is the second run, with whatever keys."""
    down, up = DOWN_UP[alphabet]
    with inspector(database) as screen:
        screen.wait_for(RUNS)
        screen.press(down, down, up)
        screen.wait_for(chosen("ci_lookup"))
        screen.press("\r")
        screen.wait_for(r"runs › \w{6} ci_lookup")
        screen.press("\x1b")
        screen.wait_for(RUNS)
        screen.press("q")
        assert screen.wait_for_end() == 0


@pytest.mark.long
def test_keys_that_mean_nothing_do_nothing(database: Path) -> None:
    """Function keys, keys with alt and ctrl, keys of a number block: the screen stays, the next key is understood."""
    strange = [
        "\x1bOP",
        "\x1b[15~",
        "\x1b[24~",
        "\x1b[1;3B",
        "\x1b[1;5C",
        "\x1b[2~",
        "\x1b[3~",
        "\x1b[E",
        "\x1bz",
        "\x1b[27;5;13~",
    ]
    with inspector(database) as screen:
        screen.wait_for(RUNS)
        for key in strange:
            screen.press(key)
        screen.press("?")
        screen.wait_for("opscope › help")
        screen.press("\x1b")
        screen.wait_for(RUNS)
        screen.press("q")
        assert screen.wait_for_end() == 0
        assert "unexpected error" not in bytes(screen.raw).decode()


def test_a_paste_is_text_in_a_prompt_and_nothing_elsewhere(database: Path) -> None:
    """The letters of a paste are no keys: `q` in it leaves nothing. In the filter all of it is typed, on one line, as text."""
    with inspector(database) as screen:
        screen.wait_for(RUNS)
        screen.press(pasted("q x ? rm -rf /\nj\r"))
        screen.press("j")
        screen.wait_for(chosen("ci_lookup"))
        screen.press("/")
        screen.press(pasted("nothing\x1b]52;c;RVZJTA==\x07"))
        screen.wait_for(r"filter .*nothing")
        assert b"\x1b]52" not in screen.raw
        screen.press("\x15")  # the line is emptied
        screen.wait_for(r"filter status:failed  plan")
        screen.press(pasted("status:failed"))
        screen.wait_for("1 of 28")
        screen.press("\r", "q")
        assert screen.wait_for_end() == 0


@pytest.mark.long
def test_a_paste_of_a_megabyte_ends_nothing(database: Path) -> None:
    """Slipped on the wrong window: it is read, and then the next key is."""
    with inspector(database) as screen:
        screen.wait_for(RUNS)
        screen.press("\x1b[200~")
        for _ in range(256):
            screen.press("q" * 4096)
            screen.read()
        screen.press("\x1b[201~", "?")
        screen.wait_for("opscope › help")
        screen.press("\x1b")
        screen.wait_for(RUNS)
        screen.press("q")
        assert screen.wait_for_end() == 0


def test_what_is_typed_ahead_goes_into_what_the_key_before_it_opens(tmp_path: Path) -> None:
    """The reason of a denial and a search, each opened for the first time and for the second: not one letter is a key."""
    path = tmp_path / "runs.db"
    asyncio.run(write_replans(path))
    with inspector(path, 80, 24, f"{id_of(WAITING)}/replans") as screen:
        screen.wait_for("PENDING")
        for said in ("not now", "xw qo"):
            screen.press(f"d{said}")
            screen.wait_for(rf"reason +{said}")
            screen.press("\x1b")
            screen.wait_for(r"(?s)PENDING(?!.*reason)")
        for said in ("eq", "rw"):
            screen.press(f"/{said}")
            screen.wait_for(rf"filter +{said}")
            screen.press("\x1b")
            screen.wait_for(rf"(?s)\A(?!.*filter +{said})")
        screen.press("q")
        assert screen.wait_for_end() == 0
