"""A program: the production server with two processes, whose handler has one effect per message. DATABASE PORT"""

from __future__ import annotations

import logging
import sys
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from flask import Flask  # noqa: E402
from webhook_cast import ACCOUNT, APP_ID, HOUSE, KEY, TOKEN, counts  # noqa: E402

from models.base import Store  # noqa: E402
from models.clock import Clock  # noqa: E402
from web.server import Server  # noqa: E402
from web.webhook import Webhook, blueprint  # noqa: E402
from wx.envelope import Envelope  # noqa: E402


class Steady(Clock):
    """Starts at the tests' noon, and goes on from there, whichever process asks."""

    def __init__(self, begun: datetime) -> None:
        super().__init__()
        self._ahead = begun - super().now()

    def now(self) -> datetime:
        return super().now() + self._ahead


def main(database: str, port: str, noon: str) -> None:
    """Serves until it is told to stop."""
    logging.basicConfig(level=logging.WARNING)
    envelope = Envelope(mode="safe", token=TOKEN, app_id=APP_ID, freshness_s=300, aes_key=KEY)
    hook = Webhook(envelope, Store(database), Steady(datetime.fromisoformat(noon)), HOUSE, counts, ACCOUNT)
    site = Flask("counting")
    site.register_blueprint(blueprint(hook))
    Server(site, hook, f"127.0.0.1:{port}", 2).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
