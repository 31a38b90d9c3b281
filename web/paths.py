"""What each part of the site may take: the table that the server and the pages go by."""

from __future__ import annotations

from web.server import PathLimits

MB = 1024 * 1024
PATHS = (
    PathLimits("/h5/", 21 * MB),  # a photo of 20 MB, and the form around it
    PathLimits("/h5/file/", export=True),
    PathLimits("/console/", 51 * MB),  # a list to import
    PathLimits("/console/export/", export=True),
)
