"""封存 and 启封: an immutable set of copies before both parties (《医疗机构病历管理规定》 2013 §§25–28)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import func, select

from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput
from app.documents import ports
from app.documents.definition import Field, FieldType
from app.documents.models import Document, Seal, SealedCopy
from app.documents.rules.values import canonical_value
from app.documents.service.common import require_reason
from app.documents.service.freezing import canonical_text
from app.documents.service.paper import paper_of
from app.scheduling.models import SurgicalCase

FINISHED = ("signed", "archived")
SIDES = {"hospital": "医疗机构", "patient": "患者或其代理人", "notary": "公证"}


_PICTURE = Field(key="image", label="签名", type=FieldType.SIGNATURE)


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody present: side (hospital, patient, notary), name, identity or relation, signature drawn on the pad."""

    side: str
    name: str
    note: str = ""
    image: str = ""


def seal_documents(
    actor: Actor,
    case: SurgicalCase,
    documents: Sequence[Document],
    parties: Sequence[Party],
    reason: str,
    *,
    keeper: str = "",
    continues: Seal | None = None,
) -> Seal:
    """Seal copies of the documents. The originals may go on; a later part continues this seal.

    The seal is partial while a current document of the case is not finished or in no seal of its chain.
    The hospital and the patient's side must be present, or a notary when the patient's side refuses or is absent.
    """
    text = require_reason(reason)
    if not documents or any(document.case_id != case.id for document in documents):
        raise InvalidInput(fields={"documents": "请选择这台手术的文书"})
    _require_parties(parties)
    if continues is not None and continues.case_id != case.id:
        raise InvalidInput(fields={"continues": "只能补封同一台手术的封存件"})
    covered = _covered(continues) | {document.id for document in documents if document.state in FINISHED}
    copies = [_copy(document) for document in documents]
    manifest = [
        {"document": document.uid, "title": copy.title, "version": document.version_no, "state": copy.state,
         "sha256": copy.sha256}
        for document, copy in zip(documents, copies, strict=True)
    ]  # fmt: skip
    told = _told(parties)
    seal = Seal(
        number=_number(),
        case_id=case.id,
        reason=text,
        is_partial=bool(_current_ids(case) - covered),
        parties=told,
        manifest=manifest,
        sha256=ports.sha256(audit.canonical({"manifest": manifest, "parties": told})),
        keeper=keeper.strip()[:64],
        by=actor.actor_id,
        by_name=actor.actor_name,
        sealed_at=clock.now(),
        continues_id=continues.id if continues else None,
        items=copies,
    )
    db.session.add(seal)
    db.session.flush()
    audit.record(actor, "documents.seal", f"seal:{seal.id}", patient_id=case.patient_id,
                 after={"number": seal.number, "sha256": seal.sha256, "parties": _named(told)}, reason=text)  # fmt: skip
    return seal


def _current_ids(case: SurgicalCase) -> set[int]:
    return set(db.session.scalars(select(Document.id).where(Document.case_id == case.id, Document.struck_at.is_(None))))


def _covered(seal: Seal | None) -> set[int]:
    """Documents that a seal and those it continues hold in a finished state."""
    covered: set[int] = set()
    while seal is not None:
        covered |= {copy.document_id for copy in seal.items if copy.state in FINISHED}
        seal = db.session.get(Seal, seal.continues_id) if seal.continues_id else None
    return covered


def _told(parties: Sequence[Party]) -> list[dict[str, str]]:
    for party in parties:
        if party.image:
            canonical_value(_PICTURE, {"image": party.image})
    return [asdict(party) for party in parties]


def _named(parties: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The parties for the audit, without their pictures."""
    return [{key: party[key] for key in ("side", "name", "note")} for party in parties]


def _copy(document: Document) -> SealedCopy:
    canonical = canonical_text(document)
    pdf = paper_of(document, watermark="封存复制件").pdf
    return SealedCopy(
        document_id=document.id,
        title=document.title,
        state=document.state,
        canonical=canonical,
        pdf=pdf,
        sha256=copy_digest(canonical, pdf),
    )


def copy_digest(canonical: str, pdf: bytes) -> str:
    """SHA-256 over the digests of canonical JSON and PDF of a sealed copy."""
    return ports.sha256(ports.sha256(canonical) + ports.sha256(pdf))


def _require_parties(parties: Sequence[Party]) -> None:
    sides = {party.side for party in parties if party.name.strip()}
    if unknown := sides - set(SIDES):
        raise InvalidInput(fields={"parties": f"不认识的一方：{'、'.join(sorted(unknown))}"})
    if "hospital" not in sides:
        raise InvalidInput(fields={"parties": "医疗机构一方须有人在场"})
    if not sides & {"patient", "notary"}:
        raise InvalidInput(fields={"parties": "患者或其代理人须在场；拒绝或放弃到场的，须在公证下进行"})


def _number() -> str:
    prefix = f"F{clock.today():%Y%m%d}-"
    count = db.session.scalar(select(func.count()).where(Seal.number.like(f"{prefix}%"))) or 0
    return f"{prefix}{count + 1:03d}"


def unseal(actor: Actor, seal: Seal, parties: Sequence[Party], reason: str) -> Seal:
    """Open a seal before every side that sealed it."""
    text = require_reason(reason)
    if seal.unsealed_at is not None:
        raise Conflict("这份封存件已经启封。")
    present = {party.side for party in parties if party.name.strip()}
    missing = {party["side"] for party in seal.parties} - present
    if missing:
        raise InvalidInput(
            fields={"parties": f"启封须签封各方在场，还缺：{'、'.join(SIDES[s] for s in sorted(missing))}"}
        )
    if faults := seal_faults(seal):
        raise Conflict("封存件校验不符：" + "；".join(faults))
    seal.unsealed_at, seal.unseal_reason, seal.unsealed_by = clock.now(), text, actor.actor_id
    seal.unseal_parties = _told(parties)
    case = db.session.get_one(SurgicalCase, seal.case_id)
    audit.record(actor, "documents.unseal", f"seal:{seal.id}", patient_id=case.patient_id,
                 after={"number": seal.number, "parties": _named(seal.unseal_parties)}, reason=text)  # fmt: skip
    return seal


def seal_faults(seal: Seal) -> list[str]:
    """What of a seal does not fit its digests; empty when it is intact."""
    faults = []
    if ports.sha256(audit.canonical({"manifest": seal.manifest, "parties": seal.parties})) != seal.sha256:
        faults.append("封存清单与摘要不符")
    expected = [item["sha256"] for item in seal.manifest]
    actual = [copy_digest(copy.canonical, copy.pdf) for copy in seal.items]
    if expected != actual:
        faults.append("封存复制件与清单不符")
    return faults
