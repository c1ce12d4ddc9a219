"""Documents as sheets."""

from flask import current_app, has_app_context

from app.core import clock
from app.core.settings import Settings
from app.documents.facts import CaseFacts
from app.documents.kinds import kind_of
from app.documents.models import Document
from app.documents.rules.completeness import fill
from app.documents.sheet import Sheet, SignatureLine, head_of, open_lines, parts_of


def hospital_name() -> str:
    """Name of the hospital that stands on every form."""
    settings = current_app.extensions.get("mafei.settings") if has_app_context() else None
    return settings.hospital_name if isinstance(settings, Settings) else ""


def sheet_of(document: Document, facts: CaseFacts, digest: str = "") -> Sheet:
    """The sheet of a document as it stands now."""
    filled = fill(kind_of(document), document.content.values, facts)
    done = [
        (
            row.slot,
            SignatureLine(
                row.label,
                row.name,
                f"{clock.to_hospital(row.signed_at):%Y-%m-%d %H:%M}",
                row.image,
                row.title,
            ),
        )
        for row in document.signatures
        if row.withdrawn_at is None
    ]
    return Sheet(
        title=document.title,
        hospital=hospital_name(),
        head=head_of(facts),
        parts=parts_of(filled),
        signatures=open_lines(filled, done),
        document_no=f"{document.case.case_no}-{document.kind}-{document.number}",
        version_no=document.version_no,
        state=document.state,
        struck=document.struck_at is not None,
        basis=filled.kind.basis,
        digest=digest,
        chart_case_id=document.case_id if filled.kind.chart else None,
    )
