"""Worktrees of commits, and the search for the first bad one."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.versions.bisect import Judgement, first_bad
from harness.versions.worktrees import Repository


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    top = tmp_path / "top"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    for number in range(3):
        (top / "a.py").write_text(f"value = {number}\n")
        git(top, "add", "a.py")
        git(top, "commit", "-q", "-m", f"commit {number}")
    return Repository.of(top, tmp_path / "versions")


def test_each_version_has_its_own_folder_and_the_checkout_stays(repository: Repository) -> None:
    (repository.top / "a.py").write_text("not committed\n")
    old, new = repository.checkout("HEAD~2"), repository.checkout("main")
    assert repository.inside(old, repository.top / "a.py").read_text() == "value = 0\n"
    assert repository.inside(new, repository.top / "a.py").read_text() == "value = 2\n"
    assert (repository.top / "a.py").read_text() == "not committed\n"
    assert repository.checkout("HEAD~2") == old
    assert [repository.subject(commit)[:8] for commit in repository.between("HEAD~2", "main")] == [
        "commit 1",
        "commit 2",
    ]


def test_what_git_does_not_know_is_said_in_one_line(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such commit"):
        repository.checkout("--upload-pack=evil")
    with pytest.raises(InputError, match="not an ancestor"):
        repository.between("main", "HEAD~1")
    with pytest.raises(InputError, match="outside the repository"):
        repository.inside(repository.checkout("main"), tmp_path / "x.py")
    with pytest.raises(InputError, match="not in version"):
        repository.inside(repository.checkout("main"), repository.top / "b.py")
    version = repository.checkout("main")
    (version.folder / "a.py").write_text("tampered\n")
    with pytest.raises(InputError, match="was changed"):
        repository.checkout("main")


@pytest.mark.parametrize("planted", range(17))
def test_the_planted_commit_is_found_in_few_steps(planted: int) -> None:
    commits = [str(number) for number in range(17)]
    found = first_bad(commits, lambda commit: Judgement.BAD if int(commit) >= planted else Judgement.GOOD)
    assert (found.commit, found.undecided) == (str(planted), ())
    assert found.judged <= math.ceil(math.log2(17)) + 1


def test_commits_that_cannot_be_judged_are_passed_over_and_named() -> None:
    def judge(commit: str) -> Judgement:
        if commit in "34":
            return Judgement.SKIPPED
        return Judgement.BAD if int(commit) >= 4 else Judgement.GOOD

    found = first_bad([str(number) for number in range(8)], judge)
    assert found.commit == "5"
    assert found.undecided == ("3", "4")
