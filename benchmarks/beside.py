"""500 requests and 500 sign-ups in a minute by page, while messages come as fast as some connections bring them: nothing is lost, no
place is given twice, and how long people waited."""

import contextlib
import http.client
import statistics
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from benchmarks import messages, polling
from benchmarks.databases import database
from benchmarks.load import Outcome, load
from models import edition, request, sign_up, slot
from models.base import Store
from models.keyring import Keyring
from models.sign_up import CONFIRMED, WAITING

PEOPLE, PLACES = 500, 450
SIGN_UP, REQUEST = "/h5/c/cooling", "/h5/c/request"
CONNECTIONS, AT_ONCE = 16, 16
ASKED_RATE, ASKED_P99_MS = 1000, 1000
MESSAGES = 600_000
KEY = "personal.key"


def show(folder: Path, seconds: float, stores: list[str], postgres: str) -> int:
    """Prints the figures of each store; 1 where something is lost, given twice, or too slow."""
    folder.mkdir(parents=True, exist_ok=True)
    Keyring(folder / KEY).make()  # a server takes personal data with a key only
    return max(_shown(folder, kind, seconds, postgres) for kind in stores)


def _shown(folder: Path, kind: str, seconds: float, postgres: str) -> int:
    with (
        database(kind, folder, "bench_beside", postgres) as url,
        polling.serving(folder, url, 2 * PEOPLE, _campaigns(), SIGN_UP) as (server, store),
    ):
        _get(server.port, REQUEST)  # which opens its edition
        found: list[Outcome] = []
        load_of = threading.Thread(target=lambda: found.append(_messages(folder, server.port, seconds)))
        load_of.start()
        took = sorted(_posts(server.port, seconds))
        load_of.join()
        missing = _missing(store)
    worst = statistics.quantiles(took, n=100)[98] * 1000
    print(
        f"{kind}: {PEOPLE} sign-ups and {PEOPLE} requests in {seconds:.0f} s, p50 {statistics.median(took) * 1000:.0f} ms,"
        f" p99 {worst:.0f} ms (asked: {ASKED_P99_MS}); {found[0].rate:.0f} messages/s beside them (asked: {ASKED_RATE}),"
        f" p99 {found[0].p99_ms:.0f} ms, {found[0].faults} faults; {missing or 'nothing is lost or given twice'}"
    )
    slow = worst > ASKED_P99_MS or found[0].rate < ASKED_RATE
    return int(bool(missing) or bool(found[0].faults) or slow)


def _messages(folder: Path, port: int, seconds: float) -> Outcome:
    file, now = folder / "messages", int(time.time())
    messages.write(file, (polling.said(number, messages.WORD, now) for number in range(MESSAGES)))
    return load(file, port, CONNECTIONS, 0, seconds)


def _posts(port: int, seconds: float) -> list[float]:
    """Everybody's form at its moment of the time, in seconds from then to the answer."""
    begun = time.monotonic()

    def one(number: int) -> float:
        at = begun + seconds * number / (2 * PEOPLE)
        time.sleep(max(0.0, at - time.monotonic()))
        half, is_request = divmod(number, 2)
        fields = {"kind": "ask", "words": "高温津贴怎么算", "way": "chat"} if is_request else {"slot": "1"}
        _post(port, REQUEST if is_request else SIGN_UP, half, fields)
        return time.monotonic() - at

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(2 * PEOPLE)))


def _post(port: int, path: str, number: int, fields: dict[str, str]) -> None:
    body = urllib.parse.urlencode({"csrf": polling.token_of(number), "once": f"{path}{number}", **fields})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    cookie = {"Cookie": f"visit={polling.secret(number)}"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", path, body, {**kind, **cookie})
        answer = connection.getresponse()
        if answer.status != 303:
            raise RuntimeError(f"{path}: {answer.status}")


def _get(port: int, path: str) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        connection.getresponse().read()


def _missing(store: Store) -> str:
    """What is not as it must be; '' for nothing."""
    with store.reading() as connection:
        found = edition.latest(connection, "cooling")
        assert found is not None
        states = [one.state for one in sign_up.of_edition(connection, found.id)]
        used = slot.of_edition(connection, found.id)[0].used
        asked = connection.execute(sa.select(sa.func.count()).select_from(request.requests)).scalar_one()
    right = (PLACES, PEOPLE - PLACES, PLACES, PEOPLE)
    there = (states.count(CONFIRMED), states.count(WAITING), used, asked)
    return "" if there == right else f"there are {there} instead of {right}"


def _campaigns() -> str:
    day = datetime.now(UTC).date()
    days = f'from = "{day - timedelta(2):%Y-%m-%d}"\nto = "{day + timedelta(9):%Y-%m-%d}"\n'
    return (
        f'\n[data]\nkey_file = "{KEY}"\n'
        f'\n[[campaigns]]\nid = "cooling"\ntitle = "送清凉"\nkind = "sign-up"\n{days}\n[campaigns.sign-up]\nnames = false\n'
        f'\n[[campaigns.sign-up.slots]]\ntitle = "第一站"\nplaces = {PLACES}\nwaiting = 1000\n'
        f'\n[[campaigns]]\nid = "request"\ntitle = "诉求"\nkind = "request"\n{days}\n[campaigns.request]\n'
    )
