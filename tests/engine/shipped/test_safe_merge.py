"""safe_merge on real repositories: what it does, and that whatever fails, nothing is as it was not before."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.shipped.repositories import ODD_NAMES, Repo, new_repo, with_feature, with_remote
from tests.engine.shipped.support import Home, run_quietly

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.shipped.support import Ran

pytestmark = pytest.mark.sampled(one_in=6, of_file=True)


def merge(repo: Repo, **params: Any) -> Ran:
    return repo.home.run("safe_merge", repo.folder, **{"source": "feature", **params})


def refused(repo: Repo, **params: Any) -> str:
    """Run it where it has to fail and leave everything as it was; the first cause."""
    before = repo.picture()
    ran = merge(repo, **params)
    assert ran.status == "failed"
    assert repo.picture() == before
    assert list((repo.home.scratch).iterdir()) == []
    assert ran.state("clean_up") == "succeeded"
    return ran.cause


def test_what_passes_its_gates_is_merged(own_home: Home) -> None:
    repo = with_feature(own_home)
    before, feature = repo.git("rev-parse", "main"), repo.git("rev-parse", "feature")
    ran = merge(
        repo, gate=[["sh", "-c", "test -f new.txt && grep -q two a.txt && pwd && touch made && rm a.txt"], ["true"]]
    )
    assert ran.status == "succeeded"
    assert repo.git("rev-parse", "main^1", "main^2").split() == [before, feature]
    assert repo.git("log", "-1", "--format=%s") == "Merge branch 'feature' into main"
    assert repo.git("status", "--porcelain") == ""
    assert (repo.folder / "new.txt").read_text() == "new\n"
    assert ran.composed["gates"][1]["command"] == "true"
    assert [row["result"] for row in ran.composed["phases"]] == ["done"] * 3 + ["not needed"] + ["done"] * 4
    assert repo.git("for-each-ref", "refs/opscope") == ""
    assert repo.picture()["left"] == []
    assert list((own_home.scratch).iterdir()) == []
    merged = repo.git("rev-parse", "main")

    again = merge(repo)
    assert (again.status, again.composed["route"], repo.git("rev-parse", "main")) == ("succeeded", "nothing", merged)


def test_a_dry_run_tries_and_moves_nothing(own_home: Home) -> None:
    repo = with_feature(own_home)
    other = with_remote(repo)
    before = repo.picture()
    ran = merge(repo, dry_run=True, push=True, gate=["test", "-f", "new.txt"])
    assert (ran.status, ran.state("gates"), ran.state("push"), ran.state("advance")) == (
        "succeeded",
        "succeeded",
        "skipped",
        "skipped",
    )
    assert repo.picture() == before
    assert ran.composed["outcome"] == "main was not moved"
    said = {row["phase"]: row["result"] for row in ran.composed["phases"]}
    assert (said["gates"], said["push"]) == ("done", "rehearsed")
    assert other.git("ls-remote", "origin", "main").split()[0] == repo.git("rev-parse", "main")


def test_conflicts_are_named_and_the_tree_is_as_before(own_home: Home) -> None:
    repo = new_repo(own_home)
    for name in ODD_NAMES:
        (repo.folder / name).write_text("one\n")
    repo.commit("first", gone__txt="one\n", fine__txt="one\n")
    repo.git("switch", "--quiet", "--create", "feature")
    for name in ODD_NAMES:
        (repo.folder / name).write_text("theirs\n")
    repo.commit("feature", gone__txt="theirs\n", fine__txt="theirs\n")
    repo.git("switch", "--quiet", "main")
    for name in ODD_NAMES:
        (repo.folder / name).write_text("ours\n")
    (repo.folder / "gone.txt").unlink()
    repo.commit("main")
    before = repo.picture()
    ran = merge(repo)
    assert repo.picture() == before
    assert ran.status == "failed"
    assert ran.cause.startswith("exit 1: feature and main conflict in 7 files: -dash.txt, ")
    assert '"with \\"quotes\\".txt"' in ran.cause
    told = ran.steps["merge"]["result"]["stderr"]
    assert "conflict: gone.txt (deleted here, changed there)" in told
    assert 'conflict: "with\\nline end.txt" (changed by both)' in told
    assert 'conflict: "grün 日本.txt" (changed by both)' in told
    assert "fine.txt" not in told


def test_odd_names_are_merged(own_home: Home) -> None:
    repo = new_repo(own_home)
    repo.commit("first")
    repo.git("switch", "--quiet", "--create", "feature")
    for name in ODD_NAMES:
        (repo.folder / name).write_text("one\n")
    (repo.folder / os.fsdecode(b"not utf-8 \xff")).write_text("one\n")
    repo.commit("feature")
    repo.git("switch", "--quiet", "main")
    assert merge(repo).status == "succeeded"
    assert len(repo.git("ls-files", "-z").split("\0")) == len(ODD_NAMES) + 2


def test_work_that_is_not_committed_is_refused(own_home: Home) -> None:
    repo = with_feature(own_home)
    (repo.folder / "a.txt").write_text("in work\n")
    assert "1 file in" in (cause := refused(repo))
    assert cause.endswith("has changes that are not committed: a.txt")


def begin_merge(repo: Repo) -> None:
    repo.git("merge", "--no-commit", "--no-ff", "feature")


def begin_rebase(repo: Repo) -> None:
    repo.git("-c", "sequence.editor=sed -i s/pick/edit/", "rebase", "--quiet", "-i", "HEAD~1")


def begin_bisect(repo: Repo) -> None:
    repo.git("bisect", "start")


@pytest.mark.parametrize(
    ("begin", "what"), [(begin_merge, "a merge"), (begin_rebase, "a rebase"), (begin_bisect, "a bisect")]
)
@pytest.mark.long
def test_what_somebody_has_begun_is_refused(own_home: Home, begin: Callable[[Repo], None], what: str) -> None:
    repo = with_feature(own_home)
    begin(repo)
    assert f"{what} is in progress in" in refused(repo, target="main")


def test_a_failing_gate_leaves_everything_as_it_was(own_home: Home) -> None:
    repo = with_feature(own_home)
    cause = refused(repo, gate=["sh", "-c", "mkdir made; chmod 500 made; echo 3 tests failed >&2; exit 3"])
    assert "failed: exit 3: 3 tests failed; nothing was merged" in cause


def test_a_failed_merge_says_how_far_it_came(own_home: Home) -> None:
    """Its answer is that of a failed run: what was tried, and that nothing was changed."""
    ran = merge(with_feature(own_home), gate=["false"])
    assert ran.status == "failed"
    assert ran.composed["outcome"] == "main and its tree were not touched"
    said = {row["phase"]: row["result"] for row in ran.composed["phases"]}
    assert (said["merge"], said["gates"], said["push"], said["restore"]) == ("done", "FAILED", "not run", "done")
    assert "null" not in ran.blocks[0]["text"]


def test_a_merge_that_never_began_says_so(own_home: Home) -> None:
    """Nothing was found out, and nothing reads null."""
    ran = own_home.run("safe_merge", own_home.folder, source="feature")
    assert ran.status == "failed"
    assert ran.blocks[0]["text"].endswith("Nothing was merged: nothing was changed.\n")
    assert "null" not in ran.blocks[0]["text"]


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (["no-such-program-anywhere"], "the gate command no-such-program-anywhere is not installed"),
        (["./no such.sh"], 'the gate "./no such.sh" cannot be started: No such file or directory'),
        ([["true"], ["sh", "-c", "kill -9 $$"]], "failed: signal 9"),
        (["make", 3], "gate has to be a command as a list of words"),
    ],
)
@pytest.mark.long
def test_gates_that_cannot_be_run(own_home: Home, gate: list[Any], words: str) -> None:
    assert words in refused(with_feature(own_home), gate=gate)


def test_a_gate_may_leave_something_behind_and_write_a_lot(own_home: Home) -> None:
    repo = with_feature(own_home)
    script = "(sleep 600 >&2 &); yes noise | head -c 3000000 >&2; printf '\\nthe end' >&2; exit 1"
    assert "… failed: exit 1: the end; nothing was merged" in refused(repo, gate=["sh", "-c", script])


def test_a_gate_has_a_time_limit(own_home: Home) -> None:
    cause = refused(with_feature(own_home), gate=["sleep", "600"], gate_timeout_sec=1)
    assert "the gate sleep 600 did not end within 1 s" in cause


def test_a_merge_is_pushed_before_the_own_branch_moves(own_home: Home) -> None:
    repo = with_feature(own_home)
    other = with_remote(repo)
    other.git("switch", "--quiet", "feature")
    newest = other.commit("more", c__txt="c\n")
    other.git("push", "--quiet")
    ran = merge(repo, push=True)
    assert ran.status == "succeeded"
    assert ran.composed["pushed_to"] == "origin"
    assert other.git("ls-remote", "origin", "main").split()[0] == repo.git("rev-parse", "main")
    assert repo.git("rev-parse", "main^2") == newest, "the newer of here and the remote is merged"
    assert (repo.folder / "c.txt").exists()


def test_a_push_that_lost_a_race_is_refused_by_the_lease(own_home: Home) -> None:
    repo = with_feature(own_home)
    other = with_remote(repo)
    script = own_home.script(
        "race", f"#!/bin/sh\ncd '{other.folder}' && git commit -q --allow-empty -m race && git push -q\n"
    )
    cause = refused(repo, push=True, gate=[str(script)])
    assert (
        cause
        == "exit 1: origin refused the push: main was changed there meanwhile; run the plan again; nothing was merged"
    )
    assert other.git("ls-remote", "origin", "main").split()[0] == other.git("rev-parse", "main")


@pytest.mark.long
def test_what_a_hook_of_the_remote_says_is_told(own_home: Home) -> None:
    repo = with_feature(own_home)
    with_remote(repo)
    hook = own_home.folder / "origin.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho merges are frozen until Monday >&2\nexit 1\n")
    hook.chmod(0o755)
    before = repo.picture()
    ran = merge(repo, push=True)
    assert repo.picture() == before
    assert "origin refused the push: [remote rejected] (pre-receive hook declined)" in ran.cause
    assert "merges are frozen until Monday" in ran.steps["push"]["result"]["stderr"]


@pytest.mark.long
def test_remotes_that_are_not_there(own_home: Home) -> None:
    repo = with_feature(own_home)
    assert "there is no remote origin to push to; the repository has none" in refused(repo, push=True)
    with_remote(repo)
    assert "there is no remote upstream; there are: origin; -p remote= merges without one" in refused(
        repo, remote="upstream"
    )
    (own_home.folder / "origin.git").rename(own_home.folder / "moved.git")
    assert "the remote origin cannot be reached: " in refused(repo)
    assert merge(repo, remote="").status == "succeeded"


@pytest.mark.long
def test_branches_that_have_gone_apart_are_left_to_a_person(own_home: Home) -> None:
    repo = with_feature(own_home)
    other = with_remote(repo)
    other.git("switch", "--quiet", "feature")
    other.commit("there", c__txt="c\n")
    other.git("push", "--quiet", "origin", "feature")
    repo.git("switch", "--quiet", "feature")
    here = repo.commit("here", d__txt="d\n")
    repo.git("switch", "--quiet", "main")
    assert "feature here and at origin have gone apart; say which one" in refused(repo)
    assert merge(repo, source="refs/heads/feature").status == "succeeded"
    assert repo.git("rev-parse", "main^2") == here
    assert merge(repo, source="origin/feature").status == "succeeded"
    assert (repo.folder / "c.txt").exists()

    other.git("switch", "--quiet", "main")
    other.commit("main there", e__txt="e\n")
    other.git("push", "--quiet", "origin", "main")
    assert "main here and at origin have gone apart; bring them together first" in refused(repo)


@pytest.mark.parametrize("file", ["runs.db", "elsewhere.db"])
def test_one_repository_has_one_run_at_a_time(own_home: Home, file: str) -> None:
    """Runs of one file wait for each other; a run of another file is told who holds the repository."""
    repo = with_feature(own_home)
    script, door, gate = own_home.gate()
    ran: dict[str, Ran] = {}
    first = threading.Thread(target=lambda: ran.update(first=merge(repo, gate=[script])))
    first.start()
    assert door.read_text() == "up\n"
    held = repo.picture()
    elsewhere = Repo(Home(own_home.folder, file=file), repo.folder)
    second = threading.Thread(target=lambda: ran.update(second=merge(elsewhere)))
    second.start()
    if file == "elsewhere.db":
        second.join(timeout=60)
        assert repo.picture() == held, "what the first run holds is not cleaned away by the second"
    gate.write_text("go\n")
    first.join(timeout=60)
    second.join(timeout=60)
    assert ran["first"].status == "succeeded"
    if file == "elsewhere.db":
        assert ran["second"].status == "failed"
        assert f"run {ran['first'].run_id[:12]} of " in ran["second"].cause
        assert "holds this repository since 20" in ran["second"].cause
    else:
        assert ran["second"].status == "succeeded"
        assert ran["second"].composed["route"] == "nothing"
    assert repo.picture()["left"] == []


def test_without_git_it_says_so(own_home: Home) -> None:
    repo = with_feature(own_home)
    before = repo.picture()
    own_home.only()
    ran = merge(repo)
    assert ran.cause == "exit 1: git is not installed, or not on the PATH of this run"
    assert {ran.state(step) for step in ("restore", "clean_up", "report")} == {"succeeded"}
    own_home.env.clear()
    assert repo.picture() == before


def test_a_git_that_is_too_old_is_refused(own_home: Home) -> None:
    repo = with_feature(own_home)
    own_home.script("git", "#!/bin/sh\necho git version 1.8.3.1\n")
    assert "git 1.8 is too old; 2.17 or newer is needed" in merge(repo).cause


def test_folders_that_are_no_repository(own_home: Home) -> None:
    plain = own_home.folder / "plain"
    plain.mkdir()
    ran = own_home.run("safe_merge", plain, source="feature")
    assert "is no git repository" in ran.cause
    ran = own_home.run("safe_merge", plain, source="feature", repository="nowhere")
    assert ran.cause == "exit 1: there is no folder nowhere; name the repository with -p repository=FOLDER"
    assert ran.state("clean_up") == "succeeded"
    assert list(plain.iterdir()) == []


def test_an_empty_repository(own_home: Home) -> None:
    assert "the repository has no commit yet" in refused(new_repo(own_home))


def test_a_name_that_is_not_set_is_not_guessed(own_home: Home) -> None:
    repo = with_feature(own_home)
    (own_home.folder / ".gitconfig").unlink()
    assert "git does not know who commits; set it with git config user.name" in refused(repo)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"source": "featura"}, "there is no branch featura here; did you mean feature?"),
        ({"target": "mian"}, "there is no branch mian here; did you mean main?"),
        ({"source": "main"}, "main cannot be merged into itself"),
        ({"source": "--upload-pack=x"}, "cannot be the name of a branch"),
        ({"target": "-x"}, "-x cannot be the name of a branch"),
        ({"target": "a..b"}, "a..b cannot be the name of a branch"),
        ({"scratch": "/proc"}, "there can be no throw-away tree in /proc"),
    ],
)
def test_what_cannot_be_meant(own_home: Home, params: dict[str, str], words: str) -> None:
    assert words in refused(with_feature(own_home), **params)


@pytest.mark.long
def test_histories_that_have_nothing_in_common(own_home: Home) -> None:
    repo = with_feature(own_home)
    repo.git("switch", "--quiet", "--orphan", "island")
    repo.commit("island", i__txt="i\n")
    repo.git("switch", "--quiet", "main")
    assert "island and main have no commit in common" in refused(repo, source="island")


def test_a_detached_head_needs_a_target(own_home: Home) -> None:
    repo = with_feature(own_home)
    repo.git("switch", "--quiet", "--detach", "main")
    assert "no branch is checked out; say into which one to merge" in refused(repo)
    head = repo.git("rev-parse", "HEAD")
    assert merge(repo, target="main").status == "succeeded"
    assert repo.git("rev-parse", "HEAD") == head, "what is checked out is not the target, so it stays"
    assert repo.git("rev-parse", "main^1") == head


@pytest.mark.long
def test_a_target_that_is_checked_out_elsewhere(own_home: Home) -> None:
    repo = with_feature(own_home)
    repo.git("branch", "release")
    repo.git("worktree", "add", "--quiet", "../release tree", "release")
    elsewhere = own_home.folder / "release tree"
    (elsewhere / "a.txt").write_text("in work\n")
    assert "has changes that are not committed: a.txt" in refused(repo, target="release")
    run_quietly("git", "checkout", "--", "a.txt", cwd=elsewhere, env=own_home.environment)
    assert merge(repo, target="release").status == "succeeded"
    assert (elsewhere / "new.txt").exists()
    assert not (repo.folder / "new.txt").exists()


@pytest.mark.long
def test_a_bare_repository(own_home: Home) -> None:
    repo = with_feature(own_home)
    with_remote(repo)
    bare = own_home.folder / "origin.git"
    ran = own_home.run("safe_merge", bare, source="feature", target="main", gate=["test", "-f", "new.txt"])
    assert ran.status == "succeeded", ran.cause
    assert run_quietly("git", "log", "-1", "--format=%s", "main", cwd=bare, env=own_home.environment).startswith(
        "Merge branch"
    )


def test_a_file_that_git_does_not_know_is_never_overwritten(own_home: Home) -> None:
    repo = with_feature(own_home)
    (repo.folder / "new.txt").write_text("mine\n")
    assert "the merge does not fit into" in refused(repo)
    assert (repo.folder / "new.txt").read_text() == "mine\n"


@pytest.mark.long
def test_a_hook_of_the_repository_may_refuse_the_merge(own_home: Home) -> None:
    repo = with_feature(own_home)
    hook = repo.folder / ".git" / "hooks" / "pre-merge-commit"
    hook.write_text("#!/bin/sh\necho no merges on Fridays >&2\nexit 1\n")
    hook.chmod(0o755)
    assert refused(repo) == "exit 1: feature cannot be merged into main: no merges on Fridays"


def test_work_that_is_begun_while_the_gates_run_is_not_touched(own_home: Home) -> None:
    repo = with_feature(own_home)
    ran = merge(repo, gate=["sh", "-c", f"echo mine > '{repo.folder}/a.txt'"])
    assert "were changed meanwhile: a.txt; commit or stash them" in ran.cause
    assert (repo.folder / "a.txt").read_text() == "mine\n"
    repo.git("checkout", "--quiet", "a.txt")
    before = repo.git("rev-parse", "main")
    ran = merge(repo, gate=["sh", "-c", f"git -C '{repo.folder}' commit -q --allow-empty -m mine"])
    assert "main was moved by somebody else meanwhile; run the plan again" in ran.cause
    assert repo.git("rev-parse", "main^") == before
    assert merge(repo).status == "succeeded"
