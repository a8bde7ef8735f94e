"""Publishing a merge that has passed its gates: first a rehearsal, then the remote, which can refuse, and the own branch last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .git import Git, Repository, changed_files, counted, fail, in_progress, refuse, say, shown, shown_text
from .hold import run_refs
from .undo import put_back_tree

if TYPE_CHECKING:
    from pathlib import Path

_MARKER = "opscope-safe-merge.advancing"


def rehearse(
    repository: str, target: str, checked_out_in: str | None, before: str | None, commit: str
) -> dict[str, Any]:
    """See that the own branch and its tree could take the merge now. Changes nothing."""
    repo = Repository(repository)
    if repo.commit(f"refs/heads/{target}") != before:
        refuse(f"{shown(target)} was moved by somebody else meanwhile; run the plan again")
    if checked_out_in is None or before is None:
        return {"tree": None, "files": 0}
    tree = Git(checked_out_in)
    _refuse_touched(tree, target)
    tree.call("update-index", "-q", "--refresh")
    done = tree.call("read-tree", "-n", "-m", "-u", before, commit)
    if done.returncode:
        fail(done, f"the merge does not fit into {shown(str(tree.folder))}")
    return {"tree": checked_out_in, "files": len(tree.paths("diff", "--name-only", "-z", before, commit))}


def push(repository: str, remote: str, target: str, commit: str, lease: str) -> dict[str, Any]:
    """Push the merge if the remote's branch still is what was fetched. Safe to repeat: the same commit again changes nothing."""
    repo = Repository(repository)
    name = f"refs/heads/{target}"
    if lease and not repo.is_ancestor(lease, commit):
        refuse(f"the merge does not have all of {remote}/{target}; run the plan again")
    words = ["--porcelain", f"--force-with-lease={name}:{lease}", remote, f"{commit}:{name}"]
    done = repo.call("push", "--atomic", *words)
    if done.returncode and b"does not support --atomic" in done.stderr:
        done = repo.call("push", *words)  # with one branch, all or nothing is what it is anyway
    for line in (done.stdout + done.stderr).decode("utf-8", "replace").splitlines():
        say(line)
    if done.returncode:
        refused = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.startswith("!")]
        if not refused:
            fail(done, f"the push to {shown(remote)} failed")
        why = refused[0].split("\t")[-1]
        if "stale info" in why or "fetch first" in why or "non-fast-forward" in why:
            why = f"{target} was changed there meanwhile; run the plan again"
        lines = [shown_text(line) for line in done.stderr.decode("utf-8", "replace").splitlines()]
        refuse(f"{shown(remote)} refused the push: {why}; nothing was merged", *lines[-50:])
    return {"remote": remote, "branch": target, "from": lease or None, "to": commit}


def advance(
    repository: str, run_id: str, target: str, checked_out_in: str | None, before: str | None, commit: str
) -> dict[str, Any]:
    """Move the own branch, with its tree if it is checked out, to the merge. Safe to repeat, also after being killed."""
    repo = Repository(repository)
    name = f"refs/heads/{target}"
    now = repo.commit(name)
    if now not in (before, commit):
        refuse(f"{shown(target)} was moved by somebody else meanwhile and is left as it is; the merge is {commit}")
    note = f"safe_merge {run_id[:12]}"
    if checked_out_in is None or before is None:
        if now != commit:
            repo.bytes("update-ref", "-m", note, name, commit, before or "0" * len(commit))
        return {"branch": target, "from": before, "to": commit, "files": 0}
    tree = Git(checked_out_in)
    if advancing(repo, run_id).exists():
        put_back_tree(repo, tree, name, before, commit)
    _refuse_touched(tree, target)
    advancing(repo, run_id).touch()
    done = tree.call("merge", "--ff-only", commit)
    if done.returncode:
        fail(done, f"{shown(str(tree.folder))} could not be brought to the merge {commit[:12]}")
    advancing(repo, run_id).unlink()
    files = len(tree.paths("diff", "--name-only", "-z", before, commit))
    say(f"{target} is now {commit[:12]}: {counted(files, 'file')}")
    return {"branch": target, "from": before, "to": commit, "files": files}


def advancing(repo: Repository, run_id: str) -> Path:
    """A file that is there while this run changes somebody's tree."""
    return repo.common / f"{_MARKER}.{run_id}"


def merged_ref(run_id: str) -> str:
    """The ref that keeps the merge commit of a run."""
    return f"{run_refs(run_id)}/merged"


def _refuse_touched(tree: Git, target: str) -> None:
    where = shown(str(tree.folder))
    head = tree.call("symbolic-ref", "--quiet", "HEAD").stdout.decode("utf-8", "replace").strip()
    if head != f"refs/heads/{target}":
        refuse(f"{where} does not have {shown(target)} checked out any more; run the plan again")
    begun = in_progress(tree)
    if begun:
        refuse(f"{begun} was begun in {where} meanwhile; finish or abort it, then run the plan again")
    names = changed_files(tree)
    if names:
        refuse(
            f"files in {where} were changed meanwhile: {shown(names[0])}; commit or stash them, then run the plan again"
        )
