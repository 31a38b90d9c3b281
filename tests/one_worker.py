"""A program: one worker process as `work` runs it, for tests that kill it; its words are the arguments of `main`, NAME=VALUE."""

from __future__ import annotations

import logging
import sys
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from pydantic import SecretStr  # noqa: E402
from spring_cast import campaign  # noqa: E402

from channels import Gear, SendLimits, open_channels  # noqa: E402
from jobs.audience import Audience  # noqa: E402
from jobs.pace import Pace  # noqa: E402
from jobs.push import Sender  # noqa: E402
from jobs.worker import Worker, work  # noqa: E402
from models.base import Store  # noqa: E402
from models.clock import Clock  # noqa: E402
from models.media import Shelf  # noqa: E402
from models.shared import Shared  # noqa: E402
from wx.account import Account  # noqa: E402
from wx.client import Api  # noqa: E402


def main(
    database: str,
    far: str,
    app_id: str,
    secret: str,
    lease_s: str,
    redis_url: str = "",
    due: str = "",
    sends_per_s: str = "1000",
) -> int:
    """Runs until it is told to stop, or killed. `due`: when its campaign's pushes are, with commas between."""
    logging.basicConfig(level=logging.WARNING)
    store, clock = Store(database), Clock()
    account = Account(
        kind="service", verified=True, live=True, app_id=app_id, app_secret=SecretStr(secret), api_base=far
    )
    shared = Shared(store, redis_url)
    api, limits = Api(account, shared), SendLimits(sends_per_s=int(sends_per_s))
    gear = Gear(api, Shelf(store, clock.now), Path())
    audience = Audience(store, api, account, Path())
    sender = Sender(
        store,
        Pace(shared, limits),
        account,
        open_channels(gear),
        audience,
        limits,
        clock.now,
        lease=timedelta(seconds=float(lease_s)),
    )
    campaigns = tuple(campaign(at=at, id=f"at{at[11:19].replace(':', '')}") for at in due.split(",") if at)
    return work(Worker(store, clock, shared, lambda: campaigns, sender))


if __name__ == "__main__":
    raise SystemExit(main(**dict(word.split("=", 1) for word in sys.argv[1:])))
