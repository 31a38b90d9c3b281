"""A poll's candidates as its page shows them. What one of them looks like is the same for everybody, so each is made once; only
their order is a person's own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from flask import Blueprint, get_template_attribute
from markupsafe import Markup

from campaigns.kind import Offer

MADE = 4096  # pieces that are kept


def pages(blueprint: Blueprint) -> None:
    """`grid(…)` for the templates."""
    blueprint.add_app_template_global(grid, "grid")


def grid(offers: Sequence[Offer], chosen: Collection[str], find: str, *, several: bool, may: bool) -> Markup:
    """The candidates in this order, or those that are looked for and those that are chosen."""
    shown = offers if not find else [one for one in offers if one.number in chosen or _is_found(one, find)]
    return Markup("").join(piece(one, several, may, one.number in chosen) for one in shown)


def piece(one: Offer, several: bool, may: bool, ticked: bool) -> Markup:
    """One of them."""
    return _piece(
        one.number, one.words, one.note, one.more, one.picture, one.label, several, may, ticked
    )  # fmt: skip


def _is_found(one: Offer, find: str) -> bool:
    return find == one.number or find in one.words or find in one.note


@lru_cache(maxsize=MADE)
def _piece(
    number: str, words: str, note: str, more: str, picture: str, label: str, several: bool, may: bool, ticked: bool
) -> Markup:  # fmt: skip
    offer = Offer(words, label, {}, number, note, more, picture)
    made: Markup = get_template_attribute("h5/candidate.html", "piece")(offer, several, may, ticked)
    return made
