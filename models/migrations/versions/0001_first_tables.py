"""First tables."""

import sqlalchemy as sa
from alembic import op

from models.base import Id, Number, Utc, Words

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("name", Id(190), nullable=False),
        sa.Column("words", Words(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", Utc(), nullable=False),
        sa.Column("last_at", Utc(), nullable=False),
        sa.Column("cleared_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alarms")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "followers",
        sa.Column("openid", Id(128), nullable=False),
        sa.Column("subscribed", sa.Boolean(), nullable=False),
        sa.Column("state_at", Utc(), nullable=True),
        sa.Column("subscribed_at", Utc(), nullable=True),
        sa.Column("unsubscribed_at", Utc(), nullable=True),
        sa.Column("scene", Words(), nullable=True),
        sa.Column("first_seen_at", Utc(), nullable=False),
        sa.Column("last_seen_at", Utc(), nullable=False),
        sa.Column("spoke_at", Utc(), nullable=True),
        sa.Column("tapped_at", Utc(), nullable=True),
        sa.Column("dialogue", Words(), nullable=True),
        sa.Column("place_x", sa.Double(), nullable=True),
        sa.Column("place_y", sa.Double(), nullable=True),
        sa.Column("place_at", Utc(), nullable=True),
        sa.Column("remark", Words(), nullable=True),
        sa.PrimaryKeyConstraint("openid", name=op.f("pk_followers")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("followers", schema=None) as batch_op:
        batch_op.create_index("ix_followers_subscribed", ["subscribed", "openid"], unique=False)

    op.create_table(
        "interactions",
        sa.Column("id", Number(), autoincrement=True, nullable=False),
        sa.Column("dedupe_key", Id(64), nullable=False),
        sa.Column("openid", Id(128), nullable=False),
        sa.Column("msg_type", Id(64), nullable=False),
        sa.Column("event", Id(64), nullable=True),
        sa.Column("event_key", Words(), nullable=True),
        sa.Column("content", Words(), nullable=True),
        sa.Column("msg_id", Id(64), nullable=True),
        sa.Column("sent_at", Utc(), nullable=True),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("raw", Words(), nullable=True),
        sa.Column("reply", Words(), nullable=True),
        sa.Column("state", Id(16), nullable=False),
        sa.Column("topic", Words(), nullable=True),
        sa.Column("missed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interactions")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_interactions_dedupe_key")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("interactions", schema=None) as batch_op:
        batch_op.create_index("ix_interactions_openid", ["openid"], unique=False)
        batch_op.create_index("ix_interactions_received_at", ["received_at"], unique=False)

    op.create_table(
        "media",
        sa.Column("key", Id(128), nullable=False),
        sa.Column("value", Words(), nullable=False),
        sa.Column("kept_at", Utc(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_media")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "menus",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("saved_at", Utc(), nullable=False),
        sa.Column("body", Words(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_menus")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "pushes",
        sa.Column("id", Number(), autoincrement=True, nullable=False),
        sa.Column("name", Id(160), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.Column("state", Id(16), nullable=False),
        sa.Column("key", Id(16), nullable=False),
        sa.Column("channel", Id(16), nullable=False),
        sa.Column("audience", Words(), nullable=False),
        sa.Column("content", Words(), nullable=False),
        sa.Column("late_ok_s", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("planned_up_to", Id(128), nullable=False),
        sa.Column("not_before", Utc(), nullable=True),
        sa.Column("errcode", sa.Integer(), nullable=True),
        sa.Column("reason", Words(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("started_at", Utc(), nullable=True),
        sa.Column("finished_at", Utc(), nullable=True),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pushes")),
        sa.UniqueConstraint("name", "due_at", name=op.f("uq_pushes_name_due_at")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("pushes", schema=None) as batch_op:
        batch_op.create_index("ix_pushes_state", ["state", "due_at"], unique=False)

    op.create_table(
        "results",
        sa.Column("channel", Id(16), nullable=False),
        sa.Column("far_id", Id(64), nullable=False),
        sa.Column("status", Words(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("filtered", sa.Integer(), nullable=True),
        sa.Column("sent", sa.Integer(), nullable=True),
        sa.Column("failed", sa.Integer(), nullable=True),
        sa.Column("told_at", Utc(), nullable=False),
        sa.Column("applied_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("channel", "far_id", name=op.f("pk_results")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("results", schema=None) as batch_op:
        batch_op.create_index("ix_results_applied", ["applied_at", "told_at"], unique=False)

    op.create_table(
        "shared",
        sa.Column("name", Id(190), nullable=False),
        sa.Column("value", Words(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=True),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_shared")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "deliveries",
        sa.Column("id", Number(), autoincrement=True, nullable=False),
        sa.Column("push_id", Number(), nullable=False),
        sa.Column("channel", Id(16), nullable=False),
        sa.Column("recipient", Id(128), nullable=False),
        sa.Column("state", Id(8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("errcode", sa.Integer(), nullable=True),
        sa.Column("reason", Words(), nullable=False),
        sa.Column("far_id", Id(64), nullable=True),
        sa.Column("key", Id(32), nullable=True),
        sa.Column("holder", Id(32), nullable=True),
        sa.Column("lease_until", Utc(), nullable=True),
        sa.Column("not_before", Utc(), nullable=True),
        sa.Column("tried_at", Utc(), nullable=True),
        sa.Column("sent_at", Utc(), nullable=True),
        sa.Column("result", Words(), nullable=True),
        sa.Column("result_at", Utc(), nullable=True),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["push_id"], ["pushes.id"], name=op.f("fk_deliveries_push_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "push_id", "channel", "recipient", name=op.f("uq_deliveries_push_id_channel_recipient")
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index("ix_deliveries_far", ["far_id", "channel"], unique=False)
        batch_op.create_index("ix_deliveries_lease", ["state", "lease_until"], unique=False)
        batch_op.create_index("ix_deliveries_push_state", ["push_id", "state", "id"], unique=False)
        batch_op.create_index("ix_deliveries_recipient", ["recipient", "channel", "state"], unique=False)
        batch_op.create_index("ix_deliveries_tried", ["state", "tried_at"], unique=False)
