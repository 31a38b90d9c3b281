"""What stops everything always works: with a broken config file, a broken guide, no file at all, a database that is away."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from config_cast import REPO, written
from line_cast import SECRETS, YEAR, Desk, desk

import app
from models import push, shared
from models.base import Store

__all__ = ["desk"]

BROKEN = {
    "a typo in a campaign": lambda text: text.replace("lunar =", "lunr ="),
    "a mass push without words": lambda text: text + '[[campaigns.pushes]]\nid = "x"\nchannel = "mass"\n',
    "a curly quote": lambda text: text.replace('title = "正月', "title = “正月"),
    "a curly quote above the database": lambda text: text.replace('kind = "service"', "kind = “service”"),
    "two broken lines": lambda text: f"名字 = 甲\n{text}\n[[活动]]",
    "a header that is not closed": lambda text: text.replace("[[campaigns]]", "[[campaigns"),
    "text that never ends": lambda text: text + '\nabout = """',
    "an unknown section": lambda text: text + "\n[nonsense]\n",
    "a wrong account": lambda text: text.replace('name = "', "nam = 3\nname2 = '", 1),
    "a file of another code": lambda text: text.encode("gbk"),
    "rubbish behind it": lambda text: text.encode() + b"\xff\xfe\0\0",
    "another wrong address": lambda text: text.replace("base_url = ", "base_url = 7 #"),
    "a secret that is not there": lambda text: text.replace(
        f'token = "{SECRETS[1]}"', 'token = { file = "gone" }'
    ),
    "brackets without end": lambda text: text + "\nx = " + "[" * 3000,
}
DEEDS = ("halt", "unhalt", "push pause lantern/riddles", "push cancel lantern/riddles")


class TestTheBrake:
    @pytest.mark.parametrize("fault", BROKEN)
    def test_works_whatever_is_wrong_with_the_config_file(self, desk: Desk, fault: str) -> None:
        under_way(desk)
        made = BROKEN[fault](desk.config())
        written(desk.folder, made)
        assert desk.types("push", "list").code == 1, "the file is broken"

        for deed in DEEDS:
            told = desk.types(*deed.split())
            assert told.code == 0, (deed, told.words)
        assert states(desk) == ["cancelled"]
        assert desk.types("halt").code == 0
        assert is_halted(desk)

    def test_works_without_any_config_file_once_the_database_was_in_use(self, desk: Desk) -> None:
        under_way(desk)
        (desk.folder / "config.toml").unlink()

        for deed in DEEDS:
            assert desk.types(*deed.split()).code == 0

        assert states(desk) == ["cancelled"]
        kept = desk.folder / "var/database-address"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    @pytest.mark.parametrize("url", ["sqlit:///x.db", "", "sqlite:///elsewhere.db", "x y"])
    def test_goes_by_the_last_good_address_where_the_files_is_none(self, desk: Desk, url: str) -> None:
        under_way(desk)
        written(desk.folder, desk.config().replace(f"sqlite:///{desk.folder}/gonghui.db", url))

        assert desk.types("halt").code == 0
        assert is_halted(desk)

    def test_goes_by_the_environment_before_all(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        under_way(desk)
        written(desk.folder, desk.config(database="postgresql://nobody@127.0.0.1:1/gonghui"))
        monkeypatch.setenv("GONGHUI_DATABASE__URL", f"sqlite:///{desk.folder}/gonghui.db\r")

        assert desk.types("halt").code == 0
        assert is_halted(desk)

    @pytest.mark.parametrize("source", ['{ env = "DSN" }', '{ file = "dsn" }'])
    def test_finds_an_address_that_is_a_secret(
        self, desk: Desk, source: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        under_way(desk)
        url = f"sqlite:///{desk.folder}/gonghui.db"
        monkeypatch.setenv("DSN", url)
        (desk.folder / "dsn").write_text(f"{url}\n")
        (desk.folder / "var/database-address").unlink()
        written(desk.folder, desk.config().replace(f'"{url}"', source) + "\n[broken")

        assert desk.types("halt").code == 0
        assert is_halted(desk)

    @pytest.mark.parametrize("deed", DEEDS)
    def test_says_the_one_command_that_is_left_where_the_database_takes_no_word(
        self, desk: Desk, deed: str
    ) -> None:
        written(desk.folder, desk.config(database=f"postgresql://gonghui:{SECRETS[3]}@127.0.0.1:1/gonghui"))

        told = desk.types(*deed.split())

        assert told.code == 1
        assert "sudo systemctl stop gonghui-work" in told.words

    def test_says_it_too_where_the_file_cannot_be_written(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        with stored(desk) as store, store.writing() as connection:
            connection.exec_driver_sql("DROP TABLE shared")

        told = desk.types("halt")

        assert told.code == 1
        assert "systemctl stop gonghui-work" in told.words

    def test_does_not_stop_the_next_one_of_a_file_that_it_cannot_read(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        written(desk.folder, desk.config().replace("lunar =", "lunr ="))

        told = desk.types("push", "cancel", "lantern/thanks", "--yes")

        assert told.code == 1
        assert states(desk) == []

    @pytest.mark.parametrize(
        ("file", "words"),
        [
            ("guides/leave.toml", "halt"),
            ("menu.toml", "halt"),
            ("talk.toml", "unhalt"),
            ("numbers.toml", "push pause a/b"),
            ("crisis.toml", "push cancel a/b"),
            ("guides/leave.toml", "--help"),
        ],
    )
    def test_works_and_explains_itself_with_a_broken_guide(
        self, program: Path, desk: Desk, file: str, words: str
    ) -> None:
        desk.types("db", "upgrade")
        with (program / "menus" / file).open("a", encoding="utf-8") as guide:
            guide.write("\nwords = [“请假”\n")

        done = subprocess.run(
            [sys.executable, str(program / "app.py"), *words.split()],
            cwd=desk.folder, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

        assert "Traceback" not in done.stderr
        assert "menus/" not in done.stderr
        assert done.returncode == (1 if "push" in words else 0), done.stderr


class TestABrokenFile:
    def test_does_not_hide_what_goes_out_all_the_same(self, desk: Desk) -> None:
        under_way(desk)
        built = app.Built(desk.folder / "config.toml", {})
        worker = built.worker
        well = desk.types("push", "list")
        written(desk.folder, desk.config().replace("lunar =", "lunr ="))
        nobody = desk.types("push", "list")

        with stored(desk) as store, store.writing() as connection:
            shared.beat(connection, "w1", datetime.now(UTC))
        worker.campaigns()
        told = desk.types("push", "list")
        built.store.close()

        assert (nobody.code, told.code, well.code) == (1, 1, 0)
        assert re.search(r"config\.toml:\d+：.*lunr", told.out)
        assert "接下来的推送：" in well.out
        assert well.out.rstrip() in told.out
        assert "什么也不会发" in nobody.out

    def test_does_not_keep_doctor_from_looking_at_everything_else(self, desk: Desk) -> None:
        under_way(desk)
        written(desk.folder, desk.config().replace("lunar =", "lunr ="))

        told = desk.types("doctor")

        assert told.code == 1
        assert re.search(r"✗ 配置：.*config\.toml:\d+：.*lunr", told.out)
        assert "✓ 数据库：SQLite" in told.out


# --- small things ------------------------------------------------------------------------------------------------


def under_way(desk: Desk) -> None:
    """A push has begun, in the year as the clerk wrote it."""
    desk.writes(YEAR)
    desk.types("db", "upgrade")
    assert desk.types("push", "start", "lantern/riddles", "--yes").code == 0


@contextmanager
def stored(desk: Desk) -> Iterator[Store]:
    store = Store(f"sqlite:///{desk.folder}/gonghui.db")
    yield store
    store.close()


def states(desk: Desk) -> list[str]:
    with stored(desk) as store, store.reading() as connection:
        return [each.state for each in push.recent(connection)]


def is_halted(desk: Desk) -> bool:
    with stored(desk) as store, store.reading() as connection:
        return shared.halted(connection) is not None


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program once more, in a folder whose guides may be broken."""
    place = tmp_path_factory.mktemp("program")
    for name in (
        "ground",
        "wx",
        "models",
        "menus",
        "campaigns",
        "handlers",
        "channels",
        "jobs",
        "commands",
        "web",
    ):
        shutil.copytree(REPO / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "settings.py"):
        shutil.copy(REPO / name, place / name)
    return place


@pytest.fixture
def program(copied: Path) -> Iterator[Path]:
    yield copied
    shutil.copytree(
        REPO / "menus", copied / "menus", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
