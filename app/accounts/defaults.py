"""The roles that a new installation starts with. A hospital edits them afterwards."""

from app.core.permissions import Permission

P = Permission

_ANESTHESIA = (
    P.VIEW_SCHEDULE, P.VIEW_CASE, P.RUN_CASE, P.CHART, P.CORRECT_CHART, P.PRINT_RECORD, P.BIND_DEVICE,
    P.VIEW_DEVICES, P.VIEW_DOCUMENTS, P.WRITE_DOCUMENTS, P.SIGN_DOCUMENTS, P.BREAK_GLASS,
)  # fmt: skip

DEFAULT_ROLES: dict[str, tuple[str, tuple[Permission, ...]]] = {
    "anesthesiologist": ("麻醉医师", _ANESTHESIA),
    "chief_anesthesiologist": (
        "麻醉科主任",
        (*_ANESTHESIA, P.EDIT_SCHEDULE, P.PUBLISH_SCHEDULE, P.REGISTER_REQUEST, P.CANCEL_CASE, P.LOCK_RECORD,
         P.ARCHIVE_DOCUMENTS, P.SEAL_DOCUMENTS, P.DESIGN_DOCUMENTS),
    ),
    "anesthesia_nurse": (
        "麻醉护士",
        (P.VIEW_SCHEDULE, P.VIEW_CASE, P.RUN_CASE, P.CHART, P.PRINT_RECORD, P.BIND_DEVICE, P.VIEW_DEVICES,
         P.VIEW_DOCUMENTS, P.WRITE_DOCUMENTS, P.SIGN_DOCUMENTS),
    ),
    "scheduler": (
        "排班护士",
        (P.VIEW_SCHEDULE, P.EDIT_SCHEDULE, P.PUBLISH_SCHEDULE, P.REGISTER_REQUEST, P.CANCEL_CASE, P.VIEW_CASE,
         P.VIEW_DOCUMENTS, P.PRINT_RECORD),
    ),
    "theatre_nurse": (
        "手术室护士",
        (P.VIEW_SCHEDULE, P.VIEW_CASE, P.RUN_CASE, P.VIEW_DOCUMENTS, P.WRITE_DOCUMENTS, P.SIGN_DOCUMENTS),
    ),
    "surgeon": ("手术医师", (P.VIEW_SCHEDULE, P.VIEW_CASE, P.VIEW_DOCUMENTS, P.SIGN_DOCUMENTS)),
    "quality_officer": ("质控员", (P.VIEW_SCHEDULE, P.VIEW_CASE, P.VIEW_DOCUMENTS, P.PRINT_RECORD)),
    "records_clerk": (
        "病案管理员",
        (P.VIEW_CASE, P.VIEW_DOCUMENTS, P.PRINT_RECORD, P.ARCHIVE_DOCUMENTS, P.SEAL_DOCUMENTS, P.BREAK_GLASS),
    ),
    "device_engineer": ("设备工程师", (P.VIEW_DEVICES, P.MANAGE_DEVICES, P.BIND_DEVICE)),
    "it_engineer": ("信息科工程师", (P.VIEW_DEVICES, P.VIEW_INTERFACES, P.MANAGE_INTERFACES, P.MANAGE_TERMS)),
    "system_admin": ("系统管理员", (P.MANAGE_SYSTEM, P.MANAGE_TERMS, P.MANAGE_USERS)),
    "security_admin": ("安全管理员", (P.MANAGE_ROLES,)),
    "auditor": ("审计员", (P.VIEW_AUDIT,)),
}  # fmt: skip
