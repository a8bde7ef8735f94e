"""`opscope completion`: scripts for bash, zsh and fish, made from the same table and parsers as the commands themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode
from tui.commands.arguments import CommandParser, describe
from tui.commands.registry import COMMANDS, load

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from tui.commands.context import Context

_BASH = """\
_opscope() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" command="" at
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "${{COMP_WORDS[at]}}" in
      --db) ((at++)) ;;
      -*) ;;
      *) command="${{COMP_WORDS[at]}}"; break ;;
    esac
  done
  case "$command" in
    "") COMPREPLY=($(compgen -W "{commands} {common}" -- "$word")) ;;
{cases}
  esac
}}
complete -o default -F _opscope opscope
"""

_ZSH = """\
#compdef opscope
_opscope() {{
  local -a commands
  commands=(
{commands}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case "$words[2]" in
{cases}
  esac
}}
compdef _opscope opscope
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Print a script that completes commands, options and plan names.",
        examples=[
            ('eval "$(opscope completion bash)"', "in ~/.bashrc"),
            ('eval "$(opscope completion zsh)"', "in ~/.zshrc, after compinit"),
            ("opscope completion fish | source", "in config.fish"),
        ],
        exit_codes=(0, 2),
    )
    parser.add_argument("shell", choices=["bash", "zsh", "fish"], help="for which shell")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Print the script."""
    words = completions(context.env)
    script = {"bash": bash, "zsh": zsh, "fish": fish}[arguments.shell](words)
    context.out.text(script.rstrip("\n"))
    return ExitCode.SUCCEEDED


def completions(env: Mapping[str, str]) -> dict[str, list[str]]:
    """For each command what may follow it: its options, the fixed choices of its arguments, the names of plans."""
    from tui.commands.planning import named_plans

    words: dict[str, list[str]] = {}
    for name in COMMANDS:
        parser = CommandParser(name)
        load(name).configure(parser)
        options = list(parser._option_string_actions)  # noqa: SLF001  # argparse offers no public way to list them
        choices = [str(choice) for action in parser._actions for choice in action.choices or ()]  # noqa: SLF001
        plans = sorted(named_plans(env)) if name in ("run", "validate") else []
        words[name] = [*sorted(options, reverse=True), *choices, *(plan for plan in plans if plan.isidentifier())]
    return words


def bash(words: Mapping[str, list[str]]) -> str:
    """The script for bash."""
    cases = "\n".join(
        f'    {name}) COMPREPLY=($(compgen -W "{" ".join(known)}" -- "$word")) ;;' for name, known in words.items()
    )
    return _BASH.format(commands=" ".join(words), common="--db --no-color --ascii --help --version", cases=cases)


def zsh(words: Mapping[str, list[str]]) -> str:
    """The script for zsh."""
    commands = "\n".join(f"    '{name}:{COMMANDS[name].summary}'" for name in words)
    cases = "\n".join(f"    {name}) compadd -- {' '.join(known)}; _files ;;" for name, known in words.items())
    return _ZSH.format(commands=commands, cases=cases)


def fish(words: Mapping[str, list[str]]) -> str:
    """The script for fish."""
    lines = [
        f"complete -c opscope -n __fish_use_subcommand -f -a {name} -d '{COMMANDS[name].summary}'" for name in words
    ]
    lines += [
        f"complete -c opscope -n '__fish_seen_subcommand_from {name}' -a '{' '.join(known)}'"
        for name, known in words.items()
    ]
    return "\n".join(lines) + "\n"
