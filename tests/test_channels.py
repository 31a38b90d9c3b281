"""The ways out: each keeps the same promises towards the ledger, whatever WeChat answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from push_cast import JPEG, LIVE, Office
from simulator_cast import TEMPLATE

from channels import CHANNELS, Channel, ChannelError, Parcel, SendLimits, Unreached
from channels.service import SHUT, SPENT, Service
from models.base import Store
from wx.errors import NoAnswer

NOON = datetime(2027, 2, 20, 4, 0, tzinfo=UTC)
KEY = "0123456789abcdef" * 2


class Contract:
    """What every channel does; each of them is held to it below."""

    name = ""
    path = ""
    content: ClassVar[dict[str, Any]]
    too_long: ClassVar[dict[str, Any]]

    def recipients(self, office: Office) -> tuple[str, ...]:
        return (office.phone("职工0").openid,)

    @pytest.fixture
    def channel(self, office: Office) -> Channel:
        return office.channels()[self.name]

    @pytest.fixture
    def parcel(self, office: Office) -> Parcel:
        for number in range(3):
            office.platform.add_follower(f"职工{number}")
            office.phone(f"职工{number}").says("你好")
        return Parcel("spring/greeting", KEY, self.recipients(office), self.content)

    def test_delivers_to_each_recipient(self, office: Office, channel: Channel, parcel: Parcel) -> None:
        channel.send(parcel)

        assert {row.openid for row in office.platform.log} == self.reached(office)
        assert {row.channel for row in office.platform.log} == {self.name}

    def reached(self, office: Office) -> set[str]:
        return set(self.recipients(office))

    def test_says_that_a_refusal_was_certainly_not_delivered(
        self, office: Office, channel: Channel, parcel: Parcel
    ) -> None:
        office.platform.faults.add(self.path, errcode=48001)

        with pytest.raises(ChannelError) as caught:
            channel.send(parcel)

        assert caught.value.permanent
        assert caught.value.errcode == 48001
        assert caught.value.policy == "pause_push"
        assert "接口权限" in caught.value.reason
        assert office.platform.log == []

    def test_says_that_a_busy_wechat_is_no_lasting_refusal(
        self, office: Office, channel: Channel, parcel: Parcel
    ) -> None:
        office.platform.faults.add(self.path, errcode=-1)

        with pytest.raises(ChannelError) as caught:
            channel.send(parcel)

        assert not caught.value.permanent
        assert caught.value.policy == "retry"

    def test_leaves_open_what_a_lost_answer_means(
        self, office: Office, channel: Channel, parcel: Parcel
    ) -> None:
        office.platform.faults.add(self.path, reset=True)

        with pytest.raises(NoAnswer):
            channel.send(parcel)

        assert office.platform.log != []

    def test_says_that_an_unreachable_wechat_has_got_nothing(
        self, office: Office, channel: Channel, parcel: Parcel
    ) -> None:
        office.api.token()
        office.server.stop()

        with pytest.raises(Unreached) as caught:
            channel.send(parcel)

        assert not caught.value.permanent

    def test_refuses_what_is_too_long(self, office: Office, channel: Channel, parcel: Parcel) -> None:
        longer = Parcel(parcel.push, parcel.key, parcel.recipients, self.too_long)

        with pytest.raises(ChannelError) as caught:
            channel.send(longer)

        assert caught.value.permanent
        assert office.platform.log == []

    def test_sends_again_with_the_same_id_only_where_wechat_remembers_it(
        self, office: Office, channel: Channel, parcel: Parcel
    ) -> None:
        first = channel.send(parcel)
        if channel.remembers_for is None:
            return  # the ledger never asks it to
        again = Parcel(parcel.push, parcel.key, parcel.recipients, parcel.content, repeat=True)

        assert channel.send(again) == first

        assert len(office.platform.log) == len(self.reached(office))
        assert {row.repeats for row in office.platform.log} == {1}

    def test_shows_one_copy_to_one_person(self, office: Office, channel: Channel, parcel: Parcel) -> None:
        openid = office.phone("职工1").openid

        channel.show(Parcel(parcel.push, "1" * 32, (openid,), parcel.content))

        assert [row.openid for row in office.platform.log] == [openid]


class TestTemplate(Contract):
    name, path = "template", "message/template/send"
    content: ClassVar[dict[str, Any]] = {
        "template": {"id": TEMPLATE, "data": {"thing1": "元宵灯谜"}, "url": "https://union.example"}
    }
    too_long: ClassVar[dict[str, Any]] = {"template": {"id": TEMPLATE, "data": {"thing1": "长" * 21}}}

    def test_takes_a_refusal_of_a_repeat_for_no_proof(self, office: Office, channel: Channel) -> None:
        person = office.platform.add_follower("职工0").openid
        office.platform.world.repeat_answer = "error"
        channel.send(Parcel("spring/greeting", KEY, (person,), self.content))

        with pytest.raises(ChannelError) as caught:
            channel.send(Parcel("spring/greeting", KEY, (person,), self.content, repeat=True))

        assert caught.value.policy == "retry"

    def test_still_believes_a_refusal_that_names_its_reason(self, office: Office, channel: Channel) -> None:
        stranger = Parcel("spring/greeting", KEY, ("oNobody",), self.content, repeat=True)

        with pytest.raises(ChannelError) as caught:
            channel.send(stranger)

        assert caught.value.policy == "skip_person"


class TestMassText(Contract):
    name, path = "mass", "message/mass/sendall"
    content: ClassVar[dict[str, Any]] = {"text": "元宵快乐 🏮"}
    too_long: ClassVar[dict[str, Any]] = {"text": "长" * 700}

    def recipients(self, office: Office) -> tuple[str, ...]:
        return ("all",)

    def reached(self, office: Office) -> set[str]:
        return {follower.openid for follower in office.platform.world.current()}


class TestMassByList(TestMassText):
    path = "message/mass/send"

    def recipients(self, office: Office) -> tuple[str, ...]:
        return (office.phone("职工0").openid, office.phone("职工2").openid)

    def reached(self, office: Office) -> set[str]:
        return set(self.recipients(office))


class TestMassArticle(TestMassText):
    content: ClassVar[dict[str, Any]] = {
        "article": {
            "title": "灯谜",
            "content": '<p><img src="a.jpg"></p>',
            "cover": "cover.jpg",
            "author": "工会",
        }
    }
    too_long: ClassVar[dict[str, Any]] = {
        "article": {"title": "灯谜", "content": "长" * 20_000, "cover": "cover.jpg"}
    }

    def test_makes_paragraphs_of_plain_lines(self, office: Office, channel: Channel) -> None:
        office.platform.add_follower("职工0")
        article = {"title": "灯谜", "content": "第一行 <3\n\n第二行 & 完", "cover": "cover.jpg"}

        channel.send(Parcel("spring/greeting", KEY, ("all",), {"article": article}))

        (made,) = office.platform.world.articles.values()
        assert made["content"] == "<p>第一行 &lt;3</p><p>第二行 &amp; 完</p>"

    def test_certainly_sent_nothing_when_only_an_upload_was_not_answered(
        self, office: Office, channel: Channel, parcel: Parcel
    ) -> None:
        office.platform.faults.add("draft/add", reset=True)

        with pytest.raises(ChannelError) as caught:
            channel.send(parcel)

        assert not caught.value.permanent
        assert office.platform.log == []

    @pytest.mark.parametrize(
        ("name", "data", "words"),
        [
            ("missing.jpg", None, "没有找到图片 missing.jpg"),
            ("big.jpg", b"x" * (1024 * 1024 + 1), "图片 big.jpg 太大，最多 1024 KB"),
            ("moving.gif", b"GIF89a", "格式微信不收"),
            ("empty.png", b"", "图片 empty.png 是空的"),
        ],
    )
    def test_says_what_is_wrong_with_a_picture(
        self, office: Office, channel: Channel, name: str, data: bytes | None, words: str
    ) -> None:
        if data is not None:
            (office.folder / name).write_bytes(data)
        article = {"title": "灯谜", "content": f'<img src="{name}">', "cover": "cover.jpg"}

        with pytest.raises(ChannelError) as caught:
            channel.send(Parcel("spring/greeting", KEY, ("all",), {"article": article}))

        assert caught.value.permanent
        assert words in caught.value.reason

    def test_keeps_a_large_cover_as_an_image(self, office: Office, channel: Channel) -> None:
        office.platform.add_follower("职工0")
        (office.folder / "cover.jpg").write_bytes(JPEG * 2000)
        article = {"title": "灯谜", "content": "<p>好</p>", "cover": "cover.jpg"}

        channel.send(Parcel("spring/greeting", KEY, ("all",), {"article": article}))

        assert [media.kind for media in office.platform.world.media.values()] == ["image"]


class TestMassImage(TestMassText):
    content: ClassVar[dict[str, Any]] = {"image": "a.jpg"}
    too_long: ClassVar[dict[str, Any]] = {"image": "huge.jpg"}

    def test_uploads_again_after_wechat_has_forgotten(self, office: Office, channel: Channel) -> None:
        office.platform.add_follower("职工0")
        channel.send(Parcel("spring/greeting", KEY, ("all",), self.content))
        office.time.passes(days=4)

        channel.send(Parcel("spring/greeting", "1" * 32, ("all",), self.content))

        assert office.calls("media/upload") == 2
        assert len(office.platform.log) == 2


class TestAPictureThatWeChatNoLongerKnows:
    ARTICLE: ClassVar[dict[str, Any]] = {
        "article": {"title": "标题", "content": '<p>正文<img src="a.jpg"></p>', "cover": "a.jpg"}
    }

    @pytest.fixture
    def channel(self, office: Office) -> Channel:
        office.platform.add_follower("职工0")
        return office.channels()["mass"]

    @pytest.mark.parametrize(
        ("path", "content"),
        [
            ("draft/add", ARTICLE),
            ("message/mass/sendall", ARTICLE),
            ("message/mass/sendall", {"image": "a.jpg"}),
        ],
    )
    def test_goes_up_anew_by_itself(
        self, office: Office, channel: Channel, path: str, content: dict[str, Any]
    ) -> None:
        channel.send(Parcel("spring/one", "1" * 32, ("all",), content))
        uploads = office.calls("material/add_material") + office.calls("media/upload")
        office.platform.faults.add(path, errcode=40007)
        parcel = Parcel("spring/two", "2" * 32, ("all",), content)

        with pytest.raises(ChannelError) as caught:
            channel.send(parcel)
        channel.send(parcel)

        assert caught.value.policy == "retry"
        assert office.calls("material/add_material") + office.calls("media/upload") > uploads
        assert len(office.platform.log) == 2

    def test_is_shown_to_a_person_when_that_did_not_help(self, office: Office, channel: Channel) -> None:
        office.platform.faults.add("message/mass/sendall", errcode=40007, times=2)
        parcel = Parcel("spring/one", "1" * 32, ("all",), {"image": "a.jpg"})

        with pytest.raises(ChannelError):
            channel.send(parcel)
        with pytest.raises(ChannelError) as caught:
            channel.send(parcel)

        assert caught.value.policy == "pause_push"

    def test_is_not_looked_for_under_the_id_of_another_account(
        self, office: Office, channel: Channel
    ) -> None:
        channel.send(Parcel("spring/one", "1" * 32, ("all",), {"image": "a.jpg"}))
        other = Office(office.store, office.folder, LIVE.model_copy(update={"app_id": "wx0123456789abcdef"}))
        try:
            other.platform.add_follower("职工0")
            other.channels()["mass"].send(Parcel("spring/one", "1" * 32, ("all",), {"image": "a.jpg"}))

            assert other.calls("media/upload") == 1
            assert len(other.platform.log) == 1
        finally:
            other.close()


class TestServiceText(Contract):
    name, path = "service", "message/custom/send"
    content: ClassVar[dict[str, Any]] = {"text": "明天开会"}
    too_long: ClassVar[dict[str, Any]] = {"text": "长" * 700}


class TestServiceArticle(TestServiceText):
    content: ClassVar[dict[str, Any]] = {
        "article": {"title": "灯谜", "digest": "来猜", "url": "https://union.example"}
    }


class TestServiceMenu(TestServiceText):
    content: ClassVar[dict[str, Any]] = {
        "menu": {"head": "满意吗？", "items": [{"id": "1", "content": "满意"}], "tail": "谢谢"}
    }


class TestTheWindow:
    """After words 48 hours and five messages, after a tap one minute and three (platform guide, 客服消息)."""

    @pytest.mark.parametrize(
        ("spoke", "tapped", "sent", "why"),
        [
            (None, None, [], SHUT),
            (1, None, [], ""),
            (47 * 60, None, [], ""),
            (48 * 60, None, [], SHUT),
            (60, None, [50, 40, 30, 20], ""),
            (60, None, [50, 40, 30, 20, 10], SPENT),
            (60, None, [70, 80, 90, 100, 110], ""),
            (None, 0.5, [], ""),
            (None, 1, [], SHUT),
            (None, 0.5, [0.4, 0.3, 0.2], SPENT),
            (60, 0.5, [50, 40, 30, 20, 10], ""),
        ],
    )
    def test_is_open_or_says_why_not(
        self, spoke: float | None, tapped: float | None, sent: list[float], why: str
    ) -> None:
        def ago(minutes: float | None) -> datetime | None:
            return None if minutes is None else NOON - timedelta(minutes=minutes)

        went = [NOON - timedelta(minutes=minutes) for minutes in sent]

        assert Service.closed(ago(spoke), ago(tapped), went, SendLimits(), NOON) == why


def test_every_channel_stands_in_the_table_under_its_own_name(office: Office) -> None:
    assert {name: channel.name for name, channel in office.channels().items()} == {
        name: name for name in CHANNELS
    }


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    """An office with pictures beside its config file."""
    made = Office(sqlite_store, tmp_path)
    (tmp_path / "a.jpg").write_bytes(JPEG)
    (tmp_path / "cover.jpg").write_bytes(JPEG)
    (tmp_path / "huge.jpg").write_bytes(b"x" * (10 * 1024 * 1024 + 1))
    yield made
    made.close()
