"""People written into a configuration file: what stands there stays as its owner wrote it, and no mistake gets in."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from operations.projects import document, people
from operations.projects.configuration import ConfigurationInvalid, load
from operations.projects.faults import Faults
from operations.projects.people import CannotWrite, PeopleError
from operations.projects.watcher import ConfigurationWatcher
from tests.operations.projects.kinds import KINDS

TOP = Path(__file__).resolve().parents[3]
HASH = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("a long password")
OTHER = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("another password")
PLAIN = """\
# our own file

sources:
  hq: {kind: toy}         # the old one
projects:
  p: {name: 'P', queues: ["hq/a"], open: {mon: "09:00-18:00"}}   # keep
  q:
    queues:
    - hq/b      # lists may stand at the margin
    - hq/on
"""


def entry(name: str = "mei", **more: object) -> dict[str, object]:
    return {"name": name, "password": HASH, "role": "supervisor", "projects": ["p"], **more}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "wallboard.yaml"
    path.write_text(PLAIN, encoding="utf-8")
    return path


def test_the_first_user_opens_the_access_block_and_changes_no_other_line(file: Path) -> None:
    done = people.add(file, {}, entry(), KINDS)
    assert done.first
    text = file.read_text(encoding="utf-8")
    assert text.startswith(PLAIN)
    assert "- {name: mei, password:" in text
    assert [user.name for user in people.people(file, {}, KINDS)] == ["mei"]


def test_the_demos_file_keeps_every_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    shipped = (TOP / "wallboard.yaml").read_text(encoding="utf-8")
    path.write_text(shipped, encoding="utf-8")
    people.add(path, {}, entry(projects=["skyline-air"]))
    people.add(path, {}, entry("多多", role="client", projects=["pearl-bank"], kpis=["offered"], language="zh-Hans"))
    people.remove(path, {}, "mei")
    assert path.read_text(encoding="utf-8").startswith(shipped)
    assert [user.language for user in people.people(path, {})] == ["zh-Hans"]


def test_a_password_is_replaced_and_the_comments_around_it_stay(file: Path) -> None:
    with file.open("a", encoding="utf-8") as handle:
        handle.write(
            f"access:\n  users:\n  # the boss\n  - name: root   # never leaves\n    password: '{HASH}'\n    role: admin\n"
        )
    people.add(file, {}, entry(), KINDS)
    people.set_password(file, {}, "root", OTHER, KINDS)
    text = file.read_text(encoding="utf-8")
    assert "# the boss" in text
    assert "# never leaves" in text
    assert people.people(file, {}, KINDS)[0].password.get_secret_value() == OTHER
    people.remove(file, {}, "root", KINDS)
    assert [user.name for user in people.people(file, {}, KINDS)] == ["mei"]


@pytest.mark.parametrize(
    "name", ["on", "null", "12", "a, b", "#x", "{x}", "多多", "O'Brien", "mei: x", "*x", "x ] y", "2026-01-01"]
)
def test_a_name_that_yaml_would_take_for_something_else_stays_that_name(file: Path, name: str) -> None:
    people.add(file, {}, entry(name), KINDS)
    assert [user.name for user in people.people(file, {}, KINDS)] == [name]
    people.set_password(file, {}, name, OTHER, KINDS)
    people.remove(file, {}, name, KINDS)
    assert people.people(file, {}, KINDS) == ()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (entry(projects=["nowhere"]), "there is no project 'nowhere'"),
        (entry(name=" mei"), "space"),
        (entry(role="lead", kpis=["offered"]), "for a client alone"),
        (entry(language="tlh"), "not a choice"),
        ({"name": "mei", "password": HASH, "role": "lead"}, "name the projects that a lead sees"),
        ({**entry(), "password": "plain"}, "not an argon2 hash"),
    ],
)
def test_an_entry_that_would_be_wrong_is_refused_and_the_file_stays(
    file: Path, wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(PeopleError, match=said):
        people.add(file, {}, wrong, KINDS)
    assert file.read_text(encoding="utf-8") == PLAIN


def test_somebody_who_is_there_is_not_added_twice_and_nobody_is_not_changed(file: Path) -> None:
    people.add(file, {}, entry(), KINDS)
    with pytest.raises(PeopleError, match="already"):
        people.add(file, {}, entry(), KINDS)
    for change in (
        lambda: people.remove(file, {}, "li", KINDS),
        lambda: people.set_password(file, {}, "li", OTHER, KINDS),
    ):
        with pytest.raises(PeopleError, match="there is no user li; there are mei"):
            change()


def test_a_file_with_errors_is_not_touched(file: Path) -> None:
    file.write_text(PLAIN + "proyects: {}\n", encoding="utf-8")
    with pytest.raises(ConfigurationInvalid):
        people.add(file, {}, entry(), KINDS)
    assert file.read_text(encoding="utf-8") == PLAIN + "proyects: {}\n"


def test_what_cannot_be_written_is_given_to_be_pasted(tmp_path: Path) -> None:
    included = tmp_path / "access.txt"
    included.write_text("x")
    file = tmp_path / "wallboard.yaml"
    file.write_text(PLAIN + "x: &a {}\n", encoding="utf-8")
    with pytest.raises(ConfigurationInvalid):
        people.add(file, {}, entry(), KINDS)
    file.write_text(PLAIN, encoding="utf-8")
    # A folder in which nothing can be made: as root no mode forbids that, but a name that is too long does.
    long = tmp_path / ("w" * 250)
    file.rename(long)
    with pytest.raises(CannotWrite, match="cannot be written") as caught:
        people.add(long, {}, entry(), KINDS)
    assert long.read_text(encoding="utf-8") == PLAIN
    pasted = tmp_path / "pasted.yaml"
    pasted.write_text(PLAIN + caught.value.block, encoding="utf-8")
    assert [user.name for user in people.people(pasted, {}, KINDS)] == ["mei"]


def test_mode_link_and_line_ends_stay(file: Path) -> None:
    os.chmod(file, 0o640)
    file.write_bytes(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode())
    link = file.parent / "current.yaml"
    link.symlink_to(file)
    people.add(link, {}, entry(), KINDS)
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    content = file.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode())
    assert content.count(b"\n") == content.count(b"\r\n")
    assert [each.name for each in file.parent.iterdir() if each.name.startswith(".")] == []


def test_of_many_who_write_at_once_nobody_is_lost(file: Path) -> None:
    failed: list[BaseException] = []

    def write(number: int) -> None:
        try:
            people.add(file, {}, entry(f"user{number}"), KINDS)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert {user.name for user in people.people(file, {}, KINDS)} == {f"user{number}" for number in range(12)}


def test_nothing_but_the_users_is_another_after_a_change(file: Path) -> None:
    before = document.read(file.read_bytes(), "w", Faults())
    people.add(file, {}, entry(), KINDS)
    after = document.read(file.read_bytes(), "w", Faults())
    assert after.pop("access")["users"][0]["name"] == "mei"
    assert after == before


def test_a_running_program_takes_the_change_up(file: Path) -> None:
    watcher = ConfigurationWatcher(file, {}, KINDS)
    people.add(file, {}, entry(), KINDS)
    assert watcher.poll()
    assert watcher.current.access == load(file, {}, KINDS).access
