"""the clock of a bridge's computer

Revision ID: 5e81c4d07b36
Revises: 3c7d52a9e410
"""

from alembic import op
import sqlalchemy as sa


revision = '5e81c4d07b36'
down_revision = '3c7d52a9e410'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column('bridge_seen', sa.Column('clock_offset_ms', sa.BigInteger(), nullable=True,
                                           comment='clock of the server minus that of its computer'))


def downgrade():
    op.drop_column('bridge_seen', 'clock_offset_ms')
