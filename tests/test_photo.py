"""Photos that workers send: turned, stripped and made small; by page and by chat; seen by others only when the staff say so."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from conftest import Scratch, free_port
from kind_cast import HIDDEN, WISH, Browser, Pages, Union, campaign
from ledger_cast import follow
from PIL import Image
from server_cast import serving
from site_cast import Site, nginx, site, stage

from ground import photo as photos
from jobs.photos import Fetcher
from models import photo, session
from models.base import Store
from models.delivery import deliveries
from models.push import pushes
from wx.client import Api, MemoryTokens
from wx.simulator import Phone
from wx.simulator.server import PlatformServer

__all__ = ["site", "stage"]
PATH = "/h5/c/spring-wish"
HEIC = b"\0\0\0\x18ftypheic" + b"x" * 200
ORIENTATION, GPS = 0x0112, 0x8825


def jpeg(width: int = 300, height: int = 200, *, held: int = 1) -> bytes:
    """A photo, red on its left half, with the place where it was taken; `held`: how the phone was."""
    image = Image.new("RGB", (width, height), "white")
    image.paste("red", (0, 0, width // 2, height))
    exif = Image.Exif()
    exif[ORIENTATION] = held
    exif.get_ifd(GPS)[1] = "N"
    exif[0x010F] = "canary-phone"
    written = io.BytesIO()
    image.save(written, "JPEG", exif=exif, quality=90)
    return written.getvalue()


def as_kind(kind: str, mode: str = "RGB", size: tuple[int, int] = (300, 200)) -> bytes:
    written = io.BytesIO()
    Image.new(mode, size).save(written, kind)
    return written.getvalue()


def zipped() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        packed.writestr("photo.jpg", jpeg())
    return written.getvalue()


class TestReading:
    def test_turns_the_photo_as_the_phone_was_held_and_forgets_where_it_was(self) -> None:
        read = photos.read(jpeg(3000, 2000, held=6))  # a quarter turn: what was left is on top

        for name, side in photos.SIZES.items():
            size = read.sizes[name]
            with Image.open(io.BytesIO(size.data)) as seen:
                assert (seen.width, seen.height) == (size.width, size.height)
                assert (size.height, size.width) == (side, side * 2 // 3 + (side * 2 % 3 > 1))
                assert seen.getpixel((seen.width // 2, 9))[1] < 90 < seen.getpixel((9, seen.height - 9))[1]  # type: ignore[index]
                assert not seen.getexif()
            assert b"canary-phone" not in size.data
            assert len(size.data) <= photos.MOST_OF_ONE

    @pytest.mark.parametrize(
        ("kind", "mode"),
        [
            ("PNG", "RGBA"),
            ("PNG", "P"),
            ("PNG", "1"),
            ("GIF", "P"),
            ("WEBP", "RGBA"),
            ("BMP", "L"),
            ("JPEG", "CMYK"),
        ],
    )
    def test_takes_whatever_a_phone_makes(self, kind: str, mode: str) -> None:
        assert set(photos.read(as_kind(kind, mode)).sizes) == set(photos.SIZES)

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"", "空文件"),
            (HEIC, "HEIC"),
            (zipped(), "压缩包"),
            (b"%PDF-1.7", "PDF"),
            (b"<svg onload=alert(1)>", "SVG"),
            (b"\0\0\0\x18ftypmp42", "视频"),
            (b"GIF89a, honestly", "打不开"),
            (jpeg()[:400], "打不开"),
            (as_kind("PNG", "1", (30_000, 30_000)), "30000 × 30000"),  # 110 kB that would be 900 MB
            (as_kind("PNG", size=(40, 8)), "40 × 8"),
            (b"\xff\xd8\xff" + bytes(20 * 1024 * 1024), "最多 20 MB"),
        ],
        ids=["empty", "heic", "zip", "pdf", "svg", "film", "no gif", "half", "bomb", "sliver", "long"],
    )
    def test_refuses_everything_else_in_words(self, data: bytes, said: str) -> None:
        with pytest.raises(photos.NoPhoto, match=said):
            photos.read(data)


@pytest.fixture
def union(store: Store) -> Iterator[Union]:
    made = Union(store, [campaign(WISH, wish={"per_person": 5, "photos": True})])
    yield made
    made.close()


@pytest.fixture
def sqlite_union(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store, [campaign(WISH, wish={"per_person": 5, "photos": True})])
    yield made
    made.close()


def wishes_with(browser: Browser, data: bytes, words: str = "这样的手套") -> str:
    browser.opens(f"{PATH}?what=make&words={words}")
    return browser.sends(PATH, words=words, photo=(io.BytesIO(data), "IMG_1.jpg"))  # type: ignore[arg-type]


def keys(union: Union) -> list[tuple[str, str]]:
    """Key and state of every photo."""
    with union.store.reading() as connection:
        rows = connection.execute(
            sa.select(photo.photos.c.key, photo.photos.c.state).order_by(photo.photos.c.id)
        )
        return [(row.key, row.state) for row in rows]


def number_of(union: Union) -> str:
    """What the staff call the first one."""
    with union.store.reading() as connection:
        return str(connection.execute(sa.select(sa.func.min(photo.photos.c.id))).scalar_one())


def told(union: Union, phone: Phone) -> list[str]:
    """What is owed to this person."""
    with union.store.reading() as connection:
        query = sa.select(pushes.c.content).join(deliveries, deliveries.c.push_id == pushes.c.id)
        return list(connection.execute(query.where(deliveries.c.recipient == phone.openid)).scalars())


class TestByPage:
    def test_is_seen_by_its_own_person_until_the_staff_show_it_to_everybody(self, union: Union) -> None:
        pages = Pages(union)
        phone, wang, li = union.phone("王师傅"), pages.browser(), pages.browser()
        wang.signs_in(phone, PATH)
        assert "您的心愿是" in wishes_with(wang, jpeg())
        ((key, state),) = keys(union)
        address = f"/h5/photo/{key}/small"

        assert state == photo.PENDING
        assert wang.client.get(address).data.startswith(b"\xff\xd8")
        assert li.client.get(address).status_code == 404
        assert address not in li.opens(PATH)
        union.staff_does("show-photo", number_of(union))
        assert address in li.opens(PATH)
        seen = li.client.get(address)
        assert seen.headers["Content-Type"] == "image/jpeg"
        assert "public" in seen.headers["Cache-Control"]
        union.staff_does("hide-photo", number_of(union), "看得见别人的脸")
        assert address not in li.opens(PATH)
        assert li.client.get(address).status_code == 404
        assert any("看得见别人的脸" in words for words in told(union, phone))

    def test_that_is_none_is_refused_with_what_was_typed_kept(self, sqlite_union: Union) -> None:
        wang = Pages(sqlite_union).browser()
        wang.signs_in(sqlite_union.phone("王师傅"), PATH)
        page = wishes_with(wang, zipped())

        assert "这是压缩包" in page
        assert "这样的手套</textarea>" in page
        assert keys(sqlite_union) == []
        assert "您的心愿是" in wang.sends(PATH, words="这样的手套", photo=(io.BytesIO(jpeg()), "b.jpg"))  # type: ignore[arg-type]

    def test_stays_when_something_else_was_wrong(self, sqlite_union: Union) -> None:
        wang = Pages(sqlite_union).browser()
        wang.signs_in(sqlite_union.phone("王师傅"), PATH)
        page = wishes_with(wang, jpeg(), "票" * 201)
        ((key, _),) = keys(sqlite_union)

        assert f"/h5/photo/{key}/small" in page
        assert "您的心愿是" in wang.sends(PATH, words="一双手套")
        assert [state for _, state in keys(sqlite_union)] == [photo.PENDING]
        with sqlite_union.store.reading() as connection:
            assert photo.of_edition(connection, 1, (photo.PENDING,))

    def test_of_somebody_else_cannot_be_sent_as_ones_own(self, sqlite_union: Union) -> None:
        pages = Pages(sqlite_union)
        wang, li = pages.browser(), pages.browser()
        wang.signs_in(sqlite_union.phone("王师傅"), PATH)
        wishes_with(wang, jpeg())
        ((key, _),) = keys(sqlite_union)
        li.signs_in(sqlite_union.phone("李大姐"), PATH)
        li.opens(f"{PATH}?what=make&words=另外的心愿&photo={key}")

        assert "这张照片不在了" in li.sends(PATH, words="另外的心愿", photo=key)

    def test_goes_with_its_person_and_unsent_ones_go_after_a_week(self, union: Union) -> None:
        wang = Pages(union).browser()
        wang.signs_in(union.phone("王师傅"), PATH)
        wishes_with(wang, jpeg())
        wishes_with(wang, jpeg(310), "票" * 201)
        with union.store.writing() as connection:
            assert photo.sweep(connection, union.clock.now() + photo.KEPT * 2) == 1
        union.phone("王师傅").unfollows()

        assert keys(union) == []
        with union.store.reading() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(photo.photo_sizes)).scalar() == 0


CAMPAIGN = """
[[campaigns]]
id = "spring-wish"
title = "春节发福利"
kind = "wish"
from = "01-01"
to = "12-31"
[campaigns.wish]
photos = true
"""


def test_of_twenty_megabytes_passes_nginx_and_the_real_server(
    site: Site, scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGHUI_ACCOUNT__TESTERS", "oWang")
    url = scratch.bare("sqlite", tmp_path)
    data = jpeg(4000, 3000).ljust(photos.MOST_BYTES - 1, b"\0")
    address = f"https://127.0.0.1:{site.port}{PATH}"
    with (
        serving(tmp_path, url, free_port(), processes=1, campaigns=CAMPAIGN) as server,
        nginx(site, server.port),
        contextlib.closing(Store(url)) as store,
        requests.Session() as visitor,
    ):
        follow(store, ["oWang"])
        with store.writing() as connection:
            visitor.cookies.set("visit", session.begin(connection, "oWang", datetime.now(UTC)))
        visitor.headers["Host"] = "wx.example.org"
        trust: Any = {"verify": str(site.stage / "etc/nginx/gonghui/fullchain.pem"), "timeout": 60}
        page = visitor.get(address, params={"what": "make"}, **trust).text
        hidden = dict(HIDDEN.findall(page))
        filled = {**hidden, "words": "这样的手套"}
        answer = visitor.post(address, data=filled, files={"photo": ("IMG_1.jpg", data)}, **trust)
        with store.reading() as connection:
            (kept,) = photo.of_edition(connection, 1, (photo.PENDING,))
            small = photo.data(connection, kept.id, "small")

    assert "您的心愿是" in answer.text
    assert small is not None
    assert len(small) < photos.MOST_OF_ONE


class TestByChat:
    @pytest.fixture
    def fetcher(self, union: Union) -> Iterator[Fetcher]:
        with PlatformServer(union.platform) as far:
            account = union.account.model_copy(update={"api_base": far.url})
            yield Fetcher(union.store, Api(account, MemoryTokens()), union.clock.now)

    def wishes(self, union: Union, phone: Phone) -> None:
        phone.taps("WISH")
        for said in ("1", "1", "这样的手套"):
            phone.says(said)

    def test_is_fetched_from_wechat_and_waits_for_the_staff(self, union: Union, fetcher: Fetcher) -> None:
        wang = union.phone("王师傅")
        self.wishes(union, wang)
        assert "照片收到了" in wang.sends_picture(jpeg())
        assert "您的心愿是" in wang.says("提交")

        assert [state for _, state in keys(union)] == [photo.AWAITED]
        assert fetcher.step() == 1
        assert [state for _, state in keys(union)] == [photo.PENDING]
        assert fetcher.step() == 0

    def test_that_is_none_is_told_and_the_next_one_takes_its_place(
        self, union: Union, fetcher: Fetcher
    ) -> None:
        wang = union.phone("王师傅")
        self.wishes(union, wang)
        wang.sends_picture(HEIC)
        wang.says("提交")
        fetcher.step()

        assert [state for _, state in keys(union)] == [photo.BROKEN]
        assert re.search("HEIC.*再发一张照片", " ".join(told(union, wang)))
        assert "换成这一张" in wang.sends_picture(jpeg())
        fetcher.step()
        assert [state for _, state in keys(union)] == [photo.PENDING]

    def test_may_be_left_out(self, sqlite_store: Store) -> None:
        union = Union(sqlite_store, [campaign(WISH, wish={"per_person": 5, "photos": True})])
        wang = union.phone("王师傅")
        self.wishes(union, wang)
        wang.says("跳过")

        assert "您的心愿是" in wang.says("提交")
        assert keys(union) == []
        union.close()
