"""What proves a signed document: its frozen copies, their digests reckoned again, their time stamps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.core.db import db
from app.documents.models import Document, FrozenCopy
from app.documents.service.stamping import digest_faults

CAUSES = {"signed": "签名", "archived": "归档"}


@dataclass(frozen=True, slots=True)
class Proof:
    """A frozen copy as the verification page shows it. `faults`: Chinese sentences, empty when it is intact."""

    copy_id: int
    cause: str
    frozen_at: datetime
    sha256: str
    sm3: str
    pdf_sha256: str
    stamped_at: datetime | None
    stamped_by: str
    faults: tuple[str, ...]

    @property
    def is_intact(self) -> bool:
        """Whether nothing differs from what was frozen."""
        return not self.faults


def proofs_of(document: Document) -> Sequence[Proof]:
    """The frozen copies of a document, the newest first, each reckoned again now."""
    statement = select(FrozenCopy).where(FrozenCopy.document_id == document.id).order_by(FrozenCopy.id.desc())
    return [
        Proof(
            copy_id=copy.id,
            cause=CAUSES.get(copy.cause, copy.cause),
            frozen_at=copy.created_at,
            sha256=copy.sha256,
            sm3=copy.sm3,
            pdf_sha256=copy.pdf_sha256,
            stamped_at=copy.timestamp_at,
            stamped_by=copy.timestamp_by,
            faults=tuple(digest_faults(copy)),
        )
        for copy in db.session.scalars(statement)
    ]
