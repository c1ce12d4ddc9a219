"""Who may sign where: role and slot, order, and two places never by one person. Source: issue, 41 号文."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.documents.definition import Signatory
from app.documents.rules.completeness import Filled, active_slots

ROLE_LABELS: Mapping[str, str] = {
    "surgeon": "手术医师",
    "anesthesiologist": "麻醉医师",
    "anesthesia_nurse": "麻醉护士",
    "theatre_nurse": "手术室护士",
    "ward_nurse": "病房护士",
    "patient": "患者或其代理人",
}


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that exists: its slot and the person (None for a patient or proxy)."""

    slot: str
    user_id: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Signer:
    """Who wants to sign: account, name and staff kind."""

    user_id: int
    name: str
    staff_kind: str


def refusal(filled: Filled, slot: Signatory, signer: Signer, signatures: Sequence[Signed]) -> str:
    """Why this person cannot sign here, in Chinese; empty when he can."""
    if slot.by_patient:
        return "此处由患者或其代理人签名"
    if signer.staff_kind not in slot.roles:
        allowed = "、".join(ROLE_LABELS.get(role, role) for role in slot.roles)
        return f"「{slot.label}」须由{allowed}签名，您登记的岗位是{ROLE_LABELS.get(signer.staff_kind, '未登记')}"
    return order_refusal(filled, slot, signatures) or _same_person(filled, slot, signer, signatures)


def order_refusal(filled: Filled, slot: Signatory, signatures: Sequence[Signed]) -> str:
    """Why the slot cannot be signed yet or again, in Chinese; empty when it can."""
    done = {signature.slot for signature in signatures}
    active = active_slots(filled)
    if slot.slot not in {item.slot for item in active}:
        return f"「{slot.label}」不需要签名"
    if slot.slot in done:
        return f"「{slot.label}」已经签名"
    earlier = [item.label for item in active if item.required and item.order < slot.order and item.slot not in done]
    if earlier:
        return f"请先完成：{'、'.join(earlier)}"
    return ""


def _same_person(filled: Filled, slot: Signatory, signer: Signer, signatures: Sequence[Signed]) -> str:
    for signature in signatures:
        other = filled.kind.slot(signature.slot)
        if other and other.group == slot.group and signature.user_id == signer.user_id:
            return f"{signer.name}已签「{other.label}」，同一人不能代签两处"
    return ""


def frozen_sections(filled: Filled, signatures: Sequence[Signed]) -> frozenset[str]:
    """Sections that a signature covers: their fields cannot be changed any more."""
    frozen: set[str] = set()
    for signature in signatures:
        slot = filled.kind.slot(signature.slot)
        if slot is None:
            continue
        frozen |= set(slot.covers) or {section.key for section in filled.kind.sections}
    return frozenset(frozen)


def is_complete(filled: Filled, signatures: Sequence[Signed]) -> bool:
    """Whether every required place is signed."""
    done = {signature.slot for signature in signatures}
    return all(slot.slot in done for slot in active_slots(filled) if slot.required)
