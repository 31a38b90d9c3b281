"""The project's own sayings, kept apart from the examples that the finder learns from: how many are answered wrongly."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from config_cast import REPO
from talk_cast import START, house

import app
from commands.talk import Saying, fared, page_of, read
from handlers.route import route
from handlers.turn import House
from settings import load

HERE = Path(__file__).parent / "phrases"
SAYINGS = tuple(read(HERE / "phrases.csv"))
EMERGENCIES = tuple(read(HERE / "crisis.csv"))
HARMLESS = (HERE / "harmless.txt").read_text("utf-8").splitlines()
WRONG, TAKEN_FOR_DANGER, WORRIED = 0.02, 0.02, 0.05  # shares
HIT = 0.88


def test_a_confident_page_on_another_topic_is_shown_to_two_in_a_hundred_at_most(this_year: House) -> None:
    results = {saying: fared(saying, route(this_year, START, saying.words)) for saying in SAYINGS}
    counts = Counter(results.values())

    assert len(SAYINGS) >= 450
    assert counts["wrong"] <= WRONG * len(SAYINGS), [
        one.words for one, how in results.items() if how == "wrong"
    ]
    assert counts["hit"] >= HIT * len(SAYINGS)


def test_everybody_in_danger_is_told_whom_to_call_however_it_is_written(this_year: House) -> None:
    missed = [
        (one.words, shown)
        for one in EMERGENCIES
        if (shown := _shown(this_year, one)) not in one.expected
        and not route(this_year, START, one.words).worried
    ]

    assert len(EMERGENCIES) >= 120
    assert missed == []


def test_harmless_sentences_with_the_same_words_are_not_taken_for_danger(this_year: House) -> None:
    ways = {words: route(this_year, START, words) for words in HARMLESS}
    taken = [words for words, way in ways.items() if way.danger]
    worried = [words for words, way in ways.items() if way.worried]

    assert len(HARMLESS) >= 220
    assert len(taken) <= TAKEN_FOR_DANGER * len(HARMLESS), taken
    assert len(worried) <= WORRIED * len(HARMLESS), worried


def test_ordinary_questions_are_answered_without_a_word_of_emergency_numbers(this_year: House) -> None:
    ways = {one.words: route(this_year, START, one.words) for one in SAYINGS}
    warned = [words for words, way in ways.items() if way.danger or way.worried]

    assert len(warned) <= 0.015 * len(SAYINGS), warned


def _shown(of: House, saying: Saying) -> str:
    return page_of(route(of, START, saying.words))


@pytest.fixture(scope="module")
def this_year() -> House:
    loaded = load(app.Config, REPO / "config.example.toml", {})
    assert loaded.value is not None
    return house(live=True, year=loaded.value.campaigns)
