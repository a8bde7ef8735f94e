"""What a validation policy forbids: programs, paths, hosts and types of steps, found in what a step is about to do.

The same is looked at before a run, with what is known by then, and before each attempt, with everything filled in. What a
step names is read in guard_words.py.

It is a guard against mistakes; whoever may write plans gets around it. What gets through:

- programs: a link or a copy under another name, `eval` and variables, program text for anything but a shell, scripts in
  files (those that a step wrote before too), and what a program starts by itself (`find -delete`, `git`, `make`);
- paths: wildcards of the shell (`/e*c/passwd`), variables, paths put together or relative to a folder that a script
  changes to, folders above a forbidden one (`rm -r /`), other ways to a file (through `/proc`, hard links, mounts),
  links that are made or changed after the look at them, paths on other hosts, `env`, and what a database attaches;
- hosts: those of a redirect, names that lead to a forbidden address (but `localhost`), and hosts in the arguments of programs;
- runs: that of a sub-plan that is resumed or repeated by itself has to keep the policy of its own plan only, and a result
  from the cache is taken, since nothing is done for it.

A rule of severity `warning` is spoken of before the run only.
"""

from __future__ import annotations

import ipaddress
import os.path
import re
import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.model.states import StepType  # noqa: TC001  pydantic reads it at run time
from engine.pipeline.guard_words import bound_as_far_as_known, named_by
from engine.plan.interpreters import program_name
from engine.plan.model_faults import DocumentError, Finding, findings_of
from engine.steps.http_addresses import forms_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from engine.model.bound import BoundDef
    from engine.model.json import Json
    from engine.model.plan import Step
    from engine.pipeline.guard_words import Named

Globs = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Field(max_length=1000)]

_LOOPBACK: Final = frozenset(["localhost", "127.0.0.1", "::1"])
_NUMBERS: Final = re.compile(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+)){0,3}")
_WILDCARDS: Final = frozenset("*?[")
_MAX_SHOWN: Final = 200


class GuardRule(BaseModel):
    """One thing that plans may not do. Names and paths are globs; one that ends in `/` or `/*` is a folder and all below it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    reason: str = Field(min_length=1)
    commands: Globs = ()
    paths: Globs = ()
    hosts: Globs = ()
    step_types: tuple[StepType, ...] = ()
    severity: Literal["error", "warning"] = "error"


class ValidationPolicy(BaseModel):
    """What is forbidden to every plan that names this policy; rules with severity `warning` only say so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["validation"]
    rules: tuple[GuardRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """A step that does what a rule of a policy forbids; `what` is the word of the plan that does it."""

    policy: str
    rule: GuardRule
    step_id: str
    what: str

    @property
    def sentence(self) -> str:
        """What is forbidden by what, and why, without the step."""
        what = self.what if len(self.what) <= _MAX_SHOWN else f"{self.what[:_MAX_SHOWN]}…"
        return f"{what} is forbidden by {self.policy}, rule {self.rule.id}: {self.rule.reason}"

    def __str__(self) -> str:
        return f"{self.step_id}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a run is at home. `resolve` follows the links of a path as far as it exists, as `os.path.realpath` does."""

    workdir: str
    plan_folder: str
    home: str
    resolve: Callable[[str], str]


def parse_validation_policy(document: Json, *, place: str) -> ValidationPolicy:
    """The policy that a document describes; `place` names the asset. Raises DocumentError with everything that is wrong."""
    try:
        policy = ValidationPolicy.model_validate(document)
    except ValidationError as error:
        hint = "a rule has id, reason, and commands, paths, hosts or step_types"
        raise DocumentError(findings_of(error, ValidationPolicy), place=place, hint=hint) from None
    hint = "give commands, paths, hosts or step_types"
    empty = [
        Finding(("rules", number), f"{rule.id}: it forbids nothing", hint)
        for number, rule in enumerate(policy.rules)
        if not (rule.commands or rule.paths or rule.hosts or rule.step_types)
    ]
    if empty:
        raise DocumentError(empty, place=place)
    return policy


@dataclass(frozen=True, slots=True)
class Guard:
    """The policies that a run has to keep, by their names, and where it runs."""

    policies: tuple[tuple[str, ValidationPolicy], ...]
    at: Surroundings

    def violations(self, steps: Iterable[Step], fill: Callable[[Json], Any]) -> list[Violation]:
        """Everything in these steps that a policy forbids, in plan order, each word once a rule.

        `fill` gives a value with what is known filled in, and leaves what is not.
        """
        return [found for step in steps for found in self.check(step, bound_as_far_as_known(step, fill))]

    def check(self, step: Step, definition: BoundDef) -> list[Violation]:
        """What a policy forbids of a step with this definition, each word once a rule."""
        named = named_by(definition)
        at = replace(self.at, resolve=cache(self.at.resolve))  # for this look only: links change
        return [
            Violation(policy, rule, step.id, what)
            for policy, document in self.policies
            for rule in document.rules
            for what in dict.fromkeys(_forbidden(rule, step, named, at))
        ]


def _forbidden(rule: GuardRule, step: Step, named: Named, at: Surroundings) -> Iterator[str]:
    if step.type in rule.step_types:
        yield f"a step of type {step.type}"
    for program in named.programs:
        if any(fnmatchcase(program_name(program), glob) or fnmatchcase(program, glob) for glob in rule.commands):
            yield program
    for host in named.hosts:
        if any(_is_host(host, glob) for glob in rule.hosts):
            yield host
    if rule.paths:
        yield from _forbidden_paths(rule.paths, named, at)


def _forbidden_paths(globs: Sequence[str], named: Named, at: Surroundings) -> Iterator[str]:
    patterns = [pattern for glob in globs for pattern in _patterns(glob, at)]
    cwd = _whole(named.cwd, at.workdir, at.home)
    words = [(named.cwd, at.workdir), *((word, cwd) for word in named.words)]
    words += [(word, at.plan_folder) for word in named.plan_words]
    for word, folder in words:
        if word:
            path = _whole(word, folder, at.home)
            if _is_below(path, patterns) or _is_below(_resolved(word, folder, at), patterns):
                yield word
    if named.names:
        real = at.resolve(cwd)
        for word in named.names:
            path = _resolved(word, cwd, at)
            # Any word could name a file; where it is a link to one, it does.
            if path != os.path.join(real, word) and _is_below(path, patterns):  # noqa: PTH118  pure: see _joined
                yield word


def _joined(word: str, folder: str, home: str) -> str:
    if word == "~" or word.startswith("~/"):
        word = home + word[1:]
    return os.path.join(folder, word)  # noqa: PTH118  pure: a Path of this system is not meant


def _whole(word: str, folder: str, home: str) -> str:
    """The path from the root that a word means, as it is written."""
    path = os.path.normpath(_joined(word, folder, home))
    return path[1:] if path.startswith("//") else path  # two slashes at the front are kept as having a meaning


def _resolved(word: str, folder: str, at: Surroundings) -> str:
    """Where it leads to: `link/..` is not the folder of the link."""
    joined = _joined(word, folder, at.home)
    path = at.resolve(joined)
    return path[1:] if path.startswith("//") else path


def _patterns(glob: str, at: Surroundings) -> Iterator[str]:
    """The glob from the root, and where it leads to if it is no glob but a path."""
    pattern = at.home + glob[1:] if glob.startswith("~/") else glob
    yield pattern
    folder = pattern.rstrip("*")
    if folder.startswith("/") and not _WILDCARDS.intersection(folder) and (folder == pattern or folder.endswith("/")):
        real = at.resolve(folder)
        yield f"{real.rstrip('/')}/" if folder.endswith("/") else real


def _is_below(path: str, patterns: Sequence[str]) -> bool:
    for pattern in patterns:
        if fnmatchcase(path, pattern):
            return True
        folder = pattern.rstrip("*")
        if folder.endswith("/") and folder != "/" and path == folder.rstrip("/"):
            return True
        if pattern.endswith("/") and (path == pattern.rstrip("/") or fnmatchcase(path, f"{pattern}*")):
            return True
    return False


def _is_host(host: str, glob: str) -> bool:
    spellings = _spellings(host)
    is_address = glob.startswith("[") and glob.endswith("]") and ":" in glob
    if _WILDCARDS.intersection(glob) and not is_address:
        pattern = glob.lower().rstrip(".")
        return any(fnmatchcase(spelling, pattern) for spelling in spellings)
    return not spellings.isdisjoint(_spellings(glob))


def _spellings(host: str) -> frozenset[str]:
    """Other ways to write a host: its addresses in one form, the loopback's names, letters that mean the same."""
    # After a `%` of an IPv6 address is the name of an interface; elsewhere it writes a letter.
    plain = (host.strip("[]").partition("%")[0] if ":" in host else unquote(host)).lower().rstrip(".")
    found = {plain}
    with suppress(UnicodeError):  # no name of a host that can be asked
        found.add(plain.encode("idna").decode("ascii").lower().rstrip("."))
    for name in tuple(found):
        found.update(_addresses(name))
    if not found.isdisjoint(_LOOPBACK) or plain.endswith(".localhost"):
        found |= _LOOPBACK
    return frozenset(found)


def _addresses(name: str) -> list[str]:
    try:
        if _NUMBERS.fullmatch(name):
            # As the system's own library reads it, which connects in the end: `127.1` and `2130706433` are addresses.
            return [str(ipaddress.IPv4Address(socket.inet_aton(name)))]
        return [str(form) for form in forms_of(ipaddress.ip_address(name))]
    except (OSError, ValueError):
        return []
