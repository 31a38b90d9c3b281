"""Pictures and lists of a push: `check` and the sender read them alike, whatever staff have put into the folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from config_cast import read
from push_cast import JPEG, Office

from channels import ChannelError, Parcel
from channels.article import images
from commands import check as forecast
from models.base import Store

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 10
WEBP = b"RIFF\x10\0\0\0WEBPVP8 " + b"x" * 20
MEGABYTE = 1024 * 1024
FILES = {
    "a.png": PNG,
    "A B.JPG": JPEG,
    "a&b.png": PNG,
    "图.png": PNG,
    "sub/b.jpg": JPEG,
    "p.webp": WEBP,
    "renamed.png": WEBP,
    "renamed.jpg": b"\0\0\0\x18ftypheic" + b"x" * 20,
    "page.png": b"<!DOCTYPE html><p>404</p>",
    "drawing.svg": b"<svg/>",
    "empty.jpg": b"",
    "11mb.png": PNG + b"x" * (11 * MEGABYTE),
    "2mb.png": PNG + b"x" * (2 * MEGABYTE),
    "x.gif": b"GIF89a" + b"x" * 20,
    "gif.png": b"GIF89a" + b"x" * 20,
    "big.jpg": JPEG + b"x" * (2 * MEGABYTE),
}
GOOD_TEXTS = [
    "没有图片，只有 a < b",
    '<img src="a.png">',
    "<img src='a.png'>",
    "<img src=a.png>",
    '<IMG SRC = "a.png" />',
    '<img alt="x > y" src="a.png">',
    '<img\n  src="a.png"\n>',
    '<img src="a&amp;b.png">',
    '<img src="a&b.png">',
    '<img src="A B.JPG">',
    '<img src="图.png">',
    '<img src=" a.png ">',
    '<img src="sub/b.jpg">',
    '<!-- <img src="nope.png"> --><p>好</p>',
    '<p>一</p><img src="a.png"><p>二</p><img src="sub/b.jpg">',
]
BAD_TEXTS = [
    '<img src="nope.png">',
    '<img src = "nope.png">',
    "<img src=nope.png>",
    '<img alt="x > y" src="nope.png">',
    '<img src="2mb.png">',
    '<img src="big.jpg">',
    '<img src="x.gif">',
    '<img src="gif.png">',
    '<img src="p.webp">',
    '<img src="renamed.png">',
    '<img src="renamed.jpg">',
    '<img src="page.png">',
    '<img src="drawing.svg">',
    '<img src="empty.jpg">',
    "<img>",
    '<img src="">',
    '<img data-src="https://mmbiz.qpic.cn/x">',
    f'<img src="data:image/png;base64,{"A" * 9000}">',
    "<img src=DATA:image/png;base64,AAAA>",
    '<img src="/etc/hostname.png">',
    '<img src="../a.png">',
    '<img src="C:\\\\Users\\\\a.png">',
    '<img src="file:///tmp/a.png">',
    '<p>一</p><img src="a.png"><img src="nope.png">',
]
GOOD_COVERS = ["a.png", "A B.JPG", "x.gif", "2mb.png", "图.png"]
BAD_COVERS = [
    "p.webp",
    "renamed.png",
    "page.png",
    "empty.jpg",
    "11mb.png",
    "nope.png",
    "../a.png",
    "sub",
    "a.txt",
]
LISTS = {
    "good.txt": b"oAlice\noBob\n",
    "noted.txt": "﻿# 名单\r\n oAlice \r\n\r\n  # 张三\noBob\r\n".encode(),
    "quoted.txt": b'"oAlice"\n"oBob"\n',
    "comma.csv": "oAlice,张三\noBob,李四\n".encode(),
    "header.txt": "编号\noAlice\noBob\n".encode(),
    "long.txt": b"oAlice\n" + b"o" * 129 + b"\n",
    "gbk.txt": "# 名单\noAlice\noBob\n".encode("gbk"),
    "utf16.txt": "# 名单\noAlice\noBob\n".encode("utf-16"),
    "utf16be.txt": "\ufeff# 名单\r\noAlice\r\noBob".encode("utf-16-be"),
    "utf16plain.txt": "oAlice\noBob\n".encode("utf-16-le"),
    "excel.txt": b"PK\x03\x04oAlice\noBob\n",
    "binary.txt": b"\0\1\2\xff" * 10,
}
GOOD_LISTS = ["good.txt", "noted.txt", "gbk.txt", "utf16.txt", "utf16be.txt"]
BAD_LISTS = [
    *(name for name in LISTS if name not in GOOD_LISTS),
    "nope.txt",
]


class TestTheyAgree:
    @pytest.mark.parametrize("text", [*GOOD_TEXTS, *BAD_TEXTS], ids=lambda text: text[:40])
    def test_about_a_picture_inside_an_article(self, office: Office, text: str) -> None:
        article = {"title": "灯谜", "content": text, "cover": "a.png"}

        assert [sent(office, article), passed(office, article)] == [text in GOOD_TEXTS] * 2

    @pytest.mark.parametrize("cover", [*GOOD_COVERS, *BAD_COVERS])
    def test_about_a_cover(self, office: Office, cover: str) -> None:
        article = {"title": "灯谜", "content": "<p>好</p>", "cover": cover}

        assert [sent(office, article), passed(office, article)] == [cover in GOOD_COVERS] * 2

    @pytest.mark.parametrize("name", [*GOOD_LISTS, *BAD_LISTS])
    def test_about_a_list(self, office: Office, name: str) -> None:
        for list_name, data in LISTS.items():
            (office.folder / list_name).write_bytes(data)
        for openid in ("oAlice", "oBob"):
            office.platform.add_follower(openid)
        config = config_of(f'text = "甲"\naudience = "openids:{name}"')

        push_id = office.starts(channel="mass", text="甲", audience=f"openids:{name}")
        office.works()

        laid_out = bool(office.stands(push_id).size)
        assert [laid_out, judged(office, config)[0] == 0] == [name in GOOD_LISTS] * 2
        if laid_out:
            assert set(office.rows(push_id)) == {"oAlice", "oBob"}


class TestWhatIsSaid:
    def test_of_many_wrong_pictures_each_and_none_in_eight_kilobytes(self, office: Office) -> None:
        article = {"title": "灯谜", "content": "".join(BAD_TEXTS), "cover": "p.webp"}

        code, said = judged(office, config_of_article(article))

        assert code == 1
        for words in (
            "nope.png",
            "2mb.png 太大",
            "x.gif 的格式",
            "renamed.png 其实是 webp",
            "empty.jpg 是空的",
            "p.webp",
        ):
            assert words in said
        assert "base64" not in said or max(len(line) for line in said.splitlines()) < 200

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('<img src="https://pic.example.org/x.png">', "在别的网站（pic.example.org）"),
            ("<img src=//pic.example.org/x.png>", "在别的网站"),
            ("<img src=http://[x>", "在别的网站（http://[x）"),
            ("<img src=https://>", "在别的网站"),
            ('<img data-src="https://m.example/x" src="a.png">', "data-src"),
        ],
    )
    def test_of_what_wechat_takes_out_is_a_hint(self, office: Office, text: str, words: str) -> None:
        code, said = judged(office, config_of_article({"title": "灯谜", "content": text, "cover": "a.png"}))

        assert code == 0
        assert words in said.split("请留意")[1]

    def test_of_wechats_own_pictures_is_nothing(self, office: Office) -> None:
        text = '<img src="https://mmbiz.qpic.cn/mmbiz_png/x/0">'

        assert (
            "别的网站"
            not in judged(office, config_of_article({"title": "甲", "content": text, "cover": "a.png"}))[1]
        )

    def test_of_a_list_names_the_lines_and_nobody(self, office: Office) -> None:
        (office.folder / "comma.csv").write_bytes(LISTS["comma.csv"])

        code, said = judged(office, config_of('text = "甲"\naudience = "openids:comma.csv"'))

        assert code == 1
        assert "comma.csv 第 1、2 行不是编号" in said
        assert "张三" not in said


def test_an_article_goes_out_with_its_pictures_uploaded_and_everything_else_as_it_was(office: Office) -> None:
    text = '<p class=x>一</p><img data-src="https://m.example/x" width=100 src="a.png"><b>二</b>'
    assert sent(office, {"title": "灯谜", "content": text, "cover": "a.png"})

    (made,) = office.platform.world.articles.values()
    (image,) = images(made["content"])
    assert made["content"].startswith("<p class=x>一</p><img src=")
    assert made["content"].endswith("<b>二</b>")
    assert dict(image.attributes)["width"] == "100"
    assert image.source.startswith("http")
    assert not image.has("data-src")


# --- small things ------------------------------------------------------------------------------------------------


def sent(office: Office, article: dict[str, str]) -> bool:
    """Whether the sender gets it out."""
    office.platform.add_follower("职工")
    try:
        office.channels()["mass"].send(Parcel("spring/greeting", "0" * 32, ("all",), {"article": article}))
    except ChannelError as error:
        refusal = error
    else:
        return True
    assert refusal.permanent
    assert len(refusal.reason) < 200
    return False


def passed(office: Office, article: dict[str, str]) -> bool:
    """Whether `check` lets it pass."""
    return judged(office, config_of_article(article))[0] == 0


def judged(office: Office, config: str) -> tuple[int, str]:
    lines: list[str] = []
    loaded = read(office.folder, config)
    code = forecast.check(office.folder / "config.toml", loaded, now=NOW, say=lines.append)
    return code, "\n".join(lines)


def config_of(keys: str) -> str:
    return (
        '[account]\nverified = true\n[[campaigns]]\nid = "c"\ntitle = "活动"\n[[campaigns.pushes]]\nid = "a"\n'
        f'at = 2027-06-01T10:00:00\nchannel = "mass"\n{keys}\n'
    )


def config_of_article(article: dict[str, str]) -> str:
    values = ", ".join(f"{key} = '''{value}'''" for key, value in article.items())
    return config_of(f"article = {{ {values} }}")


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    made = Office(sqlite_store, tmp_path)
    (tmp_path / "sub").mkdir()
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    yield made
    made.close()
