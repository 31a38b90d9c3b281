"""At the door of a sign-up: colleagues scan, look for people, let them in, hand goods over with a proof, and undo what was wrong."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from desk_cast import Colleague, Pages, Union, deeds
from test_photo import jpeg
from test_sign_up import cooling, left, number, opens, signs_up

from models import audit, photo, sign_up
from models.base import Store
from models.handout import handouts
from models.photo import photos

DOOR = "/console/check-in/1"


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    """Names and telephone numbers are asked."""
    made = Union(sqlite_store, [cooling(phones=True)])
    yield made
    made.close()


@pytest.fixture
def sun(union: Union) -> Colleague:
    """A colleague who looks after activities, at the door's page."""
    wang = union.phone("王师傅")
    opens(union, wang)
    for said in ("1", "2", "同意", "王建国", "13912345678", "提交"):
        wang.says(said)
    one = Colleague(Pages(union), "sun").is_let_in("campaign")
    one.opens(DOOR)
    return one


def first(union: Union) -> sign_up.SignUp:
    with union.store.reading() as connection:
        return sign_up.of_edition(connection, 1)[0]


def test_a_scanned_code_lets_somebody_in_at_once_and_a_second_scan_says_so(
    union: Union, sun: Colleague
) -> None:
    code = first(union).code
    sun.sends(f"{DOOR}/scan", q=f"http://localhost{DOOR}?q={code}".lower())

    assert "B1 签到了：河东站，2 人。注意：这一场是 2月3日 09:00 的，不是今天。" in sun.text
    assert "王**" in sun.text
    assert first(union).came_at
    sun.sends(f"{DOOR}/scan", q=code)
    assert sun.status == 409
    assert "已经签过到了" in sun.text
    sun.sends(f"{DOOR}/do/not-come", number="B1")
    assert "撤销了" in sun.text
    assert first(union).came_at is None
    assert [deed for _, deed, _ in deeds(union.store) if deed in ("come", "not-come")] == ["come", "not-come"]


def test_a_phones_camera_opens_the_page_and_lets_nobody_in_by_itself(union: Union, sun: Colleague) -> None:
    wang = union.phone("王师傅")
    browser = sun.pages.browser()
    browser.signs_in(wang)
    mine = browser.opens("/h5/me")
    assert "B1 的签到码" in mine
    assert "<svg" in mine

    sun.opens(f"{DOOR}?q={first(union).code}")

    assert "王**" in sun.text
    assert ">签到</button>" in sun.text
    assert first(union).came_at is None


@pytest.mark.parametrize(
    ("words", "there"),
    [("B1", True), ("b1", True), ("建国", True), ("5678", True), ("B9", False), ("%", False)],
)
def test_somebody_is_found_by_number_name_or_the_end_of_a_telephone_number(
    union: Union, sun: Colleague, words: str, there: bool
) -> None:
    sun.sends(f"{DOOR}/scan", q=words)

    assert ("B1 王**" in sun.text) == there
    assert "王建国" not in sun.text
    assert ("没有找到" in sun.text) != there
    assert "13912345678" not in sun.text
    looked = [object_ for _, deed, object_ in deeds(union.store) if deed == "look up"]
    assert looked == (["cooling/1"] if there else [])


def test_a_name_is_not_looked_for_by_an_address_and_nobody_else_opens_the_door(
    union: Union, sun: Colleague
) -> None:
    assert "王建国" not in sun.opens(f"{DOOR}?q=王建国")
    li = Colleague(sun.pages, "li").is_let_in("letter")
    li.opens(DOOR)
    assert li.status == 403
    sun.opens("/console/check-in/7")
    assert sun.status == 404


class TestGoods:
    def test_are_given_to_the_person_once(self, union: Union, sun: Colleague) -> None:
        sun.sends(f"{DOOR}/give", number="B1", item="毛巾")
        assert "B1 领走 毛巾 1 份" in sun.text
        sun.sends(f"{DOOR}/give", number="B1", item="毛巾")

        assert sun.status == 409
        assert "每人只领一次" in sun.text
        assert left(union) == 9

    def test_go_to_a_proxy_with_a_drawn_signature_that_only_the_staff_see_and_each_look_is_noted(
        self, union: Union, sun: Colleague
    ) -> None:
        sun.sends(f"{DOOR}/give", number="B1", item="毛巾", proxy="王建军")
        assert "代领要有凭据" in sun.text
        assert 'value="王建军"' in sun.text
        sun.sends(
            f"{DOOR}/give", number="B1", item="毛巾", proxy="王建军", drawn="data:image/png;base64,AAAA"
        )
        assert "签名没有传好" in sun.text
        sun.sends(f"{DOOR}/give", number="B1", item="毛巾", proxy="王建军", drawn=drawn())

        assert "王**（手写签名）" in sun.text
        address = re.search(rf'href="({DOOR}/proof/\d+)"', sun.text)
        assert address
        assert sun.client.get(address[1]).mimetype == "image/jpeg"
        with union.store.reading() as connection:
            (kept,) = connection.execute(sa.select(photos)).all()
            written = " ".join(connection.execute(sa.select(audit.audit.c.details)).scalars())
        assert (kept.state, kept.openid) == (photo.PROOF, None)
        assert sun.client.get(f"/h5/photo/{kept.key}/large").status_code == 404
        done = [deed for _, deed, _ in deeds(union.store) if deed != "look up"]
        assert done == ["give", "look at proof"]
        assert "王建" not in written  # the audit forgets nothing, so it holds no names

    def test_are_proved_by_a_photo_or_a_typed_name_and_taken_back(self, union: Union, sun: Colleague) -> None:
        sun.sends(
            f"{DOOR}/give", number="B1", item="毛巾", proxy="王建军", photo=(io.BytesIO(jpeg()), "a.jpg")
        )
        assert "王**（照片）" in sun.text
        sun.sends(f"{DOOR}/do/take-back", number="B1", item="毛巾", reason="拿错了")
        assert "收回了" in sun.text
        sun.sends(f"{DOOR}/give", number="B1", item="毛巾", proxy="王建军", signed="王建军")

        assert "王**（代领人姓名）" in sun.text
        assert left(union) == 9
        with union.store.reading() as connection:
            held = list(connection.execute(sa.select(handouts.c.held).order_by(handouts.c.id)).scalars())
        assert held == [None, "毛巾"]

    def test_a_file_that_is_no_photo_is_refused_in_words(self, union: Union, sun: Colleague) -> None:
        sun.sends(f"{DOOR}/give", number="B1", item="毛巾", photo=(io.BytesIO(b"PK\3\4zip"), "a.jpg"))

        assert sun.status == 409
        assert left(union) == 10


def test_who_waits_is_not_let_in(sqlite_store: Store) -> None:
    union = Union(sqlite_store, [cooling(names=False)])
    signs_up(union, "王师傅", "3")
    li = signs_up(union, "李大姐")
    sun = Colleague(Pages(union), "sun").is_let_in("campaign")
    sun.opens(DOOR)
    sun.sends(f"{DOOR}/do/come", number=number(li))

    assert "没有名额，不能签到" in sun.text
    assert "到场 0 人，候补 1 份" in sun.text
    union.close()


def drawn() -> str:
    """A signature as the page sends it."""
    from PIL import Image

    seen = io.BytesIO()
    Image.new("RGB", (600, 240), "white").save(seen, "PNG")
    return "data:image/png;base64," + base64.b64encode(seen.getvalue()).decode()
