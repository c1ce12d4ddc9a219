"""Reports of laboratories and examinations: ORU^R01, one report an OBR with the OBX that follow it."""

import re
from datetime import datetime

from integrations.canonical import Code, LabItemData, LabReportChange
from integrations.hl7.codes import PeerProfile
from integrations.hl7.errors import MessageError
from integrations.hl7.message import Header, Message, Segment
from integrations.hl7.patients import read_patient, read_visit, require_patient
from integrations.hl7.times import parse_time

REPORT_TYPES = ("ORU^R01", "ORU^R30", "ORU^R32", "ORU")
SOURCE = "lis"
# HL7 table 0085. I (specimen in the laboratory) and O (ordered) have no result yet and are left out.
_STATUS = {
    "P": "preliminary", "R": "preliminary", "S": "preliminary", "F": "final", "U": "final", "C": "corrected",
    "D": "withdrawn", "W": "withdrawn", "X": "withdrawn",
}  # fmt: skip
_PENDING = frozenset({"I", "O", "N"})
_NOT_TEXT = frozenset({"ED", "RP"})
_FLAGS = {"N": "", "NORMAL": "", "正常": "", "↑": "H", "↓": "L", "高": "H", "低": "L", "偏高": "H", "偏低": "L",
          "↑↑": "HH", "↓↓": "LL", "异常": "A", "阳性": "A", "POS": "A", "NEG": "", "阴性": ""}  # fmt: skip
# An examination tells its conclusion in an OBX of such a name; the OBR says what was examined.
_CONCLUSION = re.compile(r"结论|印象|诊断意见|诊断提示|检查提示|IMPRESSION|CONCLUSION|&IMP|^IMP$", re.IGNORECASE)


def split_reports(message: Message) -> tuple[list[Segment], list[list[Segment]]]:
    """(what stands before the first report, the segments of each report). Raises `MessageError` without OBR."""
    common: list[Segment] = []
    reports: list[list[Segment]] = []
    for segment in message.segments:
        if segment.name == "OBR":
            reports.append([])
        (reports[-1] if reports else common).append(segment)
    if not reports:
        raise MessageError("没有 OBR 段。", where="OBR", advice="检验结果至少要有一组 OBR、OBX。")
    return common, reports


def read_report(
    header: Header, common: list[Segment], segments: list[Segment], profile: PeerProfile
) -> LabReportChange:
    """One report. Raises `MessageError` when it does not say whose or which report it is."""
    patient = read_patient(common, profile)
    require_patient(patient, name_too=False)
    obr = segments[0]
    panel = _code(obr, 4)
    report_no = obr.text(3) or "-".join(part for part in (obr.text(2), panel.code or panel.name) if part)
    if not report_no:
        raise MessageError("没有报告号。", where="OBR-3", advice="请 LIS 在 OBR-3 填写报告号，更正时保持不变。")
    specimen = next((segment for segment in segments if segment.name == "SPM"), None)
    taken = obr.time(7) or (specimen.time(17) if specimen else None) or obr.time(14)
    items = [
        item
        for segment in segments
        if segment.name == "OBX" and (item := _item(segment, obr, panel, taken, header.sent_at)) is not None
    ]
    if not items:
        raise MessageError(
            "没有可用的结果（OBX 为空、未出结果，或只有附件）。", where="OBX",
            advice="请在结果报告后推送；图文报告请同时给出文字结论。",
        )  # fmt: skip
    return LabReportChange(
        source=SOURCE,
        report_no=report_no[:64],
        patient=patient,
        visit=read_visit(common, profile),
        items=tuple(items),
        panel=panel,
        specimen=_specimen(obr, specimen),
        message_no=header.control_id,
    )


def _item(
    segment: Segment, obr: Segment, panel: Code, taken: datetime | None, sent: datetime | None
) -> LabItemData | None:
    told = segment.text(11).upper() or obr.text(25).upper() or "F"
    status = _STATUS.get(told, "final")
    if told in _PENDING or segment.text(2).upper() in _NOT_TEXT:
        return None
    text = _value(segment)
    item = _code(segment, 3)
    if not item or (not text and status != "withdrawn"):
        return None
    if panel and (_CONCLUSION.search(item.name) or _CONCLUSION.search(item.code)):
        item = panel
    reported = segment.time(14) or obr.time(22) or sent
    return LabItemData(
        item=item,
        text="" if status == "withdrawn" else text,
        sub_id=segment.text(4),
        unit=segment.text(6) or segment.text(6, 2),
        reference=segment.free_text(7).replace("\n", " "),
        flag=_flag(segment.text(8)),
        status=status,
        taken_at=taken or parse_time(segment.text(14)),
        reported_at=reported,
    )


def _value(segment: Segment) -> str:
    kind = segment.text(2).upper()
    if kind == "SN":  # comparator, number, separator, second number
        parts = [segment.text(5, number) for number in (1, 2, 3, 4)]
        return "".join(part for part in parts if part)
    if kind in ("CE", "CWE", "CNE", "CF"):
        return segment.text(5, 2) or segment.text(5)
    return segment.free_text(5)


def _code(segment: Segment, field: int) -> Code:
    """Code, name and system; a LOINC code in the second triplet is preferred, it means the same everywhere."""
    first = Code(segment.text(field), segment.text(field, 2), segment.text(field, 3))
    second = Code(segment.text(field, 4), segment.text(field, 5), segment.text(field, 6))
    if second.code and second.system.upper() in ("LN", "LOINC") and first.system.upper() not in ("LN", "LOINC"):
        return Code(second.code, first.name or second.name, "LN")
    return first


def _flag(text: str) -> str:
    told = text.strip().upper()
    return _FLAGS.get(told, told)[:8]


def _specimen(obr: Segment, spm: Segment | None) -> str:
    if spm is not None and (named := spm.text(4, 2) or spm.text(4)):
        return named
    return obr.text(15, 1, 2) or obr.text(15, 2) or obr.text(15)
