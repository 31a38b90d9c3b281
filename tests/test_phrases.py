"""What workers say, in many ways, and what they then read: the share of good answers, and of bad ones."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path

import pytest
from config_cast import REPO
from guides_cast import WHOLE
from judging import Phrase, judged
from talk_cast import Worker, house

import app
from campaigns.campaign import Campaign
from ground.normal import normal
from handlers.book import book
from settings import load

NONSENSE = (
    "阿巴阿巴呜呜嘤",
    "qwzxvbkp",
    "嗯嗯啊啊哦哦嘿",
    "~~。。~~",
    "玻璃杯蓝色天空三角形",
)
PHRASES = [
    Phrase.read(row) for row in json.loads((Path(__file__).parent / "phrases.json").read_text("utf-8"))
]


def test_nearly_everything_that_is_said_gets_a_good_answer(campaigns: tuple[Campaign, ...]) -> None:
    general = {heard(words, campaigns) for words in NONSENSE}
    results = {phrase.say: judged(phrase, heard(phrase.say, campaigns), general) for phrase in PHRASES}
    counts = Counter(results.values())

    bad = [say for say, result in results.items() if result == "bad"]
    assert counts["good"] >= 0.95 * len(PHRASES), [say for say, result in results.items() if result != "good"]
    assert counts["bad"] <= 0.02 * len(PHRASES), bad


@pytest.mark.parametrize("phrase", [one for one in PHRASES if one.kind == "crisis"], ids=lambda one: one.say)
def test_every_emergency_is_told_whom_to_call_first(phrase: Phrase, campaigns: tuple[Campaign, ...]) -> None:
    assert judged(phrase, heard(phrase.say, campaigns)) == "good"


@pytest.mark.parametrize("words", NONSENSE)
def test_nonsense_is_met_with_an_honest_word_and_no_guess(
    words: str, campaigns: tuple[Campaign, ...]
) -> None:
    worker = Worker(house(live=True, year=campaigns))

    reply = worker.says(words)

    assert "12351" in reply
    assert worker.topic in ("nothing", "faces")


def test_finding_takes_no_longer_than_a_moment() -> None:
    finder = book(house()).finder
    spans = []
    for phrase in PHRASES:
        began = time.perf_counter()
        finder.hits(normal(phrase.say))
        spans.append(time.perf_counter() - began)

    assert len(WHOLE.guides) >= 100
    assert sorted(spans)[len(spans) // 2] < 0.01  # tenfold what it takes on an idle machine


def test_what_a_push_tells_people_to_do_is_there_to_be_done(campaigns: tuple[Campaign, ...]) -> None:
    """A path in the menu leads somewhere, words to send have an answer, and thoughts are asked for only where they are kept."""
    paths = {f"{section.name} → {item.name}" for section in WHOLE.menu for item in section.sub_button}
    for each in campaigns:
        texts = [each.about, *(push.text or "" for push in each.pushes)]
        for text in texts:
            assert set(re.findall(r"点菜单“(.*?)”", text)) <= paths, text
            assert each.rules or not re.search(r"(想法|意见|心愿).{0,4}发过来|直接发文字|写给我们", text), (
                text
            )
            for words in re.findall(r"发“(.*?)”", text):
                worker = Worker(house(live=True, year=campaigns))
                worker.says(words)
                assert worker.topic.startswith(("guide:", "form:", "card:")), text


def heard(words: str, campaigns: tuple[Campaign, ...]) -> str:
    """The reply as it is read on a phone."""
    return re.sub(r"<[^>]+>", "", Worker(house(live=True, year=campaigns)).says(words))


@pytest.fixture(scope="module")
def campaigns() -> tuple[Campaign, ...]:
    loaded = load(app.Config, REPO / "config.example.toml", {})
    assert loaded.value is not None
    return loaded.value.campaigns
