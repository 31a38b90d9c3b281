"""Whom alarms reached, and who was forgotten."""

import sqlalchemy as sa
from alembic import op

from models.base import Id, Utc, Words

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("mark", Id(64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_erasures")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("alarms", schema=None) as batch_op:
        batch_op.add_column(sa.Column("told", Words(), nullable=True))
        batch_op.add_column(sa.Column("tries", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("told_at", Utc(), nullable=True))
        batch_op.add_column(sa.Column("tell_at", Utc(), nullable=True))
