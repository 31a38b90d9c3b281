"""What the account answers at once, as WeChat will read it: whatever a worker or a page of ours puts into it."""

from __future__ import annotations

import random
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from webhook_cast import ACCOUNT, WORKER

from wx import replies
from wx.replies import MAX_TEXT_BYTES, clean, cut, render

PARTS = ("]]>", "<![CDATA[", "]]", ">", "&", "<b>", "\x00", "\x1b", "\r", "\n", "\t", "\ufffe", "\uffff", "\ud800", "\udfff",
         "😀", "👨‍👩‍👧", "工会", "a", "\u2028", "\x85", "</Content>", "&lt;", "&#0;", "<?x?>", "<!DOCTYPE x>")  # fmt: skip
wild = st.one_of(st.text(st.characters()), st.lists(st.sampled_from(PARTS), max_size=40).map("".join))


def read(reply: replies.Reply, to: str = WORKER, sender: str = ACCOUNT) -> ElementTree.Element:
    root = ElementTree.fromstring(render(reply, to=to, sender=sender, created=1799035200).encode())
    assert [child.tag for child in root][:4] == ["ToUserName", "FromUserName", "CreateTime", "MsgType"]
    assert root.findtext("CreateTime") == "1799035200"
    return root


def as_read(words: str) -> str:
    """As an XML parser gives line ends (XML 1.0, 2.11)."""
    return words.replace("\r\n", "\n").replace("\r", "\n")


class TestWords:
    @settings(max_examples=400)
    @given(wild)
    def test_arrive_as_they_are_but_for_what_xml_cannot_hold(self, words: str) -> None:
        root = read(replies.Text(words))

        assert root.findtext("MsgType") == "text"
        assert root.findtext("Content") == as_read(cut(clean(words)))
        assert len(root) == 5

    def test_of_five_thousand_hostile_mixtures_arrive_whole(self) -> None:
        dice = random.Random(10)
        for _ in range(5000):
            words = "".join(dice.choices(PARTS, k=dice.randrange(60)))

            root = read(replies.Text(words))

            assert root.findtext("Content") == as_read(clean(words))
            assert len(root) == 5

    @given(st.text(st.sampled_from("a工😀\u0301é"), min_size=300, max_size=1500))
    def test_that_are_too_long_end_on_a_whole_character(self, words: str) -> None:
        content = read(replies.Text(words)).findtext("Content")

        assert content is not None
        assert len(content.encode()) <= MAX_TEXT_BYTES
        if len(words.encode()) <= MAX_TEXT_BYTES:
            assert content == words
        else:
            assert content.endswith("…")
            assert words.startswith(content[:-1])
            assert len(content.encode()) > MAX_TEXT_BYTES - 8

    @pytest.mark.parametrize("size", range(2040, 2056))
    def test_are_cut_at_2048_bytes(self, size: int) -> None:
        words = "a" * (size % 3) + "工" * (size // 3)

        assert len(cut(words).encode()) <= 2048
        assert (cut(words) == words) == (len(words.encode()) <= 2048)

    def test_said_to_one_worker_are_said_to_the_next_in_the_same_way(self) -> None:
        """However many other pages were asked for in between."""
        pages = [replies.Text(f"第{number}页]]>\x00{'工' * number}") for number in range(700)]

        first = [read(page, "one").findtext("Content") for page in pages]
        again = [read(page, "two").findtext("Content") for page in reversed(pages)]

        assert first == again[::-1]
        assert read(pages[0], "two").findtext("ToUserName") == "two"

    def test_may_hold_links_and_lines(self) -> None:
        words = '第一行\n<a href="https://union.example/?a=1&b=2">看看</a>'

        assert read(replies.Text(words)).findtext("Content") == words


class TestNames:
    @given(wild.map(clean), wild.map(clean))
    def test_of_people_and_accounts_come_back_as_they_came(self, to: str, sender: str) -> None:
        root = read(replies.Text("好"), to, sender)

        assert root.findtext("ToUserName") == as_read(to)
        assert root.findtext("FromUserName") == as_read(sender)


class TestEachKind:
    """platform guide, 被动回复用户消息."""

    @given(wild, wild)
    def test_of_article_holds_one(self, title: str, url: str) -> None:
        root = read(replies.News(title, "说明", "https://a.example/p.png", url))

        assert (root.findtext("MsgType"), root.findtext("ArticleCount")) == ("news", "1")
        (item,) = root.findall("Articles/item")
        assert item.findtext("Title", "") == as_read(clean(title))
        assert item.findtext("Url", "") == as_read(clean(url))
        assert item.findtext("PicUrl") == "https://a.example/p.png"

    @pytest.mark.parametrize(
        ("reply", "kind", "found"),
        [
            (replies.Image("m-1"), "image", {"Image/MediaId": "m-1"}),
            (replies.Voice("m-2"), "voice", {"Voice/MediaId": "m-2"}),
            (
                replies.Video("m-3"),
                "video",
                {"Video/MediaId": "m-3", "Video/Title": None, "Video/Description": None},
            ),
            (
                replies.Video("m-3", "题]]>目", "说明"),
                "video",
                {"Video/Title": "题]]>目", "Video/Description": "说明"},
            ),
            (replies.Music("t-4"), "music", {"Music/ThumbMediaId": "t-4", "Music/Title": None}),
            (
                replies.Music("t-4", "歌", "词", "https://a.example/m", "https://a.example/h"),
                "music",
                {
                    "Music/MusicUrl": "https://a.example/m",
                    "Music/HQMusicUrl": "https://a.example/h",
                    "Music/Description": "词",
                },
            ),
            (replies.Transfer(), "transfer_customer_service", {"TransInfo/KfAccount": None}),
            (replies.Transfer("a@union"), "transfer_customer_service", {"TransInfo/KfAccount": "a@union"}),
        ],
    )
    def test_has_its_own_fields(self, reply: replies.Reply, kind: str, found: dict[str, str | None]) -> None:
        root = read(reply)

        assert root.findtext("MsgType") == kind
        assert {path: root.findtext(path) for path in found} == found
