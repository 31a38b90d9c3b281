"""The shape of the database: every table known, so that it can be made, compared and brought up to date."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import sqlalchemy as sa

from models.base import metadata


def known() -> sa.MetaData:
    """The metadata with the tables of every noun in this package, whoever imported them so far."""
    for found in pkgutil.iter_modules([str(Path(__file__).parent)], "models."):
        if not found.ispkg:
            importlib.import_module(found.name)
    return metadata
