"""sessions live at the server

Revision ID: 7c1e5a40b2d9
Revises: 01a607d20d24
"""

from alembic import op
import sqlalchemy as sa
import app.core.types


revision = '7c1e5a40b2d9'
down_revision = '01a607d20d24'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('user_session',
    sa.Column('id', sa.String(length=43), nullable=False, comment='256 random bits; in the signed cookie'),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('started_at', app.core.types.UtcDateTime(timezone=True), nullable=False, comment='UTC'),
    sa.Column('workstation', sa.String(length=64), nullable=False, comment='address at sign-in'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_user_session_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user_session'))
    )
    with op.batch_alter_table('user_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_user_session_user_id'), ['user_id'], unique=False)
    # Not in a batch: that would make the table anew, and rows that point to it forbid this on SQLite.
    op.drop_column('user', 'session_epoch')


def downgrade():
    op.add_column('user', sa.Column('session_epoch', sa.Integer(), server_default='1', nullable=False,
                                    comment='raised to end every session of the user'))
    op.drop_table('user_session')
