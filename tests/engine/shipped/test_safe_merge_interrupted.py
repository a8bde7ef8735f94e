"""safe_merge in the middle of its work: canceled, killed, or with a git that dies halfway. Nothing is lost, nothing half merged."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.engine.shipped.repositories import ODD_NAMES, Repo, new_repo, with_feature, with_remote
from tests.tui.commands.hosts import until

if TYPE_CHECKING:
    from tests.engine.shipped.support import Home, Ran
    from tests.tui.commands.hosts import Hosts

pytestmark = pytest.mark.sampled(one_in=4, of_file=True)

GIT = shutil.which("git")


def test_a_cancel_cleans_up(own_home: Home, hosts: Hosts) -> None:
    repo = with_feature(own_home)
    before = repo.picture()
    script, door, _ = own_home.gate()
    run_id = hosts.detached(
        "safe_merge", "-p", "source=feature", "-p", f"repository={repo.folder}", "-p", f'gate=["{script}"]'
    )
    assert door.read_text() == "up\n"
    assert repo.picture() != before
    assert hosts.call("cancel", run_id).returncode == 0
    assert hosts.wait_for_end(run_id).status.value == "canceled"
    assert repo.picture() == before
    assert list(own_home.scratch.glob("opscope-*")) == []
    assert not hosts.left_running()


@pytest.mark.long
def test_after_a_kill_the_run_is_resumed_to_its_end(own_home: Home, hosts: Hosts) -> None:
    repo = with_feature(own_home)
    script, door, gate = own_home.gate()
    run_id = hosts.detached(
        "safe_merge", "-p", "source=feature", "-p", f"repository={repo.folder}", "-p", f'gate=["{script}"]'
    )
    assert door.read_text() == "up\n"
    hosts.kill(run_id)
    assert hosts.call("runs").returncode == 0
    resumed = hosts.start("resume", run_id, "--no-ui")
    assert door.read_text() == "up\n", "a gate may be run again, so nobody has to decide"
    gate.write_text("go\n")
    _, said = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, said
    ran = own_home.ran(run_id)
    assert ran.status == "succeeded"
    assert (repo.folder / "new.txt").exists()
    assert repo.picture()["left"] == []
    assert repo.picture()["status"] == ""
    assert list(own_home.scratch.glob("opscope-*")) == []


@pytest.mark.long
def test_after_a_kill_a_cancel_puts_everything_back(own_home: Home, hosts: Hosts) -> None:
    repo = with_feature(own_home)
    before = repo.picture()
    script, door, _ = own_home.gate()
    run_id = hosts.detached(
        "safe_merge", "-p", "source=feature", "-p", f"repository={repo.folder}", "-p", f'gate=["{script}"]'
    )
    assert door.read_text() == "up\n"
    hosts.kill(run_id)
    hosts.call("cancel", run_id)
    assert hosts.wait_for_end(run_id).status.value == "canceled"
    assert repo.picture() == before
    assert list(own_home.scratch.glob("opscope-*")) == []


def test_why_names_the_files_in_conflict(own_home: Home, hosts: Hosts) -> None:
    repo = with_feature(own_home)
    repo.commit("clash", b__txt="three\n")
    done = hosts.call("run", "safe_merge", "--no-ui", "-p", "source=feature", "-p", f"repository={repo.folder}")
    assert done.returncode == 1
    why = hosts.call("why", "last").stdout
    assert "FAILED  merge: exit 1: feature and main conflict in 1 file: b.txt" in why.splitlines()[0]
    assert "conflict: b.txt (changed by both)" in why


def many_changes(home: Home) -> Repo:
    """A merge that changes, adds, removes and replaces files of every kind."""
    repo = new_repo(home)
    for name in ODD_NAMES:
        (repo.folder / name).write_text("one\n" * 1000)
    (repo.folder / "link").symlink_to("a.txt")
    (repo.folder / "folder").mkdir()
    (repo.folder / "folder" / "inside.txt").write_text("one\n")
    repo.commit("first", a__txt="one\n", removed__txt="one\n", becomes_folder="one\n", run__sh="#!/bin/sh\n")
    repo.git("switch", "--quiet", "--create", "feature")
    for name in ODD_NAMES:
        (repo.folder / name).write_text("two\n" * 1000)
    (repo.folder / "link").unlink()
    (repo.folder / "link").symlink_to("run.sh")
    (repo.folder / "removed.txt").unlink()
    (repo.folder / "becomes_folder").unlink()
    (repo.folder / "becomes_folder").mkdir()
    (repo.folder / "becomes_folder" / "deep.txt").write_text("two\n")
    (repo.folder / "folder" / "inside.txt").unlink()
    (repo.folder / "folder").rmdir()
    (repo.folder / "folder").write_text("a file now\n")
    (repo.folder / "run.sh").chmod(0o755)
    (repo.folder / "new").mkdir()
    (repo.folder / "new" / "new.txt").write_text("new\n" * 1000)
    repo.commit("feature")
    repo.git("switch", "--quiet", "main")
    (repo.folder / "not known.txt").write_text("mine\n")
    return repo


AT_THE_END = """exec 3>&1; {git} "$@" || exit 1; echo "a git that died" >&2; exit 1"""
FILES_ONLY = """
{git} "$@" > /dev/null
{git} -C "{work}" update-ref refs/heads/main "$({git} -C "{work}" rev-parse main@{{1}})"
{git} -C "{work}" read-tree main
: > "{work}/.git/index.lock"
echo "a git that died" >&2; exit 1"""
TORN = """
: > "{work}/.git/index.lock"
rm "{work}/removed.txt" "{work}/link" "{work}/becomes_folder"
mkdir "{work}/becomes_folder" "{work}/new"
printf 'new\\nne' > "{work}/new/new.txt"
printf 'two\\ntwo\\n' > "{work}/with space.txt"
kill -9 $PPID"""


def dying_git(home: Home, repo: Repo, how: str, when: str = "merge --ff-only") -> None:
    """A git that does as told when a tree is to be brought to the merge, or at another call, once; else it is git."""
    assert GIT
    how = how.format(git=GIT, work=repo.folder)
    home.script("git", f"""#!/bin/sh
case "$*" in
*"{when}"*)
  if [ ! -e "{home.folder}/died" ]; then touch "{home.folder}/died"; {how}
  fi ;;
esac
exec {GIT} "$@"
""")  # fmt: skip


def merge(repo: Repo) -> Ran:
    return repo.home.run("safe_merge", repo.folder, source="feature")


@pytest.mark.parametrize("how", [AT_THE_END, FILES_ONLY, TORN], ids=["at the end", "files only", "torn"])
@pytest.mark.long
def test_a_tree_that_was_half_brought_to_the_merge_is_put_back(own_home: Home, how: str) -> None:
    repo = many_changes(own_home)
    before = repo.picture()
    dying_git(own_home, repo, how)
    ran = merge(repo)
    assert ran.status == "failed"
    assert ran.state("restore") == "succeeded", ran.steps["restore"]["message"]
    assert ran.data("restore")["result"] == "restored"
    assert repo.picture() == before
    assert merge(repo).status == "succeeded"
    assert (repo.folder / "becomes_folder" / "deep.txt").read_text() == "two\n"
    assert repo.picture()["status"] == before["status"]


def test_what_a_person_changed_meanwhile_is_left_and_nothing_is_lost(own_home: Home) -> None:
    repo = many_changes(own_home)
    before = repo.git("rev-parse", "main")
    dying_git(own_home, repo, TORN.replace("kill", "echo by hand >> '{work}/run.sh'; kill"))
    ran = merge(repo)
    assert ran.status == "failed"
    assert ran.state("restore") == "failed"
    assert "changed meanwhile and left as found: run.sh; what was is " + before in ran.steps["restore"]["message"]
    assert (repo.folder / "run.sh").read_text() == "#!/bin/sh\nby hand\n"
    assert not list((repo.folder / ".git").glob("opscope-*"))
    kept = ran.data("clean_up")["snapshot"]
    assert repo.git("rev-parse", f"{kept}/target") == before
    assert repo.git("log", "-1", "--format=%s", f"{kept}/merged") == "Merge branch 'feature' into main"


def test_a_host_that_is_killed_while_the_tree_is_changed_is_resumed(own_home: Home, hosts: Hosts) -> None:
    repo = many_changes(own_home)
    dying_git(own_home, repo, TORN.replace("kill -9 $PPID", "touch '{work}/../here'; sleep 600"))
    run_id = hosts.detached("safe_merge", "-p", "source=feature", "-p", f"repository={repo.folder}")
    until((own_home.folder / "here").exists, "the tree is torn")
    hosts.kill(run_id)
    resumed = hosts.call("resume", run_id, "--no-ui")
    assert resumed.returncode == 0, resumed.stderr
    assert repo.git("log", "-1", "--format=%s") == "Merge branch 'feature' into main"
    assert (repo.folder / "becomes_folder" / "deep.txt").read_text() == "two\n"
    assert repo.git("status", "--porcelain") == '?? "not known.txt"'
    assert repo.picture()["left"] == []


def test_a_push_that_got_through_before_the_cancel_is_told(own_home: Home, hosts: Hosts) -> None:
    repo = with_feature(own_home)
    other = with_remote(repo)
    before = repo.picture()
    dying_git(own_home, repo, """{git} "$@"; touch '{work}/../here'; sleep 600""", when="push --atomic")
    run_id = hosts.detached("safe_merge", "-p", "source=feature", "-p", f"repository={repo.folder}", "-p", "push=true")
    until((own_home.folder / "here").exists, "it is pushed")
    hosts.call("cancel", run_id)
    assert hosts.wait_for_end(run_id).status.value == "canceled"
    pushed = other.git("ls-remote", "origin", "main").split()[0]
    words = own_home.ran(run_id).data("restore")["words"]
    assert (
        words == f"main and its tree were not touched; origin has the merge {pushed[:12]}, so fetch it or undo it there"
    )
    assert repo.picture() == before


def test_a_push_is_safe_to_repeat_after_a_kill(own_home: Home, hosts: Hosts) -> None:
    repo = with_feature(own_home)
    other = with_remote(repo)
    dying_git(own_home, repo, """{git} "$@"; touch '{work}/../here'; sleep 600""", when="push --atomic")
    run_id = hosts.detached("safe_merge", "-p", "source=feature", "-p", f"repository={repo.folder}", "-p", "push=true")
    until((own_home.folder / "here").exists, "it is pushed")
    hosts.kill(run_id)
    resumed = hosts.call("resume", run_id, "--no-ui")
    assert resumed.returncode == 0, resumed.stderr
    assert other.git("ls-remote", "origin", "main").split()[0] == repo.git("rev-parse", "main")
    assert repo.picture()["left"] == []
