"""The first tables."""

import sqlalchemy as sa
from alembic import op

from broker.storage.columns import Text, UtcInstant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision; the way back is a backup."""
    op.create_table(
        "access_log_head",
        sa.Column("agency", Text(), nullable=False),
        sa.Column("node", Text(), nullable=False),
        sa.Column("count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("head", Text(), nullable=False),
        sa.Column("digest", Text(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("agency", "node"),
    )
    op.create_table(
        "agreement_step",
        sa.Column(
            "leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("agreement", Text(), nullable=False),
        sa.Column("agency", Text(), nullable=False),
        sa.Column("partner", Text(), nullable=False),
        sa.Column("party_seq", sa.Integer(), nullable=False),
        sa.Column("digest", Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index"),
        sa.UniqueConstraint("agreement", "agency", "party_seq", name="one_step_a_number"),
        sa.UniqueConstraint("digest"),
    )
    with op.batch_alter_table("agreement_step", schema=None) as batch_op:
        batch_op.create_index("ix_agreement_step_agency", ["agency", "leaf_index"], unique=False)
        batch_op.create_index("ix_agreement_step_partner", ["partner", "leaf_index"], unique=False)

    op.create_table(
        "attachment",
        sa.Column("sender", Text(), nullable=False),
        sa.Column("message", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("sha256", Text(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("announced_at", UtcInstant(), nullable=False),
        sa.Column("completed_at", UtcInstant(), nullable=True),
        sa.Column("ends_at", UtcInstant(), nullable=True),
        sa.PrimaryKeyConstraint("sender", "message", "id"),
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_attachment_end",
            ["ends_at"],
            unique=False,
            sqlite_where=sa.text("ends_at IS NOT NULL"),
            postgresql_where=sa.text("ends_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_attachment_unreferenced",
            ["announced_at"],
            unique=False,
            sqlite_where=sa.text("ends_at IS NULL"),
            postgresql_where=sa.text("ends_at IS NULL"),
        )
        batch_op.create_index("ix_attachment_usage", ["sender", "ends_at", "size"], unique=False)

    op.create_table(
        "cosignature",
        sa.Column("agency", Text(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("timestamp", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("agency"),
    )
    op.create_table(
        "inbox_binding",
        sa.Column("agency", Text(), nullable=False),
        sa.Column("node", Text(), nullable=False),
        sa.Column("bound_at", UtcInstant(), nullable=False),
        sa.PrimaryKeyConstraint("agency"),
    )
    op.create_table(
        "inbox_content",
        sa.Column("recipient", Text(), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("recipient", "number"),
        postgresql_partition_by="HASH (recipient)",
    )
    op.create_table(
        "inbox_item",
        sa.Column("recipient", Text(), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("type", Text(), nullable=False),
        sa.Column("state", Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("haste", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("agreement", Text(), nullable=True),
        sa.Column("expires_at", UtcInstant(), nullable=True),
        sa.Column("lease", Text(), nullable=True),
        sa.Column("leased_until", UtcInstant(), nullable=True),
        sa.Column("handed_over_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("withdraws", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("recipient", "number"),
        postgresql_partition_by="HASH (recipient)",
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("inbox_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_inbox_item_agreement",
            ["agreement", "state", "number"],
            unique=False,
            sqlite_where=sa.text("is_open = 1"),
            postgresql_where=sa.text("is_open"),
        )
        batch_op.create_index(
            "ix_inbox_item_deadline",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("is_open = 1"),
            postgresql_where=sa.text("is_open"),
        )
        batch_op.create_index(
            "ix_inbox_item_open",
            ["recipient", "state", "haste", "number"],
            unique=False,
            sqlite_where=sa.text("is_open = 1"),
            postgresql_where=sa.text("is_open"),
        )
        batch_op.create_index(
            "ix_inbox_item_withdraws",
            ["recipient", "withdraws"],
            unique=False,
            sqlite_where=sa.text("is_open = 1 AND withdraws IS NOT NULL"),
            postgresql_where=sa.text("is_open AND withdraws IS NOT NULL"),
        )

    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", Text(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("last_time", UtcInstant(), nullable=False),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("id = 1", name="one_head"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "log_leaf",
        sa.Column(
            "leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("leaf_class", Text(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("record_type", Text(), nullable=False),
        sa.Column("time", UtcInstant(), nullable=False),
        sa.Column("agency", Text(), nullable=True),
        sa.Column("partner", Text(), nullable=True),
        sa.Column("actor", Text(), nullable=True),
        sa.Column("node", Text(), nullable=True),
        sa.Column("message", Text(), nullable=True),
        sa.Column("agreement", Text(), nullable=True),
        sa.Column("problem", Text(), nullable=True),
        sa.PrimaryKeyConstraint("leaf_index"),
    )
    with op.batch_alter_table("log_leaf", schema=None) as batch_op:
        batch_op.create_index(
            "ix_log_leaf_agreement",
            ["agreement", "leaf_index"],
            unique=False,
            sqlite_where=sa.text("agreement IS NOT NULL"),
            postgresql_where=sa.text("agreement IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_log_leaf_message",
            ["message", "leaf_index"],
            unique=False,
            sqlite_where=sa.text("message IS NOT NULL"),
            postgresql_where=sa.text("message IS NOT NULL"),
        )
        batch_op.create_index("ix_log_leaf_record_type", ["record_type", "leaf_index"], unique=False)

    op.create_table(
        "message",
        sa.Column("recipient", Text(), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("sender", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("digest", Text(), nullable=False),
        sa.Column("stream", Text(), nullable=False),
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agreement", Text(), nullable=False),
        sa.Column("kind", Text(), nullable=False),
        sa.Column("marking", Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("attachments", sa.Integer(), nullable=False),
        sa.Column("attachment_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("passage", Text(), nullable=False),
        sa.Column("refers_to", Text(), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("evidence_until", UtcInstant(), nullable=False),
        sa.PrimaryKeyConstraint("recipient", "number"),
        sa.UniqueConstraint("sender", "id", "recipient", name="uq_message_id"),
        sa.UniqueConstraint("sender", "recipient", "stream", "n", name="uq_message_stream"),
        postgresql_partition_by="HASH (recipient)",
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index("ix_message_end", ["evidence_until"], unique=False)
        batch_op.create_index(
            "ix_message_refers_to",
            ["sender", "refers_to", "kind"],
            unique=False,
            sqlite_where=sa.text("refers_to IS NOT NULL"),
            postgresql_where=sa.text("refers_to IS NOT NULL"),
        )

    op.create_table(
        "quota_day",
        sa.Column("recipient", Text(), nullable=False),
        sa.Column("sender", Text(), nullable=False),
        sa.Column("agreement", Text(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("recipient", "sender", "agreement", "day"),
        postgresql_partition_by="HASH (recipient)",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "receipt",
        sa.Column("from_agency", Text(), nullable=False),
        sa.Column("digest", Text(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("evidence_until", UtcInstant(), nullable=False),
        sa.PrimaryKeyConstraint("from_agency", "digest"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.create_index("ix_receipt_end", ["evidence_until"], unique=False)

    op.create_table(
        "status",
        sa.Column("partner", Text(), nullable=False),
        sa.Column("agency", Text(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", Text(), nullable=False),
        sa.Column("time", UtcInstant(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "agency"),
    )
    op.create_table(
        "token_count",
        sa.Column("agency", Text(), nullable=False),
        sa.Column("hour", UtcInstant(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "hour"),
    )
    op.create_table(
        "used_assertion",
        sa.Column("jti", Text(), nullable=False),
        sa.Column("agency", Text(), nullable=False),
        sa.Column("kid", Text(), nullable=False),
        sa.Column("expires_at", UtcInstant(), nullable=False),
        sa.PrimaryKeyConstraint("jti"),
    )
    with op.batch_alter_table("used_assertion", schema=None) as batch_op:
        batch_op.create_index("ix_used_assertion_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "log_concern",
        sa.Column("agency", Text(), nullable=False),
        sa.Column(
            "leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["leaf_index"],
            ["log_leaf.leaf_index"],
        ),
        sa.PrimaryKeyConstraint("agency", "leaf_index"),
        sqlite_with_rowid=False,
    )
