"""time and authority of the time stamps of signed documents

Revision ID: 5e0a4b1f2c77
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

import app.core.types

revision = "5e0a4b1f2c77"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("document_frozen_copy") as table:
        table.add_column(
            sa.Column("timestamp_at", app.core.types.UtcDateTime(timezone=True), nullable=True, comment="UTC, as the authority says")
        )
        table.add_column(
            sa.Column("timestamp_by", sa.String(length=255), nullable=False, server_default="", comment="subject of the authority")
        )


def downgrade() -> None:
    with op.batch_alter_table("document_frozen_copy") as table:
        table.drop_column("timestamp_by")
        table.drop_column("timestamp_at")
