"""The last phase, which runs whatever happened: restore to the snapshot unless the merge is done, clean up, say how it went."""

from __future__ import annotations

import shutil
from typing import Any

from .git import Git, Repository, refuse, say, shown
from .hold import free_lock, lock_holder, run_refs
from .merge import remove_tree, scratch_folder
from .publish import advancing, merged_ref
from .undo import put_back_tree

PHASES = ("lock", "snapshot", "preflight", "fetch", "merge", "gates", "push", "restore")
_WORDS = {
    "succeeded": "done",
    "failed": "FAILED",
    "skipped": "not needed",
    "canceled": "not run",
}


def restore(
    run_id: str,
    state: str,
    pushed: str | None,
    remote: str | None,
    held: dict[str, Any] | None,
    kept: dict[str, Any] | None,
) -> dict[str, Any]:
    """Put the target and its tree back to the snapshot, unless the merge has arrived in both. Safe to repeat."""
    if held is None or kept is None:
        return {"result": "untouched", "words": "nothing was changed"}
    repo = Repository(str(held["repository"]))
    target, before = str(held["target"]), kept["target_commit"]
    name = f"refs/heads/{target}"
    merged, now = repo.commit(merged_ref(run_id)), repo.commit(name)
    marker = advancing(repo, run_id)
    if state == "succeeded" and not marker.exists():
        has_it = merged is not None and now == merged
        return {"result": "kept", "words": f"{target} has the merge" if has_it else f"{target} was not moved"}
    words = _remote_words(repo, remote, name, merged) if pushed not in (None, "skipped") else ""
    if merged is None or (now == before and not marker.exists()):
        return {"result": "untouched", "words": f"{target} and its tree were not touched{words}"}
    if now not in (before, merged):
        refuse(f"{shown(target)} was moved by somebody else and is left as it is; before this run it was {before}")
    place = held.get("checked_out_in")
    files = 0
    if place is not None and before is not None:
        files = put_back_tree(repo, Git(place), name, before, merged)
    elif before is not None:
        repo.bytes("update-ref", "-m", "safe_merge: put back", name, before, merged)
    elif now is not None:
        repo.bytes("update-ref", "-d", name, merged)
    if marker.exists():
        marker.unlink()
    return {"result": "restored", "words": f"{target} is what it was before{words}", "files": files}


def clean_up(
    repository: str, run_id: str, scratch: str | None, held: dict[str, Any] | None, restored: str | None
) -> dict[str, Any]:
    """Remove the throw-away tree and, if nothing is in doubt, the refs of this run; let go of the repository. Safe to repeat."""
    if held is None and (shutil.which("git") is None or not Git(repository).ok("rev-parse", "--git-common-dir")):
        return {"words": "there is no git or no repository, so there is nothing to clean up", "snapshot": None}
    repo = Repository(repository)
    if held is None and lock_holder(repo).get("run") != run_id:
        return {"words": "the repository was not this run's to clean up", "snapshot": None}
    remove_tree(repo, scratch_folder(run_id, scratch))
    kept = restored != "succeeded"
    refs = repo.text("for-each-ref", "--format=%(refname)", run_refs(run_id)).splitlines()
    for ref in () if kept else refs:
        repo.bytes("update-ref", "-d", ref)
    advancing(repo, run_id).unlink(missing_ok=True)
    free_lock(repo, run_id)
    words = f"the snapshot stays in {run_refs(run_id)}" if kept and refs else "nothing is left behind"
    say(words)
    return {"words": words, "snapshot": run_refs(run_id) if kept and refs else None}


def report(phases: dict[str, list[Any]], words: dict[str, Any]) -> dict[str, Any]:
    """One row for each phase, from the states of its steps."""
    rows = []
    for name in PHASES:
        states = [str(state) for state in phases.get(name, [])]
        worst = next((state for state in ("failed", "canceled", "succeeded") if state in states), "skipped")
        result = _WORDS.get(worst, worst)
        if worst == "succeeded" and states[-1] == "skipped":
            # What the phase is for was left out; only what leads up to it was done.
            result = "rehearsed" if name == "push" else "not needed"
        rows.append({"phase": name, "result": result, "detail": words.get(name) or ""})
        say(f"{rows[-1]['phase']:10} {rows[-1]['result']:10} {rows[-1]['detail']}")
    return {"phases": rows}


def _remote_words(repo: Repository, remote: str | None, name: str, merged: str | None) -> str:
    """What became of a push that did not end well; nothing if it did not get through."""
    if remote is None or merged is None:
        return ""
    done = repo.call("ls-remote", "--heads", remote, name)
    if done.returncode:
        return f"; whether {remote} took the push is not known, since it cannot be reached"
    if done.stdout.startswith(merged.encode("ascii")):
        return f"; {remote} has the merge {merged[:12]}, so fetch it or undo it there"
    return ""
