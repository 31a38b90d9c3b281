"""A crowd that votes on the poll's page, in a process of its own: python crowd.py URL FIRST LAST SHARE THREADS.

Each person FIRST to LAST is signed in beforehand (`sign_in`) and sends the ballots of this SHARE; every receipt that a page showed is
printed as it is shown, so that whoever ends this process knows what people had seen by then.
"""

from __future__ import annotations

import hashlib
import random
import re
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from kind_cast import Pages, Union
from poll_cast import PATH, union_of

from models import session
from models.base import Store

RECEIPT = re.compile(r"回执 ([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})")


def openid(person: int) -> str:
    return f"oCrowd{person:022}"


def sign_in(store: Store, people: Iterable[int]) -> None:
    """Let everybody's browser be known by a secret that is their openid's."""
    with store.writing() as connection:
        rows = [
            {"secret_hash": session.digest(f"secret of {openid(one)}"), "openid": openid(one),
             "created_at": datetime.now(UTC), "expires_at": datetime.now(UTC) + session.LASTS}
            for one in people
        ]  # fmt: skip
        connection.execute(session.sessions.insert(), rows)


def votes(pages: Pages, person: int, once: str, choice: int) -> str:
    """One ballot by page; the words that the person reads."""
    secret = f"secret of {openid(person)}"
    client = pages.app.test_client()
    client.set_cookie("visit", secret)
    token = hashlib.sha256(f"form {secret}".encode()).hexdigest()[:32]
    fields = {"csrf": token, "once": once, "choices": str(choice)}
    return client.post(PATH, data=fields, follow_redirects=True).get_data(as_text=True)


def all_vote(union: Union, people: Iterable[int], share: str, threads: int) -> list[str]:
    """Everybody at once, in any order; every receipt that was shown."""
    pages = Pages(union)
    order = list(people)
    random.Random(share).shuffle(order)

    def one(person: int) -> list[str]:
        page = votes(pages, person, f"{share}-{person}", 1 + person % 3)
        shown = list(dict.fromkeys(RECEIPT.findall(page)))
        for receipt in shown:
            sys.stdout.write(f"{receipt}\n")  # in one piece, for others print too
            sys.stdout.flush()
        return shown

    with ThreadPoolExecutor(threads) as pool:
        return [receipt for shown in pool.map(one, order) for receipt in shown]


if __name__ == "__main__":
    url, first, last, share, threads = sys.argv[1:]
    all_vote(union_of(Store(url)), range(int(first), int(last)), share, int(threads))
