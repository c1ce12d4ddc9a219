"""whether somebody asked for allergies

Revision ID: 9b3f60c2d1e8
Revises: 9d41c7e0a2b8
"""

from alembic import op
import sqlalchemy as sa
import app.core.types


revision = '9b3f60c2d1e8'
down_revision = '9d41c7e0a2b8'
branch_labels = None
depends_on = None

_COMMENT = 'UTC; when somebody here asked; null with no allergy: not asked, which is not the same as none'


def upgrade():
    op.add_column('patient', sa.Column('allergies_asked_at', app.core.types.UtcDateTime(timezone=True), nullable=True,
                                       comment=_COMMENT))


def downgrade():
    op.drop_column('patient', 'allergies_asked_at')
