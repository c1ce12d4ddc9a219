"""laboratory results, and messages that wait for their patient

Revision ID: 3c7d52a9e410
Revises: 9b3f60c2d1e8
"""

from alembic import op
import sqlalchemy as sa
import app.core.types


revision = '3c7d52a9e410'
down_revision = '9b3f60c2d1e8'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('lab_result',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('patient_id', sa.Integer(), nullable=False),
    sa.Column('encounter_id', sa.Integer(), nullable=True),
    sa.Column('source', sa.String(length=16), nullable=False, comment='system that reported: lis …'),
    sa.Column('report_no', sa.String(length=64), nullable=False, comment="OBR-3, the laboratory's number"),
    sa.Column('panel', sa.String(length=128), nullable=False, comment='OBR-4, name of what was ordered'),
    sa.Column('item_code', sa.String(length=64), nullable=False,
              comment="OBX-3 as sent: LOINC or the laboratory's own code"),
    sa.Column('item_name', sa.String(length=128), nullable=False),
    sa.Column('sub_id', sa.String(length=20), nullable=False, comment='OBX-4'),
    sa.Column('code', sa.String(length=32), nullable=False, comment='code of term kind lab; empty: not mapped'),
    sa.Column('value', sa.Numeric(precision=18, scale=6), nullable=True, comment='number in `unit`; null: see `text`'),
    sa.Column('comparator', sa.String(length=2), nullable=False, comment='<, >, <=, >= before the number'),
    sa.Column('text', sa.Text(), nullable=False, comment='the value as sent'),
    sa.Column('unit', sa.String(length=32), nullable=False, comment='as sent, never converted here'),
    sa.Column('reference', sa.String(length=64), nullable=False, comment='reference range as sent'),
    sa.Column('flag', sa.String(length=8), nullable=False, comment='H, L, HH, LL, A, AA; empty: normal or not told'),
    sa.Column('specimen', sa.String(length=64), nullable=False),
    sa.Column('taken_at', app.core.types.UtcDateTime(timezone=True), nullable=False,
              comment='UTC; specimen taken, else reported, else received'),
    sa.Column('reported_at', app.core.types.UtcDateTime(timezone=True), nullable=True, comment='UTC'),
    sa.Column('status', sa.String(length=16), nullable=False, comment='preliminary, final, corrected, withdrawn'),
    sa.Column('message_no', sa.String(length=64), nullable=False, comment='MSH-10 of the message that brought it'),
    sa.Column('replaced_by_id', sa.Integer(), nullable=True, comment='newer row of the item'),
    sa.Column('replaced_at', app.core.types.UtcDateTime(timezone=True), nullable=True, comment='UTC'),
    sa.Column('created_at', app.core.types.UtcDateTime(timezone=True), nullable=False, comment='UTC'),
    sa.ForeignKeyConstraint(['encounter_id'], ['encounter.id'], name=op.f('fk_lab_result_encounter_id_encounter')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_lab_result_patient_id_patient')),
    sa.ForeignKeyConstraint(['replaced_by_id'], ['lab_result.id'],
                            name=op.f('fk_lab_result_replaced_by_id_lab_result')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lab_result'))
    )
    with op.batch_alter_table('lab_result', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lab_result_encounter_id'), ['encounter_id'], unique=False)
        batch_op.create_index('ix_lab_result_patient_taken', ['patient_id', 'taken_at'], unique=False)
        batch_op.create_index('ix_lab_result_replaced_by_id', ['replaced_by_id'], unique=False)
        batch_op.create_index('ix_lab_result_report', ['source', 'report_no'], unique=False)
    op.create_index('ix_inbound_message_patient', 'inbound_message', ['patient_no', 'state'])


def downgrade():
    op.drop_index('ix_inbound_message_patient', 'inbound_message')
    op.drop_table('lab_result')
