"""A photo and a source of a request."""

import sqlalchemy as sa
from alembic import op

from models.base import Id

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.add_column(sa.Column("photo", Id(32), nullable=True))
        batch_op.add_column(sa.Column("source", Id(64), nullable=True))
        batch_op.create_index("ix_requests_split_from", ["split_from"], unique=False)
        batch_op.create_index("ix_requests_source", ["source"], unique=False)
