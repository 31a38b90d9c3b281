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
        if_not_exists=True,
    )
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("alarms")}
    wanted = (("told", Words()), ("tries", sa.Integer()), ("told_at", Utc()), ("tell_at", Utc()))
    with op.batch_alter_table("alarms", schema=None) as batch_op:
        for name, kind in wanted:
            if name not in there:  # MariaDB commits each step, and may have been stopped after any of them
                batch_op.add_column(sa.Column(name, kind, nullable=True))
