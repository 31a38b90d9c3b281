"""What phones and other people's programs send that is no question and no usual spelling, as it comes in at the door."""

from __future__ import annotations

import pytest
from webhook_cast import ACCOUNT, Door, envelope_of, person, stored, text

from models.base import Store

FACES = (
    "/::) /::~ /::B /::| /:8-) /::< /::$ /::X /::'( /::-| /::@ /::P /::D /::O /::+ /:--b /::Q /::T /:,@P /:,@-D /::d /:|-) "
    "/::! /::L /::> /::,@ /::-S /:? /:,@x /:!!! /:xx /:bye /:handclap /:&-( /:B-) /:<@ /::-O /:P-( /::'| /:X-) /::* /:@x /:8* "
    "/:pd /:<W> /:beer /:oo /:coffee /:rose /:showlove /:heart /:cake /:li /:moon /:sun /:gift /:strong /:v /:@) /:jj /:@@ /:no "
    "/:ok /:<L> /:<O> /:oY /:#-0 /:kiss /:<& /:&>"
)


@pytest.mark.parametrize(
    "words",
    [
        *FACES.split(),
        "/:rose/:rose",
        "[Smile]",
        "[Let Down]",
        "[KeepFighting]",
        "[666]",
        "【收到不支持的消息类型，暂无法显示】",
        "[收到了一个表情，请在手机上查看]",
        "[该消息类型暂不能展示]",
        "【当前版本不支持展示该内容，请升级至最新版本。】",
    ],
)
def test_a_face_or_a_sticker_is_no_question_without_an_answer(sqlite_store: Store, words: str) -> None:
    answer = Door(sqlite_store).says(text(words))

    assert answer.content.startswith("收到您发的表情或符号。")
    (row,) = stored(sqlite_store)
    assert (row["topic"], row["missed"]) == ("faces", False)


@pytest.mark.parametrize("words", ["/:rose工伤", "工伤[Sob]", "/::D 工伤 /::D", "【工伤】"])
def test_a_face_beside_words_leaves_the_words(sqlite_store: Store, words: str) -> None:
    door = Door(sqlite_store)

    assert door.says(text(words)).content == door.says(text("工伤", 2)).content


def test_names_with_blanks_around_them_are_the_same_names(sqlite_store: Store) -> None:
    """As one SDK's sample writes them."""
    door = Door(sqlite_store)
    for kind, inner, said in (
        (" event ", "<Event> subscribe </Event><EventKey> qrscene_7 </EventKey>", "欢迎"),
        (" event\n", "<Event>\nCLICK </Event><EventKey> LAW\n</EventKey>", "法律"),
        ("\ttext ", "<Content>工伤</Content><MsgId>9</MsgId>", "工伤"),
    ):
        xml = envelope_of(kind, inner, openid=" oBlank ", to=f" {ACCOUNT} ")
        assert said in door.says(xml).content

    rows = stored(sqlite_store, "oBlank")
    assert [row["msg_type"] for row in rows] == ["event", "event", "text"]
    assert [(row["event"], row["event_key"]) for row in rows[:2]] == [
        ("subscribe", "qrscene_7"),
        ("CLICK", "LAW"),
    ]
    assert person(sqlite_store, "oBlank")["scene"] == "7"
