"""Which commands there are: their names, modules and summaries, in the order of the help. Nothing is imported from here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    import argparse

    from tui.commands.context import Context


class Entry(NamedTuple):
    """A command by the module that has it: `configure` names its arguments, `execute` does it.

    One that `recovers` may write runs, and looks first whether any has lost its engine. One that `performs` carries runs
    out, and is refused while the configuration is not right: its hooks would be missed when they are needed.
    """

    module: str
    summary: str
    group: str
    recovers: bool = False
    performs: bool = False


class CommandModule(Protocol):
    """What every command's module offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Describe the command and its arguments."""
        ...

    def execute(self, arguments: argparse.Namespace, context: Context) -> int:
        """Do it; the exit code. Raises OpscopeError for what a person has to know."""
        ...


RUN, STEER, LOOK, SETUP = "Run plans", "Steer runs", "See what happened", "Environment"
ASSETS: Final = "Assets"

COMMANDS: Final = {
    "run": Entry("run", "run a plan and record it", RUN, recovers=True, performs=True),
    "ask": Entry("ask", "ask in words: an answer, or a plan that is run", RUN, recovers=True, performs=True),
    "rerun": Entry("rerun", "run a recorded run again, with something changed", RUN, recovers=True, performs=True),
    "validate": Entry("validate", "check plan files or folders", RUN),
    "demo": Entry("demo", "run the shipped plans for real and open the inspector", RUN, recovers=True, performs=True),
    "cancel": Entry("cancel", "cancel a run, from any terminal", STEER, recovers=True),
    "pause": Entry("pause", "let a run start nothing new until it is resumed", STEER, recovers=True),
    "resume": Entry(
        "resume", "let a paused run, or one that lost its engine, go on", STEER, recovers=True, performs=True
    ),
    "approve": Entry("approve", "let a run go on with the other plan that it asks for", STEER, recovers=True),
    "deny": Entry("deny", "let a run go on as planned that asks for another plan", STEER, recovers=True),
    "replan": Entry("replan", "change the plan of a run that is under way", STEER, recovers=True),
    "unlock": Entry("unlock", "take a lock away from the run that holds it", STEER, recovers=True),
    "runs": Entry("runs", "list the recorded runs, the newest first", LOOK),
    "show": Entry("show", "show one run: stages, steps, result", LOOK),
    "logs": Entry("logs", "print what the steps of a run wrote", LOOK),
    "events": Entry("events", "print the events of a run, one a line", LOOK),
    "stage": Entry("stage", "run one stage of a recorded run again, by itself", LOOK),
    "why": Entry("why", "why a run stands as it does, and what to do next", LOOK),
    "compare": Entry("compare", "is it a regression: say, confirm, bisect; history", LOOK),
    "impact": Entry("impact", "what the versions of an asset did to its runs", LOOK),
    "waiting": Entry("waiting", "list the runs that wait for a person", LOOK),
    "locks": Entry("locks", "list the locks that runs hold, and who waits for them", LOOK),
    "breakers": Entry("breakers", "list the circuit breakers of tools, or reset one", LOOK),
    "screenshot": Entry("screenshot", "draw a screen of the inspector into a file", LOOK),
    "export": Entry("export", "write the trace of a run as one JSON document", LOOK),
    "import": Entry("import_", "take exported traces into the database", LOOK, recovers=True),
    "asset list": Entry("asset_list", "list assets, their versions and who uses them", ASSETS),
    "asset show": Entry("asset_show", "show an asset: history, runs, content", ASSETS),
    "asset diff": Entry("asset_diff", "what differs between two versions", ASSETS),
    "asset add": Entry("asset_add", "add a version, from a file", ASSETS, recovers=True),
    "asset publish": Entry("asset_publish", "let runs use a version", ASSETS, recovers=True),
    "asset deprecate": Entry("asset_deprecate", "let only plans that name it use a version", ASSETS, recovers=True),
    "asset import": Entry("asset_import", "take a folder of assets, all or nothing", ASSETS, recovers=True),
    "asset export": Entry("asset_export", "write assets as a folder", ASSETS),
    "verify": Entry("verify", "check that the database is what was written to it", SETUP),
    "prune": Entry("prune", "remove old runs and give their room back", SETUP, recovers=True),
    "doctor": Entry("doctor", "check the environment, the terminal and the database", SETUP),
    "schema": Entry("schema", "print the JSON Schema of a document", SETUP),
    "completion": Entry("completion", "print a completion script for bash, zsh or fish", SETUP),
}


def verbs_of(word: str) -> list[str]:
    """What may follow a first word that is no command by itself: `add`, `list` … after `asset`; empty for all others."""
    return [name.partition(" ")[2] for name in COMMANDS if name.startswith(f"{word} ")]


def load(name: str) -> CommandModule:
    """The module of a command, imported now."""
    module: object = import_module(f"tui.commands.{COMMANDS[name].module}")
    return module  # type: ignore[return-value]  # every module of the table is checked by a test
