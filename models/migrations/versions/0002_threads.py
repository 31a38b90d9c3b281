"""Threads: on SQLite, each interaction knows the one before it of the same person."""

import sqlalchemy as sa
from alembic import op

from models.base import Number

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("followers") as batch_op:
        batch_op.add_column(sa.Column("latest", Number(), nullable=True))
    with op.batch_alter_table("interactions") as batch_op:
        batch_op.add_column(sa.Column("previous", Number(), nullable=True))
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute(
        "UPDATE interactions SET previous = (SELECT max(before.id) FROM interactions AS before "
        "WHERE before.openid = interactions.openid AND before.id < interactions.id)"
    )
    op.execute(
        "UPDATE followers SET latest = "
        "(SELECT max(interactions.id) FROM interactions WHERE interactions.openid = followers.openid)"
    )
    op.drop_index("ix_interactions_openid", "interactions")
