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
    with op.batch_alter_table("inbox_binding", schema=None) as batch_op:
        batch_op.add_column(sa.Column("last_lease", Text(), nullable=True))

    with op.batch_alter_table("log_head", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stop", sa.LargeBinary(), nullable=True))
