"""The first tables."""

import sqlalchemy as sa
from alembic import op

from broker.storage.columns import UtcInstant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision; the way back is a backup."""
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
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
        sa.Column("leaf_class", sa.String(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("record_type", sa.String(), nullable=False),
        sa.Column("time", UtcInstant(), nullable=False),
        sa.Column("agency", sa.String(), nullable=True),
        sa.Column("partner", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("node", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("agreement", sa.String(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("leaf_index"),
    )
    with op.batch_alter_table("log_leaf", schema=None) as batch_op:
        batch_op.create_index(
            "ix_log_leaf_agreement",
            ["agreement", "leaf_index"],
            unique=False,
            sqlite_where=sa.text("agreement IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_log_leaf_message", ["message", "leaf_index"], unique=False, sqlite_where=sa.text("message IS NOT NULL")
        )
        batch_op.create_index("ix_log_leaf_record_type", ["record_type", "leaf_index"], unique=False)

    op.create_table(
        "log_concern",
        sa.Column("agency", sa.String(), nullable=False),
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
