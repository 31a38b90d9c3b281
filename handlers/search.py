"""From a worker's own words to a page: by its name, by words like those of its examples, by words that sound like them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from ground.normal import normal
from handlers.crisis import Dangers
from handlers.likeness import Likeness, Match
from handlers.sounds import sounds
from menus.directory import Directory
from menus.files import Saying
from menus.guide import Guide
from menus.tree import items

LONGEST_QUESTION = 120  # signs that are looked at; WeChat lets a person send 2048 bytes
NEAREST = 3
REMEMBERED = 4096  # questions
FLOOR = 0.12  # below, nothing is offered
GUESS = (
    (0.13, 1.2),
    (0.20, 1.0),
)  # from one of these (score, times the second) the page is shown as a guess, the others beside it
SURE = ((0.32, 1.4), (0.24, 1.8), (0.5, 1.15), (0.65, 1.0))  # and from one of these as the answer
LISTEN = 0.3  # a likeness by signs from which nobody listens to the sound
FEWEST_HEARD = 3  # written signs: two sound like too much else
HEARD = 0.8  # what a likeness by sound counts against one by signs
CLEAR = 0.3  # a likeness by sound below which it is noise, where signs were written
HOPELESS = 0.5  # of that: what the page as a whole must be worth before its examples are listened to
CRISIS, CALM = "crisis:", "calm"  # the pages of emergencies, and of what is like one and is none
ALARMED = 0.2, 1.3  # so like an emergency, and so much more like it than like anything else, is one
FEWEST_ALARMING = 6  # signs: fewer are like too much else
TYPED_FILLERS = re.compile("zenmeban(li)?|zenme|zaban|zazheng|qingwen|woxiangwen|xiangwen")
LETTERS = re.compile(r"[a-z]{3,}")
FILLERS = re.compile(
    "我?想问一?下|请问|想问|问一下|问问|帮我问|咨询一?下|了解一?下|麻烦您?|的问题|的事情?|怎么办理|怎么办|怎么弄|该?咋整|该?咋办|能不能|可不可以|可以吗|有没有人知道|谁知道|你们?好|您好"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that fits, how well (0 to 1), and who can say why in words for staff."""

    target: str
    score: float
    why: Callable[[], str]

    @property
    def reason(self) -> str:
        return self.why()


def reaches(hits: Sequence[Hit], bars: Iterable[tuple[float, float]]) -> bool:
    """Whether the best page reaches one of the bars: a score, and how many times the second's score it must be."""
    second = hits[1].score if len(hits) > 1 else 0.0
    return (
        any(hits[0].score >= score and hits[0].score >= lead * second for score, lead in bars)
        if hits
        else False
    )


class Finder:
    """The words of one directory, laid out once so that a name is found by one lookup."""

    def __init__(self, directory: Directory, dangers: Dangers) -> None:
        """A name that tells of danger is no name here: it is answered as danger."""
        self.titles = {button.key or button.name: button.name for button in items(directory.menu)}
        self.titles |= {f"guide:{guide.id}": guide.title for guide in directory.guides}
        self.titles |= {f"talk:{saying.id}": _called(saying) for saying in directory.talk}
        self._exact = {normal(section.name): section.name for section in directory.menu}
        self._exact |= directory.targets
        self._exact |= {
            normal(word): f"talk:{saying.id}" for saying in directory.talk for word in saying.words
        }
        self._names = dict(self._exact)
        self._exact = {word: page for word, page in self._names.items() if dangers.find(word) is None}
        self._spelt = {
            _spelt(word): page for word, page in reversed(self._names.items()) if not word.isascii()
        }
        examples = _examples(directory)
        written = {page: [one for one in given if not one[1].isascii()] for page, given in examples.items()}
        self._signs = Likeness(written)
        heard = sounds().heard
        self.hits = lru_cache(REMEMBERED)(self.find)  # many people ask in the same words
        self._heard = Likeness(
            {page: [(words, heard(plain)) for words, plain in given] for page, given in examples.items()}
        )

    def exact(self, plain: str) -> str | None:
        """The page that has exactly this name and tells of no danger; `plain` as `normal` makes it."""
        return self._exact.get(plain)

    def named(self, plain: str) -> str | None:
        """The page that has exactly this name, written or typed in pinyin."""
        return self._names.get(plain) or (self._spelt.get(_spelt(plain)) if plain.isascii() else None)

    def find(self, plain: str) -> tuple[Hit, ...]:
        """The pages that fit the words, the best first; those of emergencies and of what is like one among them."""
        plain = plain[:LONGEST_QUESTION]
        core = asked(plain)
        typed = LETTERS.search(core) is not None
        found = {} if typed else _by_page(self._signs, core, "像")
        if typed or max((hit.score for hit in found.values()), default=0.0) < LISTEN:
            for page, hit in self._listen(core, 0.0 if typed else CLEAR).items():
                if page not in found or found[page].score < hit.score:
                    found[page] = hit
        return tuple(sorted(found.values(), key=lambda hit: -hit.score))

    def _listen(self, core: str, clear: float) -> dict[str, Hit]:
        """The pages that sound like it, from this likeness on."""
        heard = sounds().heard(TYPED_FILLERS.sub("", core))
        if clear and len(set(heard)) < FEWEST_HEARD:
            return {}
        found = _by_page(self._heard, heard, "听起来像", HEARD, clear * HOPELESS)
        return {page: hit for page, hit in found.items() if hit.score >= clear * HEARD}


def _spelt(plain: str) -> str:
    return " ".join(sounds().heard(plain))


def _by_page(
    by: Likeness, core: Sequence[str], how: str, counts: float = 1.0, worth: float = 0.0
) -> dict[str, Hit]:
    def why(match: Match) -> str:
        return f"{how}“{match.example}”（{'、'.join(by.shared(core, match))}）"

    return {
        match.page: Hit(match.page, match.score * counts, partial(why, match))
        for match in by.nearest(core, worth)
    }


def alarming(hits: Sequence[Hit], plain: str) -> Hit | None:
    """The emergency that the words are surely like, or None."""
    best = hits[0] if hits and hits[0].target.startswith(CRISIS) else None
    if best is None or len(plain) < FEWEST_ALARMING:
        return None
    besides = next((hit.score for hit in hits if not hit.target.startswith(CRISIS)), 0.0)
    score, lead = ALARMED
    return best if best.score >= max(score, lead * besides) else None


def topics(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Those that can be shown as an answer."""
    return tuple(hit for hit in hits if hit.target != CALM and not hit.target.startswith(CRISIS))


Examples = Mapping[str, list[tuple[str, str]]]


def _examples(directory: Directory) -> Examples:
    """Page → the ways of saying it, as they are written and as they are compared."""
    pages = {f"guide:{guide.id}": _of_guide(guide) for guide in directory.guides}
    pages |= {f"talk:{one.id}": (*one.words, *one.asks) for one in directory.talk if one.asks}
    pages |= {item.key: (item.name, *item.words, *item.asks) for item in directory.items if item.asks}
    pages |= {f"{CRISIS}{kind.id}": kind.asks for kind in directory.crisis.kinds if kind.asks}
    pages |= {CALM: directory.crisis.calm} if directory.crisis.calm else {}
    return {page: [(words, asked(normal(words))) for words in given] for page, given in pages.items()}


def _of_guide(guide: Guide) -> tuple[str, ...]:
    return (guide.title, *guide.words, *guide.asks)


def asked(plain: str) -> str:
    """What is asked, without what people only say around it; `plain` as `normal` makes it."""
    return FILLERS.sub("", plain) or plain


def _called(saying: Saying) -> str:
    return (saying.words or saying.asks or (saying.id,))[0]
