"""The production server: one event loop per process under gunicorn. This is its only door: nobody imports past it."""

from web.server.limits import ClientLimits, PathLimits, limits_of
from web.server.prefork import Server, listen

__all__ = ["ClientLimits", "PathLimits", "Server", "limits_of", "listen"]
