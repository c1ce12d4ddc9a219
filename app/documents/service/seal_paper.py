"""封存清单: what a seal holds, on paper, for the signatures of everybody who was there."""

from collections.abc import Mapping, Sequence

from app.core import clock
from app.core.db import db
from app.documents import ports
from app.documents.gather import gather
from app.documents.models import Seal, SealedCopy
from app.documents.queries.sheets import hospital_name
from app.documents.service.common import STATE_LABELS
from app.documents.service.sealing import SIDES
from app.documents.sheet import Box, Part, Sheet, SignatureLine, head_of
from app.scheduling.models import SurgicalCase

_BASIS = (
    "依据《医疗机构病历管理规定（2013 年版）》第二十五至二十八条：封存的是复制件，由医疗机构保管；原件可以继续记录和使用；\
启封须在签封各方在场的情况下进行。"
)
_HEAD = ("序号", "文书", "版本", "状态", "页数", "SHA-256")


def seal_list(seal: Seal) -> bytes:
    """PDF of the list. Raises `Conflict` without fonts."""
    return ports.renderer()(_sheet(seal))


def _sheet(seal: Seal) -> Sheet:
    case = db.session.get_one(SurgicalCase, seal.case_id)
    parts = [Part("封存", _facts(seal)), Part("封存的复制件", (_copies(seal),), _BASIS)]
    if seal.unsealed_at is not None:
        opened = (Box("启封时间", f"{clock.to_hospital(seal.unsealed_at):%Y-%m-%d %H:%M}"),
                  Box("启封理由", seal.unseal_reason, span=16))  # fmt: skip
        parts.append(Part("启封", opened))
    return Sheet(
        title="病历封存清单",
        hospital=hospital_name(),
        head=head_of(gather(case)),
        parts=tuple(parts),
        signatures=(*_lines("签封", seal.parties), *_lines("启封", seal.unseal_parties)),
        document_no=seal.number,
        state="signed",
        digest=seal.sha256,
    )


def _facts(seal: Seal) -> tuple[Box, ...]:
    continues = db.session.get(Seal, seal.continues_id) if seal.continues_id else None
    extent = "部分封存，未完成的部分完成后补封" if seal.is_partial else "全部封存"
    return (
        Box("封存编号", seal.number),
        Box("封存时间", f"{clock.to_hospital(seal.sealed_at):%Y-%m-%d %H:%M}"),
        Box("经办", seal.by_name),
        Box("范围", f"补封 {continues.number}；{extent}" if continues else extent, span=16),
        Box("保管", seal.keeper),
        Box("封存理由", seal.reason, span=24),
        Box("清单 SHA-256", seal.sha256, span=24),
    )


def _copies(seal: Seal) -> Box:
    versions = [str(item.get("version", "")) for item in seal.manifest]
    rows = tuple(_row(number, copy, version)
                 for number, (copy, version) in enumerate(zip(seal.items, versions, strict=True), start=1))  # fmt: skip
    return Box("复制件", kind="table", span=24, head=_HEAD, rows=rows)


def _row(number: int, copy: SealedCopy, version: str) -> tuple[str, ...]:
    pages = str(ports.pages(copy.pdf)) if copy.pdf else ""
    return str(number), copy.title, version, STATE_LABELS.get(copy.state, copy.state), pages, copy.sha256


def _lines(act: str, parties: Sequence[Mapping[str, str]]) -> list[SignatureLine]:
    """A line for everybody: with his drawn signature, or empty for the hand beside his name."""
    lines = []
    for party in parties:
        who = "，".join(filter(None, (party["name"], party.get("note"))))
        image = party.get("image", "")
        lines.append(
            SignatureLine(f"{act}　{SIDES[party['side']]}（{who}）", party["name"] if image else "", image=image)
        )
    return lines
