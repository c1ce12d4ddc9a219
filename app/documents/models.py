"""Tables of documents: definitions in use, documents with their content and versions, signatures, copies, seals."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from app.core.db import Base, Stamped
from app.scheduling.models import SurgicalCase


class DocumentDefinition(Base, Stamped):
    """A definition as it was when a document began: an old document keeps its version for ever."""

    __tablename__ = "document_definition"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(48), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True, comment="SHA-256 of the canonical content")
    content: Mapped[dict[str, Any]] = mapped_column(comment="effective mapping: shipped, packages, overlays")


class DocumentOverlay(Base, Stamped):
    """The hospital's own fields on a kind, or a whole kind of its own. Each change is a new version."""

    __tablename__ = "document_overlay"
    __table_args__ = (UniqueConstraint("kind", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(48))
    version: Mapped[int]
    is_new_kind: Mapped[bool] = mapped_column(default=False, comment="content is a whole kind, not an overlay")
    content: Mapped[dict[str, Any]]
    effective_on: Mapped[date] = mapped_column(comment="hospital day from which new documents use it")
    note: Mapped[str] = mapped_column(String(255), default="")
    by: Mapped[str] = mapped_column(String(64))
    by_name: Mapped[str] = mapped_column(String(64), default="")
    withdrawn_at: Mapped[datetime | None] = mapped_column(comment="UTC")


class DocumentDraft(Base, Stamped):
    """A form or the changes to one while somebody designs it; nobody else sees it before it is published."""

    __tablename__ = "document_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(48), index=True, comment="empty until a new kind has its key")
    plan: Mapped[dict[str, Any]] = mapped_column(comment="what the designer edits, app.documents.designer.plan")
    undo: Mapped[list[Any]] = mapped_column(default=list, comment="earlier plans, the newest last")
    revision: Mapped[int] = mapped_column(default=1)
    by: Mapped[str] = mapped_column(String(64))
    by_name: Mapped[str] = mapped_column(String(64), default="")
    changed_at: Mapped[datetime] = mapped_column(comment="UTC")


class Document(Base, Stamped):
    """One document of a case. A later version points to the earlier one, which stays readable and struck."""

    __tablename__ = "document"
    __table_args__ = (
        Index("ix_document_case_kind", "case_id", "kind"),
        Index("ix_document_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(36), unique=True, comment="UUID, document id outside this system")
    case_id: Mapped[int] = mapped_column(ForeignKey("surgical_case.id"))
    kind: Mapped[str] = mapped_column(String(48))
    title: Mapped[str] = mapped_column(String(60))
    definition_id: Mapped[int] = mapped_column(ForeignKey("document_definition.id"))
    packages: Mapped[list[str]] = mapped_column(default=list, comment="specialty packages laid over")
    number: Mapped[int] = mapped_column(default=1, comment="1, 2 … of a repeatable kind in the case")
    version_no: Mapped[int] = mapped_column(default=1)
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"), comment="version this one amends")
    amend_reason: Mapped[str] = mapped_column(String(255), default="")
    struck_at: Mapped[datetime | None] = mapped_column(comment="UTC, when a later version took its place")
    state: Mapped[str] = mapped_column(String(16), default="draft", comment="draft, submitted, signed, archived")
    created_by: Mapped[str] = mapped_column(String(64))
    created_by_name: Mapped[str] = mapped_column(String(64), default="")
    submitted_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    signed_at: Mapped[datetime | None] = mapped_column(comment="UTC, last required signature")
    archived_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    retain_until: Mapped[date | None] = mapped_column(comment="earliest day of destruction")
    patient_name: Mapped[str] = mapped_column(String(64), default="", comment="as on the document")

    case: Mapped[SurgicalCase] = relationship(lazy="joined")
    definition: Mapped[DocumentDefinition] = relationship(lazy="joined")
    content: Mapped["DocumentContent"] = relationship(back_populates="document", cascade="all, delete-orphan")
    signatures: Mapped[list["DocumentSignature"]] = relationship(
        lazy="selectin", order_by="DocumentSignature.id", back_populates="document"
    )


class DocumentContent(Base):
    """The values of a document with a version for every field."""

    __tablename__ = "document_content"

    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), primary_key=True)
    values: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="field key to canonical JSON value")
    meta: Mapped[dict[str, Any]] = mapped_column(
        default=dict, comment="field key to {v: version, by, name, at, origin}; origin when filled from the case"
    )
    text: Mapped[str] = mapped_column(Text, default="", comment="all words, for the query by free text")

    document: Mapped[Document] = relationship(back_populates="content")


class DocumentSignature(Base, Stamped):
    """A signature in a place. A withdrawn one stays, marked."""

    __tablename__ = "document_signature"
    __table_args__ = (Index("ix_document_signature_document", "document_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    slot: Mapped[str] = mapped_column(String(48))
    label: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), comment="None: patient or proxy")
    staff_code: Mapped[str] = mapped_column(String(32), default="")
    name: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(32), default="", comment="职称, or relation to the patient")
    method: Mapped[str] = mapped_column(String(16), comment="presence (PIN or password), drawn, scanned")
    image: Mapped[str] = deferred(mapped_column(Text, default="", comment="data URI of a drawn or scanned signature"))
    signed_at: Mapped[datetime] = mapped_column(comment="UTC")
    content_digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the covered content at signing")
    seconds_open: Mapped[int | None] = mapped_column(comment="from opening the stage to this signature, s")
    witness: Mapped[str] = mapped_column(String(64), default="", comment="staff present at a patient's signature")
    withdrawn_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    withdrawn_reason: Mapped[str] = mapped_column(String(255), default="")

    document: Mapped[Document] = relationship(back_populates="signatures")


class FrozenCopy(Base, Stamped):
    """What a complete signature or an archiving froze: canonical JSON, PDF and digests. Never changed; only a time
    stamp is added once.
    """

    __tablename__ = "document_frozen_copy"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), index=True)
    cause: Mapped[str] = mapped_column(String(16), comment="signed, archived")
    canonical: Mapped[str] = deferred(mapped_column(Text, comment="canonical JSON of all that was signed"))
    sha256: Mapped[str] = mapped_column(String(64), comment="of the canonical JSON")
    sm3: Mapped[str] = mapped_column(String(64), default="", comment="of the canonical JSON, when configured")
    timestamp: Mapped[str] = mapped_column(Text, default="", comment="token of a time stamp authority")
    timestamp_at: Mapped[datetime | None] = mapped_column(comment="UTC, as the authority says")
    timestamp_by: Mapped[str] = mapped_column(String(255), default="", comment="subject of the authority")
    pdf: Mapped[bytes] = deferred(mapped_column(LargeBinary, default=b""))
    pdf_sha256: Mapped[str] = mapped_column(String(64), default="")


class ReopenRequest(Base, Stamped):
    """Somebody asks to write again on an archived document."""

    __tablename__ = "document_reopen_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), index=True)
    reason: Mapped[str] = mapped_column(String(255))
    by: Mapped[str] = mapped_column(String(64))
    by_name: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="open", comment="open, approved, refused")
    decided_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    decided_by: Mapped[str] = mapped_column(String(64), default="")
    decided_by_name: Mapped[str] = mapped_column(String(64), default="")
    note: Mapped[str] = mapped_column(String(255), default="")


class Seal(Base, Stamped):
    """A sealed set of copies (《医疗机构病历管理规定》§§25–28). The originals may go on."""

    __tablename__ = "document_seal"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(32), unique=True, comment="F20261122-001")
    case_id: Mapped[int] = mapped_column(ForeignKey("surgical_case.id"), index=True)
    reason: Mapped[str] = mapped_column(String(255))
    is_partial: Mapped[bool] = mapped_column(default=False, comment="records not finished; later parts are added")
    parties: Mapped[list[Any]] = mapped_column(default=list, comment="[{side: hospital|patient|notary, name, note}]")
    manifest: Mapped[list[Any]] = mapped_column(default=list, comment="[{document, title, version, pages, sha256}]")
    sha256: Mapped[str] = mapped_column(String(64), comment="of the canonical manifest with parties")
    keeper: Mapped[str] = mapped_column(String(64), default="", comment="who keeps it in the hospital")
    by: Mapped[str] = mapped_column(String(64))
    by_name: Mapped[str] = mapped_column(String(64))
    sealed_at: Mapped[datetime] = mapped_column(comment="UTC")
    continues_id: Mapped[int | None] = mapped_column(ForeignKey("document_seal.id"), comment="seal it adds to")
    unsealed_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    unseal_reason: Mapped[str] = mapped_column(String(255), default="")
    unseal_parties: Mapped[list[Any]] = mapped_column(default=list)
    unsealed_by: Mapped[str] = mapped_column(String(64), default="")

    items: Mapped[list["SealedCopy"]] = relationship(order_by="SealedCopy.id", back_populates="seal")


class SealedCopy(Base):
    """One immutable copy of a seal."""

    __tablename__ = "document_sealed_copy"

    id: Mapped[int] = mapped_column(primary_key=True)
    seal_id: Mapped[int] = mapped_column(ForeignKey("document_seal.id"), index=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    title: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(16), comment="state of the document at sealing")
    canonical: Mapped[str] = deferred(mapped_column(Text))
    pdf: Mapped[bytes] = deferred(mapped_column(LargeBinary, default=b""))
    sha256: Mapped[str] = mapped_column(String(64), comment="of canonical JSON and PDF")

    seal: Mapped[Seal] = relationship(back_populates="items")


class Phrase(Base, Stamped):
    """A sentence of the phrase library: of one person, or of the department (user_id None)."""

    __tablename__ = "document_phrase"
    __table_args__ = (Index("ix_document_phrase_kind_field", "kind", "field"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(48), default="", comment="empty: for every kind")
    field: Mapped[str] = mapped_column(String(48), default="", comment="empty: for every field")
    text: Mapped[str] = mapped_column(Text)
    pinyin: Mapped[str] = mapped_column(String(64), default="")
    uses: Mapped[int] = mapped_column(default=0)


class PrintEntry(Base, Stamped):
    """One print of a document; the second and later are reprints."""

    __tablename__ = "document_print"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), index=True)
    copy_no: Mapped[int]
    by: Mapped[str] = mapped_column(String(64))
    by_name: Mapped[str] = mapped_column(String(64))
    batch: Mapped[str] = mapped_column(String(64), default="", comment="set it was printed with")
    pages: Mapped[int] = mapped_column(default=0)
    readiness: Mapped[str] = mapped_column(String(16), default="final", comment="final, for_signature, draft")
    target: Mapped[str] = mapped_column(String(64), default="", comment="print queue; empty: a PDF for the browser")


class SavedSearch(Base, Stamped):
    """A query of the records that a person keeps."""

    __tablename__ = "document_saved_search"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    query: Mapped[dict[str, Any]] = mapped_column(default=dict)
