"""${message[0].upper() + message[1:]}."""

import sqlalchemy as sa
from alembic import op

${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision; the way back is a backup."""
    ${"\n".join(line for line in upgrades.split("\n") if "###" not in line).strip() if upgrades else "pass"}
