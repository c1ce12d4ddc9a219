"""What every command on documents needs."""

from collections.abc import Sequence

from app.core import signals, unit_of_work
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, Locked
from app.documents.facts import CaseFacts
from app.documents.gather import gather
from app.documents.kinds import kind_of
from app.documents.models import Document, DocumentContent, DocumentSignature
from app.documents.rules.completeness import Filled, Gap, fill
from app.documents.rules.signing import Signed

STATE_LABELS = {"draft": "草稿", "submitted": "已提交", "signed": "已签名", "archived": "已归档"}


class Incomplete(InvalidInput):
    """The document lacks something; `gaps` tells what and where."""

    code = "incomplete"

    def __init__(self, title: str, gaps: Sequence[Gap]) -> None:
        self.gaps = list(gaps)
        told = "；".join(gap.message for gap in self.gaps[:8])
        more = f"等 {len(self.gaps)} 项" if len(self.gaps) > 8 else ""
        super().__init__(f"《{title}》还差：{told}{more}。", fields={gap.path: gap.message for gap in self.gaps})


def subject(document: Document) -> str:
    """Subject in the audit trail."""
    return f"document:{document.id}"


def content_for_update(document: Document) -> DocumentContent:
    """The content, locked against another writer until the transaction ends."""
    content = db.session.get(DocumentContent, document.id, with_for_update=True, populate_existing=True)
    if content is None:
        raise Conflict("文书内容不存在。")
    return content


def filled_of(document: Document, facts: CaseFacts | None = None) -> Filled:
    """The document as the rules see it now."""
    return fill(kind_of(document), document.content.values, facts or gather(document.case))


def signed_of(document: Document) -> list[Signed]:
    """Valid signatures."""
    return [Signed(row.slot, row.user_id, row.name) for row in valid_signatures(document)]


def valid_signatures(document: Document) -> list[DocumentSignature]:
    """Signatures that were not withdrawn."""
    return [row for row in document.signatures if row.withdrawn_at is None]


def require_current(document: Document) -> None:
    """Refuse a version that a later one has replaced."""
    if document.struck_at is not None:
        raise Locked("这一版已被新版本取代，只能查看。")


def require_reason(reason: str, field: str = "reason") -> str:
    """The reason, trimmed; refused when blank or too long."""
    text = reason.strip()
    if not text:
        raise InvalidInput(fields={field: "请填写理由"})
    if len(text) > 255:
        raise InvalidInput(fields={field: "理由最多 255 字"})
    return text


def tell(document: Document) -> None:
    """Let other screens of the case refetch."""
    unit_of_work.after_commit(signals.changed, f"case:{document.case_id}", what="documents")
