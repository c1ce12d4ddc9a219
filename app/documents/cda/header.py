"""The head of a document in the order of the schemas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from lxml import etree

from app.core import clock
from app.documents.cda.elements import NS, XSI, Node, add, age_of, time14
from app.documents.cda.options import CdaOptions
from app.documents.facts import CaseFacts
from app.documents.registry import read_value_sets

_SEXES = {"1": "男性", "2": "女性", "9": "未说明的性别", "0": "未知的性别"}
_TITLES = (("主任", "1", "正高"), ("副主任", "2", "副高"), ("主治", "3", "中级"), ("主管", "3", "中级"))
_DEFAULT_TITLE = ("4", "师级/助理")
ROOT = "2.16.156.10011.1"


@dataclass(frozen=True, slots=True)
class Signer:
    """A signature as the head shows it."""

    slot: str
    label: str
    code: str
    name: str
    at: datetime
    title: str = ""
    relation: str = ""
    is_patient: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """Everything the head needs; `missing` collects what is not there."""

    code: str
    title: str
    uid: str
    version_no: int
    previous_uid: str
    made_at: datetime
    facts: CaseFacts
    signers: Sequence[Signer]
    options: CdaOptions
    template: Mapping[str, Any]
    people: Sequence[str] = ()
    days_after: str = ""  # 手术后天数, where the schema wants it
    missing: list[str] = field(default_factory=list)

    def need(self, value: str, name: str) -> str:
        """The value; noted as missing when empty."""
        if not value:
            self.missing.append(name)
        return value

    def flag(self, name: str) -> bool:
        """Whether the template asks for a peculiarity of its schema."""
        return bool(self.template.get(name))


def write_head(head: Head) -> Node:
    """The document element with its head, up to componentOf."""
    root: Node = etree.Element(f"{{{NS}}}ClinicalDocument", nsmap=cast(dict[str, str], {None: NS, "xsi": XSI}))
    number = int(head.code[1:])
    add(root, "realmCode", code="CN")
    add(root, "typeId", root="2.16.840.1.113883.1.3", extension="POCD_MT000040")
    add(root, "templateId", root=f"2.16.156.10011.2.1.1.{20 + number}")
    add(root, "id", root=f"{ROOT}.1", extension=head.uid)
    add(root, "code", code=head.code, codeSystem="2.16.156.10011.2.4", codeSystemName="卫生信息共享文档规范编码体系")
    add(root, "title", head.title)
    add(root, "effectiveTime", value=time14(head.made_at))
    add(root, "confidentialityCode", code="N", codeSystem="2.16.840.1.113883.5.25",
        codeSystemName="Confidentiality", displayName="正常访问保密级别")  # fmt: skip
    add(root, "languageCode", code="zh-CN")
    add(root, "setId", "")
    add(root, "versionNumber", str(head.version_no))
    _patient(root, head)
    _author(root, head)
    _custodian(root, head)
    _authenticators(root, head)
    if head.flag("participants"):
        _participants(root, head)
    if head.days_after:
        service = add(add(root, "documentationOf"), "serviceEvent")
        add(service, "code", "")
        add(add(service, "effectiveTime"), "width", value=head.days_after, unit="天")
    related = add(add(root, "relatedDocument", typeCode="RPLC"), "parentDocument")
    add(related, "id", head.previous_uid)
    add(related, "setId", "")
    add(related, "versionNumber", "")
    _encounter(root, head)
    return root


def _patient(root: Node, head: Head) -> None:
    facts = head.facts
    role = add(add(root, "recordTarget", typeCode="RCT", contextControlCode="OP"), "patientRole", classCode="PAT")
    inpatient, outpatient = facts.text("encounter.inpatient_no"), facts.text("encounter.outpatient_no")
    if inpatient:
        add(role, "id", root=f"{ROOT}.12", extension=inpatient)
    if outpatient or not inpatient:
        add(role, "id", root=f"{ROOT}.11", extension=head.need(outpatient, "住院号或门诊号"))
    if head.flag("consent_no"):
        add(role, "id", root=f"{ROOT}.34", extension=head.uid)
    patient = add(role, "patient", classCode="PSN", determinerCode="INSTANCE")
    add(patient, "id", root=f"{ROOT}.3", extension=facts.text("patient.national_id"))
    add(patient, "name", head.need(facts.text("patient.name"), "患者姓名"))
    sex = facts.text("patient.sex_code") or "0"
    add(patient, "administrativeGenderCode", code=sex, displayName=_SEXES.get(sex, _SEXES["0"]),
        codeSystem="2.16.156.10011.2.3.3.4", codeSystemName="生理性别代码表(GB/T 2261.1)")  # fmt: skip
    birth = facts.get("patient.birth_date")
    if not isinstance(birth, datetime):
        head.missing.append("出生日期（年龄）")
    else:
        if head.options.birth_time.get(head.code, head.flag("birth_time")):
            add(patient, "birthTime", value=f"{birth:%Y%m%d}")
        on = facts.times.get("in_room") or head.made_at
        value, unit = age_of(birth.date(), clock.to_hospital(on).date())
        add(patient, "age", unit=unit, value=value)
    if head.flag("provider"):
        provider = add(role, "providerOrganization", **({} if head.code in ("C0019", "C0020", "C0021", "C0022") else
                       {"classCode": "ORG", "determinerCode": "INSTANCE"}))  # fmt: skip
        identity = add(provider, "id", root=f"{ROOT}.5")
        if head.code != "C0022":  # its schema types this one attribute as a byte: no legal code would fit
            identity.set("extension", head.options.organisation_code)
        add(provider, "name", head.options.organisation_name)


def _author(root: Node, head: Head) -> None:
    slot = str(head.template.get("author", ""))
    signer = next((s for s in head.signers if s.slot == slot), None)
    author = add(root, "author", typeCode="AUT", contextControlCode="OP")
    if signer is None:
        head.missing.append("文档创作者签名")
        return
    add(author, "time", value=time14(signer.at)[: 8 if head.flag("author_date") else 14])
    assigned = add(author, "assignedAuthor", classCode="ASSIGNED")
    add(assigned, "id", root=f"{ROOT}.7", extension=head.need(signer.code, f"{signer.name}的工号"))
    if head.template.get("author_code"):
        add(assigned, "code", displayName=str(head.template["author_code"]))
    add(add(assigned, "assignedPerson"), "name", signer.name)


def _custodian(root: Node, head: Head) -> None:
    organisation = add(
        add(add(root, "custodian", typeCode="CST"), "assignedCustodian", classCode="ASSIGNED"),
        "representedCustodianOrganization", classCode="ORG", determinerCode="INSTANCE",
    )  # fmt: skip
    code = head.need(head.options.organisation_code, "统一社会信用代码（请在 cda.yaml 中设置 organisation_code）")
    add(organisation, "id", root=f"{ROOT}.5", extension=code)
    add(organisation, "name", head.options.organisation_name)


def _authenticators(root: Node, head: Head) -> None:
    legal = next((s for s in head.signers if s.slot == head.template.get("legal")), None)
    if head.template.get("legal"):
        if legal is None:
            head.missing.append("医师签名")
        else:
            node = add(root, "legalAuthenticator", typeCode="LA")
            _signature(node, legal, str(head.template.get("legal_role") or ""), head.flag("signature_code"))
    wanted = str(head.template.get("authenticator") or "")
    chosen = [s for s in head.signers if (s.is_patient if wanted == "patient" else not s.is_patient)]
    if not chosen:
        head.missing.append("患者签名" if wanted == "patient" else "签名")
    if not (head.flag("many_authenticators") or head.flag("professional")):
        chosen = chosen[:1]
    for signer in chosen:
        _authenticator(root, head, signer, wanted)


def _authenticator(root: Node, head: Head, signer: Signer, wanted: str) -> None:
    node = add(root, "authenticator")
    add(node, "time", value=time14(signer.at))
    add(node, "signatureCode", "")
    entity = add(node, "assignedEntity")
    add(entity, "id", root=f"{ROOT}.4", extension=signer.code or "患者")
    if head.template.get("authenticator_code") == "family" or wanted == "patient":
        relation = signer.relation if signer.relation in "012345678" and signer.relation else "0"
        words = str(read_value_sets()["family"]["values"][relation])
        if head.template.get("authenticator_code") == "family":
            add(entity, "code", code=relation, codeSystem="2.16.156.10011.2.3.3.8",
                codeSystemName="家庭关系代码表(GB/T 4761)", displayName=words)  # fmt: skip
    else:
        add(entity, "code", displayName=_plain_label(signer.label))
    bare = head.flag("bare_person") or head.code in ("C0010", "C0011")
    person = add(entity, "assignedPerson", **({} if bare else {"classCode": "PSN", "determinerCode": "INSTANCE"}))
    add(person, "name", signer.name)
    if head.flag("professional"):
        code, words = next(((c, w) for word, c, w in reversed(_TITLES) if word in signer.title), _DEFAULT_TITLE)
        add(add(person, "professionalTechnicalPosition"), "professionaltechnicalpositionCode", code=code,
            codeSystem="2.16.156.10011.2.3.1.209", codeSystemName="专业技术职务类别代码表", displayName=words)  # fmt: skip


def _plain_label(label: str) -> str:
    return {"巡回护士": "巡台护士"}.get(label, label.split("（")[0])


def _signature(node: Node, signer: Signer, role: str, coded: bool) -> None:
    add(node, "time", value=time14(signer.at))
    add(node, "signatureCode", "", **({"code": "s"} if coded else {}))
    entity = add(node, "assignedEntity")
    add(entity, "id", root=f"{ROOT}.4", extension=signer.code)
    if role:
        add(entity, "code", displayName=role)
    add(add(entity, "assignedPerson"), "name", signer.name)


def _participants(root: Node, head: Head) -> None:
    entity = add(add(root, "participant", typeCode="CON"), "associatedEntity", classCode="ECON")
    person = add(entity, "associatedPerson")
    for name in head.people:
        add(person, "name", name)


def _encounter(root: Node, head: Head) -> None:
    facts, manner = head.facts, str(head.template.get("encounter") or "")
    strict = manner in ("inpatient_code", "stay")
    component = add(root, "componentOf", **({"typeCode": "COMP"} if strict else {}))
    encounter = add(component, "encompassingEncounter", **({"classCode": "ENC", "moodCode": "EVN"} if strict else {}))
    admitted = facts.get("encounter.admitted_at")
    if manner == "code":
        add(encounter, "code", displayName="住院")
    elif strict:
        add(encounter, "code", "")
    if manner == "stay":
        _stay(encounter, head, admitted)
    elif strict:
        add(encounter, "effectiveTime", **({"nullFlavor": "NI"} if head.code == "C0019" else {}))
    elif head.code not in ("C0026", "C0027", "C0028", "C0029"):
        if isinstance(admitted, datetime):
            stay = add(encounter, "effectiveTime")
            if manner != "code":
                stay.set("value", time14(admitted))
        else:
            head.missing.append("入院日期时间")
    place = {"typeCode": "LOC"} if strict else {}
    facility = {"classCode": "SDLOC"} if strict else {}
    organisation = {"classCode": "ORG", "determinerCode": "INSTANCE"} if strict else {}
    node = add(encounter, "location", **place)
    node = add(node, "healthCareFacility", **facility)
    node = add(node, "serviceProviderOrganization", **organisation)
    bed, ward = facts.text("encounter.bed"), facts.text("encounter.ward")
    department = facts.text("encounter.department") or facts.text("case.department")
    for root_id, extension, name in (
        ("22", head.need(bed, "病床号"), bed),
        ("21", ward or "-", ward or "-"),
        ("26", department or "-", department or "-"),
        ("27", ward or "-", ward or "-"),
        ("5", head.options.organisation_code, head.options.organisation_name),
    ):
        node = add(add(node, "asOrganizationPartOf", classCode="PART"), "wholeOrganization",
                   classCode="ORG", determinerCode="INSTANCE")  # fmt: skip
        add(node, "id", root=f"{ROOT}.{root_id}", extension=extension)
        add(node, "name", name)


def _stay(encounter: Node, head: Head, admitted: Any) -> None:
    """Admission, and for how many days the patient has been in the hospital."""
    if not isinstance(admitted, datetime):
        head.missing.append("入院日期时间")
        return
    stay = add(encounter, "effectiveTime")
    add(stay, "low", value=time14(admitted))
    days = (clock.to_hospital(head.made_at).date() - clock.to_hospital(admitted).date()).days
    add(stay, "width", value=str(max(days, 0)), unit="天")
