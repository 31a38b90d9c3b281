"""组织 and 会员 at the desk: looked through, brought in, changed, and each part's colleague keeps to that part."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_cast import Colleague, Pages, Union, deeds
from union_cast import MEMBERS, NOW, TREE, path_of, settled, sheet

from commands.union import merge
from models import month
from models import staff as people
from web.console.routes import routes

LISTS_BELOW = ("unions", "members")


@pytest.fixture
def city(sqlite_store, tmp_path: Path) -> Iterator[Union]:  # type: ignore[no-untyped-def]
    made = Union(sqlite_store)
    settled(sqlite_store, tmp_path)
    yield made
    made.close()


@pytest.fixture
def pages(city: Union) -> Pages:
    return Pages(city, make_code=lambda scene: f"http://weixin.qq.com/q/{scene.replace(':', '-')}")


def of_part(pages: Pages, code: str, *duties: str) -> Colleague:
    """A colleague of one part of the tree."""
    one = Colleague(pages, f"of-{code}").is_let_in(*(duties or ("lead",)))
    with pages.union.store.writing() as connection:
        connection.execute(people.staff.update().where(people.staff.c.login == one.login).values(scope=code))
    return one


class TestTheCity:
    def test_sees_the_whole_tree_with_totals_and_each_union(self, pages: Pages) -> None:
        wang = Colleague(pages).is_let_in("lead")

        page = wang.opens("/console/unions")
        assert "辽河纺织厂二车间分会" in page
        page = wang.opens("/console/union/2111")

        assert "<b>3</b>位会员（含下级）" in page
        assert "辽河纺织厂工会" in page

    def test_finds_a_member_by_the_whole_phone_and_reads_no_name_or_number_in_clear(
        self, pages: Pages
    ) -> None:
        wang = Colleague(pages).is_let_in("lead")

        page = wang.opens("/console/members?find=13800000001")

        assert "王**" in page
        assert "138****0001" in page
        assert "王桂兰" not in page
        assert "李*" not in page
        assert ("wang", "look", "members") in deeds(pages.union.store)

    def test_brings_in_a_list_after_looking_it_over(self, pages: Pages, tmp_path: Path) -> None:
        wang = Colleague(pages).is_let_in("lead")
        more = sheet(tmp_path / "more.csv", [*MEMBERS, ("018", "周新", "13900000001", "")]).read_bytes()
        wang.opens("/console/intake/members")

        assert "还没有试读过" in wang.sends(
            "/console/intake/members", do="take", file=(io.BytesIO(more), "more.csv")
        )
        page = wang.sends("/console/intake/members", do="look", file=(io.BytesIO(more), "more.csv"))
        assert "试读完了：5 行：新的 1，要改的 0，已经有的 4" in page
        assert totals(pages)[""] == 4
        page = wang.sends("/console/intake/members", do="take", file=(io.BytesIO(more), "more.csv"))

        assert "导入完了" in page
        assert totals(pages)[""] == 5
        assert deeds(pages.union.store)[-1] == ("wang", "import members", "members")

    def test_reads_which_lines_are_wrong_and_why(self, pages: Pages, tmp_path: Path) -> None:
        wang = Colleague(pages).is_let_in("lead")
        bad = sheet(tmp_path / "bad.csv", [TREE[0][:3], ("030", "<script>", "没有的")]).read_bytes()
        wang.opens("/console/intake/unions")

        page = wang.sends("/console/intake/unions", do="look", file=(io.BytesIO(bad), "bad.csv"))

        assert "没有这个代码的单位" in page
        assert "<script>" not in page.replace('<script type="module"', "")

    def test_moves_merges_and_closes_after_being_asked(self, pages: Pages) -> None:
        wang = Colleague(pages).is_let_in("lead")
        wang.opens("/console/union/018")

        assert "移到 大洼区总工会（2112） 下面" in wang.sends("/console/union/018/move", to="2112")
        assert "移好了" in wang.is_sure()
        assert path_of(pages.union.store, "020") == "2112/018/020/"
        wang.sends("/console/union/019/merge", to="018")
        assert "合并以后的单位" in wang.is_sure()
        assert "下面还有 1 个单位" in (wang.sends("/console/union/018/close"), wang.is_sure())[1]
        assert totals(pages)["2112/018/"] == 4

    def test_makes_a_code_for_a_place_and_prints_it(self, pages: Pages) -> None:
        wang = Colleague(pages).is_let_in("lead")
        wang.opens("/console/union/018")

        page = wang.sends("/console/union/018/code", place="食堂")
        wang.sends("/console/union/018/code", place="食堂")

        assert "<svg" in page
        assert "辽河纺织厂工会" in page
        assert wang.opens("/console/union/018").count("/poster/") == 1


class TestAPart:
    @pytest.mark.parametrize("name", LISTS_BELOW)
    def test_lists_and_exports_hold_its_own_and_nothing_of_its_neighbour(
        self, pages: Pages, name: str
    ) -> None:
        county = of_part(pages, "2111")
        own, other = {"unions": ("纺织厂", "红海滩"), "members": ("辽河纺织厂工会", "红海滩")}[name]

        page = county.opens(f"/console/{name}")
        assert own in page
        assert other not in page
        for find in ("13800000004", "PJ0004", "019", "红海滩"):
            assert "红海滩旅游" not in county.opens(f"/console/{name}?find={find}")
        county.opens(f"/console/{name}")
        taken = county.sends(f"/console/export/{name}", purpose="核对", **{"as": "csv"})
        assert own in taken
        assert other not in taken

    def test_every_list_either_keeps_to_the_part_or_is_shut(self, pages: Pages) -> None:
        county = of_part(pages, "2111")

        for route in routes(pages.parts):
            if route.duties and not route.post and "<" not in route.path:
                page = county.opens(f"/console{route.path}")
                assert (county.status == 403) == (not route.below), route.path
                assert "红海滩" not in page
                assert "大洼" not in page

    def test_finds_no_union_of_its_neighbour_by_any_door(self, pages: Pages) -> None:
        county = of_part(pages, "2111")
        county.opens("/console/union/018")
        assert county.status == 200

        for path in ("/console/union/019", "/console/union/2112", "/console/union/211100"):
            county.opens(path)
            assert county.status == 404, path
            county.opens("/console/union/018")
            for deed in ("move", "merge", "close", "code"):
                county.sends(f"{path}/{deed}", to="018", place="门口", sure="1")
                assert county.status == 404, (path, deed)
                county.opens("/console/union/018")

    def test_neither_moves_out_of_itself_nor_moves_itself(self, pages: Pages) -> None:
        county = of_part(pages, "2111")
        county.opens("/console/union/018")
        county.sends("/console/union/018/move", to="2112")
        assert "没有代码是 2112 的单位" in county.is_sure()
        county.sends("/console/union/2111/close")
        assert "要请上一级的同志来做" in county.is_sure()
        assert path_of(pages.union.store, "018") == "2111/018/"

    def test_brings_in_members_of_its_own_unions_only(self, pages: Pages, tmp_path: Path) -> None:
        county = of_part(pages, "2111", "campaign")
        both = (MEMBERS[0], ("018", "周一", "13900000001", ""), ("019", "周二", "13900000002", ""))
        raw = sheet(tmp_path / "both.csv", both).read_bytes()
        county.opens("/console/intake/members")

        page = county.sends("/console/intake/members", do="look", file=(io.BytesIO(raw), "both.csv"))
        assert "不归您管" in page
        county.sends("/console/intake/members", do="take", skip="1", file=(io.BytesIO(raw), "both.csv"))

        assert totals(pages)["2111/"] == 4
        assert totals(pages)["2112/"] == 1

    def test_of_a_works_that_was_merged_goes_with_it(self, pages: Pages) -> None:
        works = of_part(pages, "020")
        assert "二车间" in works.opens("/console/unions")

        merge(pages.union.store, "020", "019", NOW)

        assert "红海滩" in works.opens("/console/unions")
        assert "纺织厂工会" not in works.text

    def test_has_its_own_figures_in_the_morning(self, pages: Pages) -> None:
        county = of_part(pages, "2111")

        assert "<b>3</b>" in county.opens("/console/").replace(" ", "")
        assert "位关注者</a>" not in county.text


def totals(pages: Pages) -> dict[str, int]:
    with pages.union.store.reading() as connection:
        return {path: count.members for path, count in month.totals(connection).items()}
