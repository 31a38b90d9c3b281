"""Room on PostgreSQL's pages of followers, where each message writes a new version of a row."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE followers SET (fillfactor = 70)")
