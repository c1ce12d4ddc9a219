"""drafts of forms that are being designed

Revision ID: 9d41c7e0a2b8
Revises: 5e0a4b1f2c77
"""

from alembic import op
import sqlalchemy as sa
import app.core.types


revision = '9d41c7e0a2b8'
down_revision = '5e0a4b1f2c77'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('document_draft',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=48), nullable=False, comment='empty until a new kind has its key'),
    sa.Column('plan', sa.JSON(), nullable=False, comment='what the designer edits, app.documents.designer.plan'),
    sa.Column('undo', sa.JSON(), nullable=False, comment='earlier plans, the newest last'),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('by_name', sa.String(length=64), nullable=False),
    sa.Column('changed_at', app.core.types.UtcDateTime(timezone=True), nullable=False, comment='UTC'),
    sa.Column('created_at', app.core.types.UtcDateTime(timezone=True), nullable=False, comment='UTC'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_document_draft'))
    )
    with op.batch_alter_table('document_draft', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_document_draft_kind'), ['kind'], unique=False)


def downgrade():
    with op.batch_alter_table('document_draft', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_document_draft_kind'))

    op.drop_table('document_draft')
