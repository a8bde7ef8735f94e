"""Preflight and fetch: who commits, which branches there are here and at the remote, what exactly is to be merged."""

from __future__ import annotations

import difflib
import shutil
from typing import Any

from .git import Repository, counted, fail, listed, refuse, shown
from .hold import run_refs


def identity(repository: str) -> dict[str, Any]:
    """Who the merge commit will be by. A name that git would have to guess is none."""
    repo = Repository(repository)
    found = {}
    for role in ("AUTHOR", "COMMITTER"):
        done = repo.call("-c", "user.useConfigOnly=true", "var", f"GIT_{role}_IDENT")
        if done.returncode:
            refuse("git does not know who commits; set it with git config user.name and git config user.email")
        found[role.lower()] = done.stdout.decode("utf-8", "replace").rpartition(">")[0] + ">"
    return found


def gate_commands(gate: list[Any]) -> list[list[str]]:
    """The gate as a list of commands: `["make", "test"]` is one, `[["make", "lint"], ["make", "test"]]` are two."""
    commands = gate if gate and all(isinstance(command, list) for command in gate) else [gate] if gate else []
    for command in commands:
        if not command or not all(isinstance(word, str) for word in command) or not command[0]:
            refuse('gate has to be a command as a list of words, as in ["make", "test"], or a list of such lists')
        if "/" not in command[0] and shutil.which(command[0]) is None:
            refuse(f"the gate command {shown(command[0])} is not installed, or not on the PATH of this run")
    return commands


def choose_remote(repository: str, remote: str, push: bool) -> dict[str, Any]:
    """The remote by its name; none if there is none at all and nothing is to be pushed."""
    repo = Repository(repository)
    known = repo.text("remote").splitlines()
    if remote in known:
        return {"name": remote, "note": ""}
    if push:
        hint = f"there are: {', '.join(known)}" if known else "the repository has none; git remote add makes one"
        refuse(f"there is no remote {shown(remote)} to push to; {hint}")
    if remote and known:
        refuse(f"there is no remote {shown(remote)}; there are: {', '.join(known)}; -p remote= merges without one")
    return {"name": None, "note": "the repository has no remote" if remote else "no remote was asked for"}


def reach_remote(repository: str, remote: str, source: str, target: str) -> dict[str, Any]:
    """Ask the remote for the two branches: None for one that it does not have."""
    repo = Repository(repository)
    names = {"target": f"refs/heads/{target}", "source": f"refs/heads/{_bare(source, remote)}"}
    done = repo.call("ls-remote", "--heads", remote, *names.values())
    if done.returncode:
        fail(done, f"the remote {shown(remote)} cannot be reached")
    at: dict[str, str] = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        commit, _, name = line.partition("\t")
        at[name] = commit
    return {role: at.get(name) for role, name in names.items()}


def check_branches(
    repository: str, source: str, target: str, remote: str | None, at_remote: dict[str, Any] | None
) -> dict[str, Any]:
    """See that both branches are there, here or at the remote."""
    repo = Repository(repository)
    there = at_remote or {}
    if not source or source.startswith("-"):
        refuse(f"{shown(source)} cannot be the name of a branch")
    if f"refs/heads/{target}" in (source, f"refs/heads/{source}"):
        refuse(f"{shown(source)} cannot be merged into itself; name another source or target")
    for role, name in (("target", target), ("source", source)):
        here = repo.commit(f"refs/heads/{name}")
        if here or there.get(role) or (role == "source" and repo.commit(name)):
            continue
        known = repo.text("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes").splitlines()
        close = difflib.get_close_matches(name, known, n=3)
        where = f"here or at {remote}" if remote else "here"
        hint = f"; did you mean {' or '.join(close)}?" if close else f"; there are: {listed(known)}" if known else ""
        refuse(f"there is no branch {shown(name)} {where}{hint}")
    return {"source_here": repo.commit(f"refs/heads/{source}"), "target_here": repo.commit(f"refs/heads/{target}")}


def fetch(
    repository: str, run_id: str, remote: str, source: str, target: str, at_remote: dict[str, Any]
) -> dict[str, Any]:
    """Get the remote's two branches into refs of this run. Safe to repeat."""
    repo = Repository(repository)
    refs = run_refs(run_id)
    names = {"target": target, "source": _bare(source, remote)}
    wanted = [f"+refs/heads/{name}:{refs}/remote-{role}" for role, name in names.items() if at_remote.get(role)]
    if not wanted:
        return {"target": None, "source": None}
    done = repo.call("fetch", "--no-tags", "--no-recurse-submodules", remote, *wanted)
    if done.returncode:
        fail(done, f"nothing could be fetched from {shown(remote)}")
    return {role: repo.commit(f"{refs}/remote-{role}") for role in names}


def choose_commits(
    repository: str, source: str, target: str, remote: str | None, before: str | None, fetched: dict[str, Any] | None
) -> dict[str, Any]:
    """Which commit is merged into which: the newer of here and the remote. Refuses where they have gone apart."""
    repo = Repository(repository)
    there = fetched or {}
    base = _newer(repo, before, there.get("target"))
    if base is None:
        refuse(
            f"{shown(target)} here and at {remote} have gone apart; bring them together first, for example with git pull --rebase"
        )
    local = repo.commit(f"refs/heads/{source}") or (None if there.get("source") else repo.commit(source))
    merged = _newer(repo, local, there.get("source"))
    if merged is None:
        refuse(
            f"{shown(source)} here and at {remote} have gone apart; say which one with -p source={remote}/{source} "
            f"or -p source=refs/heads/{source}"
        )
    if not repo.ok("merge-base", base, merged):
        refuse(f"{shown(source)} and {shown(target)} have no commit in common")
    commits = int(repo.text("rev-list", "--count", f"{base}..{merged}"))
    return {
        "base": base,
        "source": merged,
        "commits": commits,
        "is_merged": commits == 0,
        "lease": there.get("target") or "",
        "what": f"{counted(commits, 'commit')} of {source} into {target}",
    }


def _bare(source: str, remote: str) -> str:
    """`origin/feature` as the remote calls it. What is named in full is meant as it is here, and no remote knows it."""
    return source[len(remote) + 1 :] if source.startswith(f"{remote}/") else source


def _newer(repo: Repository, one: str | None, other: str | None) -> str | None:
    """The one that has all of the other; None if neither has."""
    if one is None or other is None or one == other:
        return one or other
    if repo.is_ancestor(one, other):
        return other
    return one if repo.is_ancestor(other, one) else None
