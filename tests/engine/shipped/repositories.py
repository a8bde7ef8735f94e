"""Real git repositories for tests: made on disk, with a remote where one is wanted, and looked at as a whole."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.engine.shipped.support import run_quietly

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.shipped.support import Home

ODD_NAMES = (
    "with space.txt",
    'with "quotes".txt',
    "with\nline end.txt",
    "grün 日本.txt",
    "-dash.txt",
    "back\\slash.txt",
)


@dataclass
class Repo:
    """A repository with a tree."""

    home: Home
    folder: Path

    def git(self, *words: str) -> str:
        return run_quietly("git", *words, cwd=self.folder, env=self.home.environment).rstrip("\n")

    def write(self, **files: str) -> None:
        """Files by name, `__` standing for a dot."""
        for name, text in files.items():
            (self.folder / name.replace("__", ".")).write_text(text)

    def commit(self, message: str, **files: str) -> str:
        self.write(**files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def picture(self) -> dict[str, object]:
        """Everything that must be as before where nothing is to have happened."""
        hidden = self.folder / ".git"
        return {
            "head": (hidden / "HEAD").read_text(),
            "refs": self.git("for-each-ref", "refs/heads", "refs/tags", "refs/opscope"),
            "index": self.git("ls-files", "--stage", "-z"),
            "status": self.git("status", "--porcelain", "-z", "--ignored"),
            "trees": self.git("worktree", "list"),
            "files": {
                os.fsencode(path.relative_to(self.folder)): (stat.filemode(path.lstat().st_mode), content(path))
                for path in sorted(self.folder.rglob("*"))
                if ".git" not in path.relative_to(self.folder).parts
            },
            "left": sorted(
                path.name
                for path in hidden.rglob("*")
                if path.is_file() and ("opscope" in str(path.relative_to(hidden)) or path.suffix == ".lock")
            ),
        }


def content(path: Path) -> bytes:
    if path.is_symlink():
        return os.fsencode(path.readlink())
    return path.read_bytes() if path.is_file() else b""


def new_repo(home: Home, name: str = "work") -> Repo:
    """An empty repository on main, by somebody who has a name."""
    folder = home.folder / name
    folder.mkdir()
    repo = Repo(home, folder)
    repo.git("config", "--global", "user.name", "Ada")
    repo.git("config", "--global", "user.email", "ada@example.org")
    repo.git("config", "--global", "advice.detachedHead", "false")
    repo.git("init", "--quiet", "--initial-branch=main")
    return repo


def with_feature(home: Home) -> Repo:
    """main and feature have gone apart without a conflict; main is checked out."""
    repo = new_repo(home)
    repo.commit("first", a__txt="one\n", b__txt="one\n")
    repo.git("switch", "--quiet", "--create", "feature")
    repo.commit("feature", b__txt="two\n", new__txt="new\n")
    repo.git("switch", "--quiet", "main")
    repo.commit("main", a__txt="two\n")
    return repo


def with_remote(repo: Repo) -> Repo:
    """The same with a bare `origin` that has both branches; returns a second clone of it."""
    home = repo.home
    run_quietly(
        "git", "init", "--quiet", "--bare", "--initial-branch=main", "origin.git", cwd=home.folder, env=home.environment
    )
    repo.git("remote", "add", "origin", str(home.folder / "origin.git"))
    repo.git("push", "--quiet", "origin", "--all")
    run_quietly("git", "clone", "--quiet", "origin.git", "other", cwd=home.folder, env=home.environment)
    return Repo(home, home.folder / "other")
