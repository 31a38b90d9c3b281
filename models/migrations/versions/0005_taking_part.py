"""Taking part: editions, entries, drafts, consents, the audit, sign-in, wishes."""

import sqlalchemy as sa
from alembic import op

from models.base import Id, Number, Utc, Words

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """MariaDB commits each step, and may have been stopped after any of them."""
    op.create_table(
        "audit",
        sa.Column("id", Number(), autoincrement=True, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("staff", Id(128), nullable=False),
        sa.Column("deed", Id(64), nullable=False),
        sa.Column("object", Id(190), nullable=False),
        sa.Column("details", Words(), nullable=False),
        sa.Column("previous", Id(64), nullable=False),
        sa.Column("hash", Id(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_hash")),
        sa.UniqueConstraint("previous", name=op.f("uq_audit_previous")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
        if_not_exists=True,
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_object", ["object"], unique=False, if_not_exists=True)

    op.create_table(
        "editions",
        sa.Column("id", Number(), autoincrement=True, nullable=False),
        sa.Column("campaign", Id(64), nullable=False),
        sa.Column("kind", Id(32), nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("opens_at", Utc(), nullable=False),
        sa.Column("closes_at", Utc(), nullable=False),
        sa.Column("state", Id(16), nullable=False),
        sa.Column("current", Id(64), nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("rules", Words(), nullable=False),
        sa.Column("rules_hash", Id(64), nullable=False),
        sa.Column("extended", Words(), nullable=False),
        sa.Column("reason", Words(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.Column("published_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_editions")),
        sa.UniqueConstraint("campaign", "opens_at", name=op.f("uq_editions_campaign_opens_at")),
        sa.UniqueConstraint("current", name=op.f("uq_editions_current")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
        if_not_exists=True,
    )
    with op.batch_alter_table("editions", schema=None) as batch_op:
        batch_op.create_index("ix_editions_state", ["state", "closes_at"], unique=False, if_not_exists=True)

    op.create_table(
        "sessions",
        sa.Column("secret_hash", Id(64), nullable=False),
        sa.Column("openid", Id(128), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_sessions")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
        if_not_exists=True,
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index("ix_sessions_expires_at", ["expires_at"], unique=False, if_not_exists=True)
        batch_op.create_index("ix_sessions_openid", ["openid"], unique=False, if_not_exists=True)

    op.create_table(
        "sign_ins",
        sa.Column("secret_hash", Id(64), nullable=False),
        sa.Column("proof", Id(64), nullable=False),
        sa.Column("target", Words(), nullable=False),
        sa.Column("openid", Id(128), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("proof", name=op.f("uq_sign_ins_proof")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
        if_not_exists=True,
    )
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.create_index("ix_sign_ins_expires_at", ["expires_at"], unique=False, if_not_exists=True)
        batch_op.create_index("ix_sign_ins_openid", ["openid"], unique=False, if_not_exists=True)

    op.create_table(
        "consents",
        sa.Column("id", Number(), autoincrement=True, nullable=False),
        sa.Column("openid", Id(128), nullable=False),
        sa.Column("edition_id", Number(), nullable=False),
        sa.Column("version", Id(64), nullable=False),
        sa.Column("given_at", Utc(), nullable=False),
        sa.Column("withdrawn_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_consents_edition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
        if_not_exists=True,
    )
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.create_index(
            "ix_consents_openid", ["openid", "edition_id"], unique=False, if_not_exists=True
        )

    op.create_table(
        "drafts",
        sa.Column("openid", Id(128), nullable=False),
        sa.Column("edition_id", Number(), autoincrement=False, nullable=False),
        sa.Column("said", Words(), nullable=False),
        sa.Column("once", Id(64), nullable=False),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_drafts_edition_id")),
        sa.PrimaryKeyConstraint("openid", "edition_id", name=op.f("pk_drafts")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
        if_not_exists=True,
    )
    with op.batch_alter_table("drafts", schema=None) as batch_op:
        batch_op.create_index("ix_drafts_updated_at", ["updated_at"], unique=False, if_not_exists=True)

    op.create_table(
        "entries",
        sa.Column("id", Number(), autoincrement=True, nullable=False),
        sa.Column("edition_id", Number(), nullable=False),
        sa.Column("openid", Id(128), nullable=True),
        sa.Column("once", Id(64), nullable=False),
        sa.Column("door", Id(8), nullable=False),
        sa.Column("number", Id(32), nullable=False),
        sa.Column("receipt", Id(32), nullable=True),
        sa.Column("told", Words(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_entries_edition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entries")),
        sa.UniqueConstraint("edition_id", "openid", "once", name=op.f("uq_entries_edition_id_openid_once")),
        sa.UniqueConstraint("receipt", name=op.f("uq_entries_receipt")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
        if_not_exists=True,
    )
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.create_index("ix_entries_openid", ["openid"], unique=False, if_not_exists=True)
        batch_op.create_index(
            "ix_entries_received_at", ["edition_id", "received_at"], unique=False, if_not_exists=True
        )

    op.create_table(
        "wishes",
        sa.Column("id", Number(), autoincrement=True, nullable=False),
        sa.Column("edition_id", Number(), nullable=False),
        sa.Column("openid", Id(128), nullable=True),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("words", Words(), nullable=False),
        sa.Column("state", Id(16), nullable=False),
        sa.Column("merged_into", Number(), nullable=True),
        sa.Column("reason", Words(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("due", Words(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("decided_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_wishes_edition_id")),
        sa.ForeignKeyConstraint(["merged_into"], ["wishes.id"], name=op.f("fk_wishes_merged_into")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wishes")),
        sa.UniqueConstraint("edition_id", "openid", "slot", name=op.f("uq_wishes_edition_id_openid_slot")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
        if_not_exists=True,
    )
    with op.batch_alter_table("wishes", schema=None) as batch_op:
        batch_op.create_index("ix_wishes_openid", ["openid"], unique=False, if_not_exists=True)
        batch_op.create_index("ix_wishes_state", ["edition_id", "state"], unique=False, if_not_exists=True)

    op.create_table(
        "supports",
        sa.Column("wish_id", Number(), autoincrement=False, nullable=False),
        sa.Column("openid", Id(128), nullable=False),
        sa.Column("source", Id(8), nullable=False),
        sa.Column("via", Number(), nullable=True),
        sa.Column("at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["wish_id"], ["wishes.id"], name=op.f("fk_supports_wish_id")),
        sa.PrimaryKeyConstraint("wish_id", "openid", name=op.f("pk_supports")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
        if_not_exists=True,
    )
    with op.batch_alter_table("supports", schema=None) as batch_op:
        batch_op.create_index("ix_supports_openid", ["openid"], unique=False, if_not_exists=True)
