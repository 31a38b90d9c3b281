"""Room for what is sealed."""

from alembic import op

from models.base import Id, Words

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

COLUMNS = (("requests", "phone", 32), ("staff", "totp", 64), ("staff_links", "totp", 64))


def upgrade() -> None:
    for table, column, length in COLUMNS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column(
                column, existing_type=Id(length), type_=Words(), existing_nullable=False, nullable=False
            )
