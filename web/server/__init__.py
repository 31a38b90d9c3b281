"""The production server: one event loop per process under gunicorn. This is its only door: nobody imports past it."""

from web.server.prefork import Carried, Server, listen

__all__ = ["Carried", "Server", "listen"]
