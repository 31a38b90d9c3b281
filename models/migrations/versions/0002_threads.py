"""Threads: on SQLite, each interaction knows the one before it of the same person."""

import sqlalchemy as sa
from alembic import op

from models.base import Number

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, name in (("followers", "latest"), ("interactions", "previous")):
        there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
        if name not in there:  # MariaDB commits each step, and may have been stopped between two
            with op.batch_alter_table(table) as batch_op:
                batch_op.add_column(sa.Column(name, Number(), nullable=True))
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute(
        "UPDATE interactions SET previous = (SELECT max(before.id) FROM interactions AS before "
        "WHERE before.openid = interactions.openid AND before.id < interactions.id) "
        "WHERE openid IN (SELECT openid FROM followers)"
    )
    op.execute(
        "UPDATE followers SET latest = "
        "(SELECT max(interactions.id) FROM interactions WHERE interactions.openid = followers.openid)"
    )
    op.drop_index("ix_interactions_openid", "interactions")
    op.create_index(
        "ix_interactions_first", "interactions", ["openid"], sqlite_where=sa.text("previous IS NULL")
    )
