"""`opscope completion`: scripts for bash, zsh and fish, made from the same table and parsers as the commands themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode
from tui.commands.arguments import CommandParser, describe
from tui.commands.registry import COMMANDS, load, verbs_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from tui.commands.context import Context

_COMMON: Final = "--db --no-color --ascii --readonly --help --version"
_BASH = """\
_opscope() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" command="" at
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "${{COMP_WORDS[at]}}" in
      --db) ((at++)) ;;
      -*) ;;
      *)
        command="${{command:+$command }}${{COMP_WORDS[at]}}"
        case "$command" in {firsts}) ;; *) break ;; esac ;;
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
    compadd -- {common}
    return
  fi
  case "$words[2] $words[3] " in
{cases}
  esac
}}
compdef _opscope opscope
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Print a script that completes commands, options and the names of plans and assets.",
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
    """For each command what may follow it: its options, the fixed choices of its arguments, the names of plans or assets."""
    from tui.commands.asset_words import TAKES_ASSETS, asset_names
    from tui.commands.planning import named_plans

    words: dict[str, list[str]] = {}
    assets = asset_names(env)
    for name in COMMANDS:
        parser = CommandParser(name)
        load(name).configure(parser)
        options = list(parser._option_string_actions)  # noqa: SLF001  # argparse offers no public way to list them
        choices = [str(choice) for action in parser._actions for choice in action.choices or ()]  # noqa: SLF001
        plans = sorted(named_plans(env)) if name in ("run", "validate") else []
        named = assets if name in TAKES_ASSETS else [plan for plan in plans if plan.isidentifier()]
        words[name] = [*sorted(options, reverse=True), *choices, *named]
    return words


def _first_words(words: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Every first word, with what may follow it where that is a second word."""
    return {first: verbs_of(first) for first in dict.fromkeys(name.partition(" ")[0] for name in words)}


def bash(words: Mapping[str, list[str]]) -> str:
    """The script for bash."""
    firsts = _first_words(words)
    groups = {first: verbs for first, verbs in firsts.items() if verbs}
    cases = "\n".join(
        f'    "{name}") COMPREPLY=($(compgen -W "{" ".join(known)}" -- "$word")) ;;'
        for name, known in {**words, **groups}.items()
    )
    return _BASH.format(commands=" ".join(firsts), common=_COMMON, cases=cases, firsts="|".join(groups))


def zsh(words: Mapping[str, list[str]]) -> str:
    """The script for zsh."""
    firsts = _first_words(words)
    commands = "\n".join(f"    '{first}:{_summary(first, verbs)}'" for first, verbs in firsts.items())
    cases = [f'    "{name} "*) compadd -- {" ".join(known)}; _files ;;' for name, known in words.items()]
    cases += [f'    "{first} "*) compadd -- {" ".join(verbs)} ;;' for first, verbs in firsts.items() if verbs]
    return _ZSH.format(commands=commands, common=_COMMON, cases="\n".join(cases))


def fish(words: Mapping[str, list[str]]) -> str:
    """The script for fish."""
    firsts = _first_words(words)
    lines = [
        f"complete -c opscope -n __fish_use_subcommand -f -a {first} -d '{_summary(first, verbs)}'"
        for first, verbs in firsts.items()
    ]
    lines.append(f"complete -c opscope -n __fish_use_subcommand -f -a '{_COMMON}'")
    lines += [
        f"complete -c opscope -n '__fish_seen_subcommand_from {first}' -f -a '{' '.join(verbs)}'"
        for first, verbs in firsts.items()
        if verbs
    ]
    for name, known in words.items():
        seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in name.split())
        # A second word such as `show` is a command by itself as well, and that is not meant then.
        alone = [first for first, verbs in firsts.items() if name in verbs]
        seen += "".join(f"; and not __fish_seen_subcommand_from {first}" for first in alone)
        lines.append(f"# {name}\ncomplete -c opscope -n '{seen}' -a '{' '.join(known)}'")
    return "\n".join(lines) + "\n"


def _summary(first: str, verbs: list[str]) -> str:
    return ", ".join(verbs) if verbs else COMMANDS[first].summary
