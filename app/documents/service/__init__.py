"""Commands on documents: begin, write, sign, archive, amend, seal, design."""

from app.documents.service.archiving import (
    amend_document,
    archive_document,
    archive_documents,
    decide_reopen,
    request_reopen,
)
from app.documents.service.drafting import (
    FieldConflict,
    SavedField,
    begin_document,
    copy_from_last,
    discard_draft,
    refill,
    save_field,
    submit_document,
)
from app.documents.service.sealing import Party, seal_documents, unseal
from app.documents.service.signing import sign_as_patient, sign_document, withdraw_signature

__all__ = [
    "FieldConflict",
    "Party",
    "SavedField",
    "amend_document",
    "archive_document",
    "archive_documents",
    "begin_document",
    "copy_from_last",
    "decide_reopen",
    "discard_draft",
    "refill",
    "request_reopen",
    "save_field",
    "seal_documents",
    "sign_as_patient",
    "sign_document",
    "submit_document",
    "unseal",
    "withdraw_signature",
]
