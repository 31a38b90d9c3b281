"""The tree of unions and their members: brought in from lists, changed, and counted, whatever becomes of it."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from union_cast import MEMBERS, NOW, TREE, brings, path_of, settled, sheet

from commands.command_line import Options
from commands.union import close, listed, merge, move, take_in
from models import binding, intake, member, month, tree, union
from models.base import Connection, Store
from models.member import members
from models.request import requests
from models.union import unions

NEXT_MONTH = NOW + timedelta(days=31)


class TestAList:
    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_of_unions_in_any_order_becomes_the_tree(
        self, sqlite_store: Store, tmp_path: Path, kind: str
    ) -> None:
        said = brings(sqlite_store, "union", sheet(tmp_path / f"unions.{kind}", TREE))

        assert "新的 6，要改的 0，已经有的 0，没有不对的地方" in said[-1]
        assert path_of(sqlite_store, "211100") == ""
        assert path_of(sqlite_store, "020") == "2111/018/020/"

    def test_of_members_is_looked_over_before_it_is_taken_in(self, store: Store, tmp_path: Path) -> None:
        brings(store, "union", sheet(tmp_path / "unions.csv", TREE))
        path = sheet(tmp_path / "members.csv", MEMBERS)

        with pytest.raises(SystemExit):
            take_in(store, Options(file=path), NOW, "member")
        take_in(store, Options(file=path, dry_run=True), NOW, "member")
        assert people(store) == {}
        said = brings(store, "member", path)

        assert "新的 4" in said[-1]
        assert people(store) == {"018": {"王桂兰", "李建国"}, "020": {"赵铁柱"}, "019": {"孙海燕"}}

    def test_a_second_time_changes_nothing(self, sqlite_store: Store, tmp_path: Path) -> None:
        settled(sqlite_store, tmp_path)
        before = rows(sqlite_store)

        said = brings(sqlite_store, "member", tmp_path / "members.csv", NEXT_MONTH)
        again = brings(sqlite_store, "union", tmp_path / "unions.csv", NEXT_MONTH)

        assert "新的 0，要改的 0，已经有的 4" in said[-1]
        assert "新的 0，要改的 0，已经有的 6" in again[-1]
        assert rows(sqlite_store) == before

    def test_moves_who_has_changed_the_union_and_lets_go_who_has_left(
        self, sqlite_store: Store, tmp_path: Path
    ) -> None:
        settled(sqlite_store, tmp_path)
        later = (
            ("单位代码", "姓名", "手机号", "会员编号", "状态"),
            ("019", "李建国", "13800000002", "PJ0002", ""),
            ("019", "孙海燕", "13800000004", "PJ0004", "退会"),
        )

        said = brings(sqlite_store, "member", sheet(tmp_path / "later.csv", later))

        assert "新的 0，要改的 2" in said[-1]
        assert people(sqlite_store) == {"018": {"王桂兰"}, "020": {"赵铁柱"}, "019": {"李建国"}}

    def test_names_every_bad_line_with_number_column_value_and_reason(
        self, sqlite_store: Store, tmp_path: Path
    ) -> None:
        settled(sqlite_store, tmp_path)
        close(sqlite_store, "020", NOW)
        bad = (
            ("单位代码", "姓名", "手机号", "会员编号", "状态"),
            ("018", "周一", "13900000001", "", ""),
            ("999", "周二", "13900000002", "", ""),
            ("020", "周三", "13900000003", "", ""),
            ("018", "", "13900000004", "", ""),
            ("018", "名" * 41, "13900000005", "", ""),
            ("018", "13900000006", "13900000006", "", ""),
            ("018", "周四", "1390000", "", ""),
            ("018", "周五", "", "编号一", ""),
            ("018", "周六", "", "", ""),
            ("018", "周七", "13900000001", "", ""),
            ("018", "周八", "13900000008", "", "不知道"),
            ("018", "周九", "13900000009", "", "", "多出来的"),
        )
        path, faults = sheet(tmp_path / "bad.csv", bad), tmp_path / "faults.csv"

        said: list[str] = []
        code = take_in(
            sqlite_store, Options(file=path, dry_run=True, faults=faults), NOW, "member", said.append
        )

        assert code == 1
        assert "12 行：新的 1，要改的 0，已经有的 0，11 处不对" in said[-2]
        told = faults.read_text("utf-8-sig").splitlines()
        assert [line.split(",")[:2] for line in told[2:13]] == [
            ["3", "单位代码"], ["4", "单位代码"], ["5", "姓名"], ["6", "姓名"], ["7", "姓名"], ["8", "手机号"],
            ["9", "会员编号"], ["10", "手机号"], ["11", "手机号"], ["12", "状态"], ["13", ""],
        ]  # fmt: skip
        assert "999" in told[2]
        assert "13900000001,前面有一行是同一个人" in told[10]

    def test_with_bad_lines_is_taken_in_only_where_somebody_says_so(
        self, sqlite_store: Store, tmp_path: Path
    ) -> None:
        settled(sqlite_store, tmp_path)
        bad = (("单位代码", "姓名", "手机号"), ("018", "周一", "13900000001"), ("018", "周二", "没有"))
        path = sheet(tmp_path / "bad.csv", bad)

        with pytest.raises(SystemExit):
            brings(sqlite_store, "member", path)
        assert "周一" not in people(sqlite_store)["018"]
        brings(sqlite_store, "member", path, skip=True)

        assert "周一" in people(sqlite_store)["018"]

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (("030", "新单位", "没有的"), "没有这个代码的单位"),
            (("030", "新单位", "030"), "上级不能是它自己"),
            (("0 30", "新单位", "018"), "字母、数字、汉字或横线"),
            (("030", "", "018"), "应是 1 到 60 个字"),
            (("030", "第二个市", ""), "只能有一个"),
            (("030", "新单位", "018", "省级"), "可以写的是：市级"),
            (("030", "新单位", "018", "", "外星"), "可以写的是：地方工会"),
            (("030", "新单位", "018", "", "", "纺织厂一家人"), "已经是单位 018 的口令"),
            (("211100", "盘锦市总工会", "018"), "不能有上级"),
        ],
    )
    def test_of_unions_with_a_fault_says_which(
        self, sqlite_store: Store, tmp_path: Path, line: tuple[str, ...], reason: str
    ) -> None:
        settled(sqlite_store, tmp_path)
        path = sheet(tmp_path / "bad.csv", [TREE[0], line])

        said: list[str] = []
        code = take_in(sqlite_store, Options(file=path, dry_run=True), NOW, "union", said.append)

        assert code == 1
        assert any(reason in words for words in said), said

    def test_whose_unions_go_in_a_circle_is_refused(self, sqlite_store: Store, tmp_path: Path) -> None:
        settled(sqlite_store, tmp_path)
        circle = [TREE[0][:3], ("018", "辽河纺织厂工会", "020"), ("020", "二车间分会", "018")]

        said: list[str] = []
        take_in(
            sqlite_store,
            Options(file=sheet(tmp_path / "c.csv", circle), dry_run=True),
            NOW,
            "union",
            said.append,
        )

        assert sum("绕了一圈" in words for words in said) == 2

    @pytest.mark.parametrize(
        ("name", "data", "words"),
        [
            ("no.csv", None, "没有找到会员名单"),
            ("old.xls", b"\xd0\xcf\x11\xe0rest", "老式 Excel"),
            ("broken.xlsx", b"PK\x03\x04rest", "不是能读的 Excel"),
            ("empty.csv", b"", "缺少 单位代码"),
            ("head.csv", "代码,名字\n".encode(), "不认识 代码"),
            ("binary.csv", b"\0\xff\0", "不是文字文件"),
        ],
    )
    def test_that_is_no_list_is_refused_in_words(
        self,
        sqlite_store: Store,
        tmp_path: Path,
        name: str,
        data: bytes | None,
        words: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        if data is not None:
            (tmp_path / name).write_bytes(data)

        with pytest.raises(SystemExit):
            take_in(sqlite_store, Options(file=tmp_path / name, dry_run=True), NOW, "member")

        assert words in capsys.readouterr().err

    def test_saved_by_an_older_program_is_read_as_well(self, sqlite_store: Store, tmp_path: Path) -> None:
        brings(sqlite_store, "union", sheet(tmp_path / "unions.csv", TREE, "gb18030"))

        assert path_of(sqlite_store, "2112") == "2112/"

    def test_that_was_broken_off_goes_on_where_it_was(
        self, sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settled(sqlite_store, tmp_path)
        many = [MEMBERS[0], *(("018", f"职工{n}", f"137{n:08}", "") for n in range(1300))]
        path = sheet(tmp_path / "many.csv", many)
        take_in(sqlite_store, Options(file=path, dry_run=True), NOW, "member")
        whole, calls = member.take_in, []

        def breaks_off(
            connection: Connection, portion: list[member.New], now: datetime, **more: bool
        ) -> member.Came:
            calls.append(len(portion))
            if len(calls) == 2:
                raise KeyboardInterrupt
            return whole(connection, portion, now, **more)

        monkeypatch.setattr(intake.member, "take_in", breaks_off)
        with pytest.raises(KeyboardInterrupt):
            take_in(sqlite_store, Options(file=path), NOW, "member")
        assert len(people(sqlite_store)["018"]) == 502
        said: list[str] = []
        take_in(sqlite_store, Options(file=path), NOW, "member", said.append)

        assert "从第 501 行后面开始" in said[0]
        assert len(people(sqlite_store)["018"]) == 1302
        assert calls[2:] == [500, 300]


class TestTheTree:
    def test_is_told_with_the_totals_of_each_union(self, sqlite_store: Store, tmp_path: Path) -> None:
        settled(sqlite_store, tmp_path)
        said: list[str] = []

        listed(sqlite_store, said.append)

        assert said[0] == "盘锦市总工会（211100，市级）会员 4，绑定 0"
        assert "　双台子区总工会（2111，县区级）会员 3，绑定 0" in said

    def test_a_union_moves_with_all_below_it_and_their_requests(self, store: Store, tmp_path: Path) -> None:
        settled(store, tmp_path)

        move(store, "018", "2112", NOW)

        assert path_of(store, "020") == "2112/018/020/"
        assert totals(store)["2112/"] == 4
        assert "2111/" not in totals(store) or totals(store)["2111/"] == 0

    @pytest.mark.parametrize(
        ("code", "to", "words"),
        [
            ("018", "020", "不能移到自己下面"),
            ("018", "018", "不能移到自己下面"),
            ("211100", "018", "是最上面的一级"),
            ("777", "018", "没有代码是 777 的单位"),
        ],
    )
    def test_nothing_hangs_below_itself(
        self,
        sqlite_store: Store,
        tmp_path: Path,
        code: str,
        to: str,
        words: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        settled(sqlite_store, tmp_path)

        with pytest.raises(SystemExit):
            move(sqlite_store, code, to, NOW)

        assert words in capsys.readouterr().err

    def test_a_union_that_is_merged_gives_all_it_has_and_says_where_it_went(
        self, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settled(store, tmp_path)
        with store.writing() as connection:
            one = union.coded(connection, "018")
            assert one
            binding.bind(connection, "oA", one.id, binding.SCAN, NOW)

        merge(store, "018", "019", NOW)

        assert people(store) == {"019": {"王桂兰", "李建国", "孙海燕"}, "020": {"赵铁柱"}}
        assert path_of(store, "020") == "2112/019/020/"
        with store.reading() as connection:
            found, new = binding.of(connection, "oA"), union.coded(connection, "019")
        assert found
        assert new
        assert found.union_id == new.id
        with pytest.raises(SystemExit):
            move(store, "018", "2111", NOW)
        assert "已经并入 红海滩旅游公司工会（019）" in capsys.readouterr().err

    def test_a_union_is_closed_when_nothing_hangs_below_it(
        self, sqlite_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settled(sqlite_store, tmp_path)
        with pytest.raises(SystemExit):
            close(sqlite_store, "018", NOW)
        assert "下面还有 1 个单位" in capsys.readouterr().err

        close(sqlite_store, "020", NOW)
        close(sqlite_store, "018", NOW)

        assert totals(sqlite_store)[""] == 1

    def test_a_month_that_is_over_keeps_its_tree_and_its_figures(
        self, sqlite_store: Store, tmp_path: Path
    ) -> None:
        settled(sqlite_store, tmp_path)

        move(sqlite_store, "018", "2112", NEXT_MONTH)
        merge(sqlite_store, "019", "018", NEXT_MONTH)

        with sqlite_store.reading() as connection:
            march = {path: count.members for path, count in month.of_month(connection, "2027-03").items()}
        assert march == {"": 4, "2111/": 3, "2111/018/": 3, "2111/018/020/": 1, "2112/": 1, "2112/019/": 1}
        assert totals(sqlite_store) == {
            "": 4,
            "2111/": 0,
            "2112/": 4,
            "2112/018/": 4,
            "2112/018/020/": 1,
            "2112/019/": 0,
        }

    def test_totals_after_a_thousand_random_moves_and_merges_equal_a_recount(
        self, sqlite_store: Store
    ) -> None:
        dice = random.Random(7)
        with sqlite_store.writing() as connection:
            grow(connection, dice)
            requests_of(connection)
        done: Counter[str] = Counter()
        for _ in range(1000):
            codes = living(sqlite_store)
            code, to = dice.sample(codes, 2)
            deed = tree.merge if len(codes) > 60 and dice.random() < 0.2 else tree.move
            try:
                with sqlite_store.writing() as connection:
                    deed(connection, code, to, NOW)
                done[deed.__name__] += 1
            except tree.Refused:
                done["refused"] += 1

        with sqlite_store.reading() as connection:
            assert {path: count.members for path, count in month.totals(connection).items()} == recount(
                connection
            )
        assert done["move"] > 300
        assert done["merge"] > 50


# --- what the tests look at --------------------------------------------------------------------------------------


def people(store: Store) -> dict[str, set[str]]:
    """The members of each union."""
    found: dict[str, set[str]] = {}
    query = sa.select(unions.c.code, members.c.name).where(
        members.c.union_id == unions.c.id, members.c.left_at.is_(None)
    )
    with store.reading() as connection:
        for row in connection.execute(query):
            found.setdefault(row.code, set()).add(row.name)
    return found


def rows(store: Store) -> list[tuple[object, ...]]:
    with store.reading() as connection:
        tables = (sa.select(table).order_by(table.c.id) for table in (unions, members))
        return [tuple(row) for query in tables for row in connection.execute(query)]


def totals(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        return {path: count.members for path, count in month.totals(connection).items()}


def living(store: Store) -> list[str]:
    with store.reading() as connection:
        return [one.code for one in union.every(connection) if not one.closed_at]


def grow(connection: Connection, dice: random.Random) -> None:
    """Two hundred unions, each under one that was there before, with up to four members each."""
    made = [tree.New("top", "市", "", "city", "federation")]
    made += [
        tree.New(f"u{n}", f"单位{n}", dice.choice(made[-40:]).code if n % 3 else "top", "base", "enterprise")
        for n in range(200)
    ]
    tree.take_in(connection, made, NOW)
    known = {one.code: one.id for one in union.every(connection)}
    new = [
        member.New(known[f"u{n}"], f"人{n}-{k}", "", f"N{n}-{k}")
        for n in range(200)
        for k in range(dice.randrange(5))
    ]
    member.take_in(connection, new, NOW)


def requests_of(connection: Connection) -> None:
    """A request in none: the moves look at its table, too."""
    assert connection.execute(sa.select(sa.func.count()).select_from(requests)).scalar() == 0


def recount(connection: Connection) -> dict[str, int]:
    """Each member carried up from parent to parent, by no path at all."""
    rows = {one.id: one for one in union.every(connection)}
    found = dict.fromkeys((one.path for one in rows.values()), 0)
    for number in connection.execute(
        sa.select(members.c.union_id).where(members.c.left_at.is_(None))
    ).scalars():
        here: int | None = number
        while here is not None:
            found[rows[here].path] += 1
            here = rows[here].parent_id
    return found
