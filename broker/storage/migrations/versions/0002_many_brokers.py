"""Many brokers."""

import sqlalchemy as sa
from alembic import op

from broker.storage.columns import Text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision; the way back is a backup."""
    op.create_table(
        "attachment_piece",
        sa.Column("sender", Text(), nullable=False),
        sa.Column("message", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("start", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "message", "id", "start"),
    )
    with op.batch_alter_table("inbox_binding", schema=None) as batch_op:
        batch_op.add_column(sa.Column("last_lease", Text(), nullable=True))

    with op.batch_alter_table("log_head", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stop", sa.LargeBinary(), nullable=True))
