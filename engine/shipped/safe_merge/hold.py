"""The first two phases: taking hold of a repository for one run, and the refs that keep what was. Nothing is merged here."""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from .git import Git, Repository, changed_files, counted, find_git, in_progress, listed, refuse, shown

LOCK_NAME = "opscope-safe-merge.lock"


def run_refs(run_id: str) -> str:
    """Where the refs of one run are."""
    return f"refs/opscope/safe-merge/{run_id}"


def lock(repository: str, run_id: str, target: str | None) -> dict[str, Any]:
    """Take hold of the repository for this run and see that nobody is in the middle of something. Safe to repeat."""
    version = find_git()
    repo = Repository(repository)
    take_lock(repo, run_id)
    branch = _target(repo, target)
    trees = repo.trees()
    checked_out = trees.get(f"refs/heads/{branch}")
    if not repo.is_bare:
        _refuse_unclean(repo)
    if checked_out is not None and checked_out != repo.folder:
        _refuse_unclean(Git(checked_out))
    return {
        "repository": str(repo.folder),
        "target": branch,
        "checked_out_in": None if checked_out is None else str(checked_out),
        "git": version,
    }


def snapshot(repository: str, run_id: str, target: str) -> dict[str, Any]:
    """Keep what HEAD and the target are in refs of this run, so that no commit of theirs can be lost. Safe to repeat."""
    repo = Repository(repository)
    refs = run_refs(run_id)
    head = repo.commit("HEAD")
    if head is None and not repo.text("for-each-ref", "--count=1", "refs/heads"):
        refuse("the repository has no commit yet, so there is nothing to merge")
    _keep(repo, f"{refs}/head", "HEAD")
    before = _keep(repo, f"{refs}/target", f"refs/heads/{target}")
    symbolic = repo.call("symbolic-ref", "--quiet", "HEAD").stdout.decode("utf-8", "replace").strip()
    return {"refs": refs, "head": symbolic or head, "head_commit": head, "target_commit": before}


def take_lock(repo: Repository, run_id: str) -> None:
    """A file that is there, with what it says, or is not: written aside and linked to its name."""
    path = repo.common / LOCK_NAME
    mine = path.with_name(f"{LOCK_NAME}.{run_id}")
    words = {
        "run": run_id,
        "user": _user(),
        "host": socket.gethostname(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    try:
        mine.write_text(json.dumps(words), encoding="utf-8")
        os.link(mine, path)
    except FileExistsError:
        holder = lock_holder(repo)
        if holder.get("run") != run_id:
            refuse(
                f"run {str(holder.get('run'))[:12]} of {holder.get('user')} on {holder.get('host')} holds this repository "
                f"since {holder.get('at')}; if it is gone for good, remove {shown(str(path))}"
            )
    except OSError as error:
        refuse(f"the repository cannot be locked: {shown(str(error.filename))}: {error.strerror}")
    finally:
        if mine.exists():
            mine.unlink()


def lock_holder(repo: Repository) -> dict[str, Any]:
    """Who holds the repository; empty if nobody does."""
    try:
        found = json.loads((repo.common / LOCK_NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return {"run": "unknown", "user": "somebody", "host": "some host", "at": "some time"}
    return found if isinstance(found, dict) else {}


def free_lock(repo: Repository, run_id: str) -> bool:
    """Let go of the repository if this run holds it."""
    if lock_holder(repo).get("run") != run_id:
        return False
    (repo.common / LOCK_NAME).unlink()
    return True


def _target(repo: Repository, target: str | None) -> str:
    if not target:
        name = repo.call("symbolic-ref", "--quiet", "--short", "HEAD").stdout.decode("utf-8", "replace").strip()
        if not name:
            refuse("no branch is checked out; say into which one to merge with -p target=BRANCH")
        return name
    if target.startswith("-") or not repo.ok("check-ref-format", f"refs/heads/{target}"):
        refuse(f"{shown(target)} cannot be the name of a branch")
    return target


def _refuse_unclean(tree: Git) -> None:
    where = shown(str(tree.folder))
    begun = in_progress(tree)
    if begun:
        refuse(f"{begun} is in progress in {where}; finish or abort it first")
    index_lock = Path(tree.folder / tree.text("rev-parse", "--git-path", "index.lock"))
    if index_lock.exists():
        refuse(f"another git is at work in {where}, or was killed there: {shown(str(index_lock))} exists")
    names = [shown(name) for name in changed_files(tree)]
    if names:
        words = f"{counted(len(names), 'file')} in {where} {'has' if len(names) == 1 else 'have'} changes that are not committed"
        refuse(f"{words}: {listed(names)}", *names[:100])


def _keep(repo: Repository, ref: str, name: str) -> str | None:
    """A ref of this run keeps the commit; one that is there already is the older truth."""
    kept = repo.commit(ref)
    found = kept or repo.commit(name)
    if found and not kept:
        repo.bytes("update-ref", ref, found, "0" * len(found))
    return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return str(os.getuid())
