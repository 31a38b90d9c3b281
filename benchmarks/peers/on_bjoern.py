"""Serves MODULE:application on bjoern with two processes: python on_bjoern.py MODULE PORT."""

import importlib
import os
import signal
import sys

import bjoern

application = importlib.import_module(sys.argv[1]).application
child = os.fork()
bjoern.listen(
    application, "127.0.0.1", int(sys.argv[2]), reuse_port=True
)  # each its own, so that both get work
if child == 0:
    bjoern.run()
    sys.exit(0)


def stop(number: int, frame: object) -> None:
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
bjoern.run()
