"""doc_id_restore on real trees of Markdown, with and without a git history; and on trees that somebody or something disturbs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.shipped.doc_id_restore import looking
from engine.shipped.doc_id_restore.front_matter import read_id, with_id
from tests.engine.shipped.repositories import ODD_NAMES, Repo, new_repo
from tests.tui.commands.hosts import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.shipped.support import Home, Ran
    from tests.tui.commands.hosts import Hosts

pytestmark = pytest.mark.sampled(one_in=2, of_file=True)


def doc(doc_id: str | None, title: str = "A title", body: str = "Text.\n") -> str:
    line = "" if doc_id is None else f"id: {doc_id}\n"
    return f"---\n{line}title: {title}\n---\n\n{body}"


def restore(home: Home, folder: Path, /, **params: Any) -> Ran:
    return home.run("doc_id_restore", folder, **params)


def picture(folder: Path) -> dict[str, bytes]:
    """Every file of the tree but git's own, hidden ones too, with its time."""
    return {
        os.fsdecode(os.fsencode(path.relative_to(folder))): path.read_bytes() + str(path.stat().st_mtime_ns).encode()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def ids(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): read_id(path.read_bytes(), "id").text
        for path in sorted(folder.rglob("*.md"))
    }


@pytest.fixture
def docs(own_home: Home) -> Repo:
    """Documents with a history: one lost its id, one was renamed since, two share one, one never had any."""
    repo = new_repo(own_home, "docs")
    for name, doc_id in (("kept", "one"), ("lost", "two"), ("old name", "three"), ("first", "four")):
        (repo.folder / f"{name}.md").write_text(doc(doc_id, body=f"About {name}.\n" * 20))
    repo.commit("first", README__md="no front matter\n")
    repo.git("mv", "old name.md", "new name.md")
    repo.commit("rename")
    (repo.folder / "lost.md").write_text(doc(None, body="About lost.\n" * 20 + "More.\n"))
    (repo.folder / "new name.md").write_text(doc('""', body="About old name.\n" * 20))
    (repo.folder / "a copy.md").write_text(doc("four", body="Another thing.\n"))
    (repo.folder / "never.md").write_text(doc(None, body="Never had one.\n"))
    repo.commit("ids are lost")
    return repo


def test_it_lists_by_default_and_writes_nothing(own_home: Home, docs: Repo) -> None:
    before = picture(docs.folder)
    ran = restore(own_home, docs.folder)
    assert ran.status == "succeeded", ran.cause
    assert picture(docs.folder) == before
    assert [(change["path"], change["action"]) for change in ran.composed["changes"]] == [
        ("a copy.md", "generate"),
        ("lost.md", "restore"),
        ("never.md", "generate"),
        ("new name.md", "restore"),
    ]
    assert ran.composed["outcome"] == "nothing was written"
    assert (ran.state("apply"), ran.state("verify")) == ("skipped", "skipped")


def test_ids_come_back_from_history_or_are_made_and_a_second_run_finds_nothing(own_home: Home, docs: Repo) -> None:
    ran = restore(own_home, docs.folder, apply=True)
    assert ran.status == "succeeded", ran.cause
    found = ids(docs.folder)
    made = {found.pop("a copy.md"), found.pop("never.md")}
    assert found == {"README.md": "", "first.md": "four", "kept.md": "one", "lost.md": "two", "new name.md": "three"}
    assert all(doc_id.startswith("doc-") and len(doc_id) == 16 for doc_id in made)
    assert (docs.folder / "lost.md").read_text() == doc("two", body="About lost.\n" * 20 + "More.\n")
    assert docs.git("diff", "--numstat").splitlines() == [
        "1\t1\ta copy.md",
        "1\t0\tlost.md",
        "1\t0\tnever.md",
        "1\t1\tnew name.md",
    ]
    assert docs.git("status", "--porcelain", "--ignored").count("??") == 0
    before = picture(docs.folder)
    again = restore(own_home, docs.folder, apply=True)
    assert (again.status, again.composed["route"], picture(docs.folder)) == ("succeeded", "nothing", before)


def test_what_is_made_is_the_same_everywhere(own_home: Home) -> None:
    for name in ("here", "there"):
        (own_home.folder / name / "deep").mkdir(parents=True)
        (own_home.folder / name / "deep" / "grün.md").write_text(doc(None))
        assert restore(own_home, own_home.folder, folder=name, apply=True, prefix="kb-").status == "succeeded"
    assert ids(own_home.folder / "here") == ids(own_home.folder / "there")
    assert ids(own_home.folder / "here")["deep/grün.md"].startswith("kb-")


def test_without_git_or_history_ids_are_made(own_home: Home) -> None:
    folder = own_home.folder / "plain"
    folder.mkdir()
    (folder / "a.md").write_text(doc(None))
    ran = restore(own_home, folder)
    assert ran.composed["note"] == "the documents are in no git repository, so no id can be restored from history"
    own_home.only()
    ran = restore(own_home, folder, apply=True)
    assert ran.composed["note"] == "git is not installed, so no id can be restored from history"
    assert ids(folder)["a.md"].startswith("doc-")
    own_home.env.clear()
    repo = new_repo(own_home)
    (repo.folder / "a.md").write_text(doc(None))
    assert "has no commit yet" in restore(own_home, repo.folder).composed["note"]


def test_odd_names_and_odd_documents(own_home: Home) -> None:
    repo = new_repo(own_home, 'docs "of"\nall')
    for name in ODD_NAMES:
        (repo.folder / f"{name}.md").write_text(doc(f"id-{ODD_NAMES.index(name)}"))
    repo.commit("first")
    for name in ODD_NAMES:
        (repo.folder / f"{name}.md").write_text(doc(None))
    windows, marked = repo.folder / "windows.md", repo.folder / "marked.md"
    windows.write_bytes(b"---\r\ntitle: x\r\n---\r\nbody\r\n")
    marked.write_bytes(b"\xef\xbb\xbf---\nid:   # to do\ntitle: x\n...\nbody\xff\n")
    (repo.folder / os.fsdecode(b"not utf-8 \xff.md")).write_text(doc(None))
    (repo.folder / "open.md").write_text("---\ntitle: x\n")
    (repo.folder / "twice.md").write_text("---\nid: a\nid: b\n---\n")
    (repo.folder / "list.md").write_text("---\nid: [a]\n---\n")
    (repo.folder / "below.md").write_text("---\nid:\n  deep: 1\n---\n")
    (repo.folder / "link.md").symlink_to("open.md")
    (repo.folder / ".hidden").mkdir()
    (repo.folder / ".hidden" / "a.md").write_text(doc(None))
    ran = restore(own_home, repo.folder, apply=True)
    assert ran.status == "succeeded", ran.cause
    assert {f"{name}.md": ids(repo.folder)[f"{name}.md"] for name in ODD_NAMES} == {
        f"{name}.md": f"id-{number}" for number, name in enumerate(ODD_NAMES)
    }
    made = ids(repo.folder)["windows.md"]
    assert windows.read_bytes() == f"---\r\nid: {made}\r\ntitle: x\r\n---\r\nbody\r\n".encode()
    assert (
        marked.read_bytes()
        == b"\xef\xbb\xbf---\nid: " + ids(repo.folder)["marked.md"].encode() + b" # to do\ntitle: x\n...\nbody\xff\n"
    )
    assert {row["path"]: row["why"] for row in ran.composed["left"]} == {
        "below.md": "its id goes on in the next line",
        "list.md": "its id is no plain text: [a]",
        "not utf-8 \\xff.md": "its name is not UTF-8",
        "open.md": "its front matter does not end",
        "twice.md": "id stands there 2 times",
    }
    assert (repo.folder / ".hidden" / "a.md").read_text() == doc(None)


def test_read_only_documents_stop_it_before_anything_is_written(own_home: Home, docs: Repo) -> None:
    (docs.folder / "never.md").chmod(0o444)
    before = picture(docs.folder)
    ran = restore(own_home, docs.folder, apply=True)
    assert ran.cause == "exit 1: 1 document may not be written: never.md; nothing was changed"
    assert picture(docs.folder) == before


def test_permissions_stay(own_home: Home, docs: Repo) -> None:
    (docs.folder / "never.md").chmod(0o640)
    assert restore(own_home, docs.folder, apply=True, keep_backup=True).status == "succeeded"
    assert (docs.folder / "never.md").stat().st_mode & 0o777 == 0o640
    (backup,) = (docs.folder / ".opscope-doc-ids").iterdir()
    assert {path.read_text() for path in backup.iterdir() if path.name.isdigit()} >= {
        doc(None, body="Never had one.\n")
    }


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"folder": "nowhere"}, "there is no folder nowhere; name the documents' with -p folder=FOLDER"),
        ({"field": "a: b"}, "a: b cannot be the name of a field"),
        ({"prefix": "- x"}, "- x cannot begin an id"),
    ],
)
def test_what_cannot_be_meant(own_home: Home, docs: Repo, params: dict[str, Any], words: str) -> None:
    before = picture(docs.folder)
    ran = restore(own_home, docs.folder, apply=True, **params)
    assert ran.status == "failed"
    assert words in ran.cause
    assert picture(docs.folder) == before


def disturbed(home: Home, victim: str, deed: str) -> None:
    """A `python3` in which writing one document fails, as told. The program that it is given stands behind `-c`."""
    real = (home.bin / "python3").resolve()
    home.script("python3", f"""#!{real}
import os, sys
code = '''
import os, pathlib, errno
whole = pathlib.Path.replace
def replace(self, target):
    if str(target).endswith({victim!r}) and not os.path.exists({str(home.folder / "done")!r}):
        {deed}
    return whole(self, target)
pathlib.Path.replace = replace
'''
at = sys.argv.index("-c") + 1
os.execv({str(real)!r}, ["python3", *sys.argv[1:at], code + sys.argv[at], *sys.argv[at + 1:]])
""")  # fmt: skip


def test_a_write_that_fails_puts_everything_back(own_home: Home, docs: Repo) -> None:
    before = picture(docs.folder)
    disturbed(
        own_home,
        "never.md",
        f'open({str(own_home.folder / "done")!r}, "w"); raise OSError(errno.ENOSPC, "No space left on device")',
    )
    ran = restore(own_home, docs.folder, apply=True)
    assert ran.status == "failed"
    assert ran.cause.endswith("never.md cannot be written: No space left on device")
    assert ran.data("settle")["words"] == "2 documents put back"
    assert picture(docs.folder) == before
    assert restore(own_home, docs.folder, apply=True).status == "succeeded"


def test_a_process_that_is_killed_in_the_middle_leaves_nothing_half_done(own_home: Home, docs: Repo) -> None:
    before = picture(docs.folder)
    disturbed(own_home, "never.md", f'open({str(own_home.folder / "done")!r}, "w"); os.kill(os.getpid(), 9)')
    ran = restore(own_home, docs.folder, apply=True)
    assert "SIGKILL" in ran.cause
    assert picture(docs.folder) == before


def test_what_a_person_writes_meanwhile_is_never_lost(own_home: Home, docs: Repo) -> None:
    edit = f'pathlib.Path({str(docs.folder / "lost.md")!r}).write_text("mine now")'
    theirs = f'{edit}; open({str(own_home.folder / "done")!r}, "w"); raise OSError(5, "Input/output error")'
    disturbed(own_home, "never.md", theirs)
    before = (docs.folder / "lost.md").read_text()
    ran = restore(own_home, docs.folder, apply=True)
    assert ran.status == "failed"
    assert (
        "1 document changed by somebody else and left as found: lost.md; as they were they are in "
        in ran.steps["settle"]["message"]
    )
    assert (docs.folder / "lost.md").read_text() == "mine now"
    (backup,) = (docs.folder / ".opscope-doc-ids").iterdir()
    assert before in {path.read_text() for path in backup.iterdir()}
    assert read_id((docs.folder / "a copy.md").read_bytes(), "id").text == "four", (
        "the others are put back all the same"
    )


def half_way(home: Home, docs: Repo, hosts: Hosts) -> str:
    """A run whose second half waits for ever; its id."""
    disturbed(home, "never.md", f'open({str(home.folder / "here")!r}, "w"); __import__("signal").pause()')
    run_id = hosts.detached("doc_id_restore", "-p", f"folder={docs.folder}", "-p", "apply=true")
    until((home.folder / "here").exists, "two documents are written")
    assert (docs.folder / ".opscope-doc-ids").exists()
    return run_id


def test_a_cancel_puts_everything_back(own_home: Home, docs: Repo, hosts: Hosts) -> None:
    before = picture(docs.folder)
    run_id = half_way(own_home, docs, hosts)
    (own_home.folder / "done").touch()
    assert picture(docs.folder) != before
    hosts.call("cancel", run_id)
    assert hosts.wait_for_end(run_id).status.value == "canceled"
    assert picture(docs.folder) == before


def test_after_a_kill_the_half_restored_tree_is_finished(own_home: Home, docs: Repo, hosts: Hosts) -> None:
    run_id = half_way(own_home, docs, hosts)
    (own_home.folder / "done").touch()
    hosts.kill(run_id)
    resumed = hosts.call("resume", run_id, "--no-ui")
    assert resumed.returncode == 0, resumed.stderr
    found = ids(docs.folder)
    assert (found["lost.md"], found["new name.md"]) == ("two", "three")
    assert own_home.ran(run_id).data("apply") == {"written": 4, "now": 2}
    assert not (docs.folder / ".opscope-doc-ids").exists()
    assert [path.name for path in docs.folder.glob(".opscope*")] == []


def test_one_run_takes_on_so_many_and_says_how_many_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_MOST_AT_ONCE", 5)
    for number in range(4):
        (tmp_path / f"shared {number}.md").write_text(doc("one"))
        (tmp_path / f"other {number % 2}.md").write_text(doc("two"))
        (tmp_path / f"missing {number}.md").write_text(doc(None))
    found = looking.look(str(tmp_path), "id", [".md"])
    assert (len(found["missing"]), found["shared"], found["troubled"]) == (4, [], 8)
    assert found["note"] == "4 documents more for the next run."
    for number in range(4):
        (tmp_path / f"missing {number}.md").unlink()
    found = looking.look(str(tmp_path), "id", [".md"])
    assert [len(one["paths"]) for one in found["shared"]] == [2, 3]
    assert found["note"] == "1 document more for the next run."
    (tmp_path / "shared 3.md").unlink()
    assert looking.look(str(tmp_path), "id", [".md"])["note"] == ""


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30)


@given(
    before=st.lists(TEXTS, max_size=4),
    after=st.lists(TEXTS, max_size=4),
    end=st.sampled_from(["\n", "\r\n"]),
    body=st.binary(max_size=50),
)
def test_an_id_is_one_line_and_nothing_else_changes(before: list[str], after: list[str], end: str, body: bytes) -> None:
    fields = [f"f{number}: {text!r}" for number, text in enumerate([*before, *after])]
    content = "".join(f"{line}{end}" for line in ["---", *fields, "---"]).encode() + body
    assert read_id(content, "id").state == "missing"
    changed = with_id(content, "id", "doc-1")
    assert read_id(changed, "id") == ("present", "doc-1", "doc-1", "")
    assert changed.replace(f"id: doc-1{end}".encode(), b"", 1) == content
    assert read_id(with_id(changed, "id", "'it''s'"), "id").text == "it's"


@given(st.binary(max_size=200))
def test_no_content_breaks_the_reading(content: bytes) -> None:
    for whole in (content, b"---\nid:" + content, b"---\n" + content + b"\n---\n"):
        assert read_id(whole, "id").state in ("present", "missing", "none", "unreadable")
