"""The roles that a new installation starts with. A hospital edits them afterwards."""

from app.core.permissions import Permission

_ANESTHESIA = (
    Permission.VIEW_SCHEDULE, Permission.VIEW_CASE, Permission.RUN_CASE, Permission.CHART, Permission.CORRECT_CHART, Permission.PRINT_RECORD, Permission.BIND_DEVICE,
    Permission.VIEW_DEVICES, Permission.VIEW_DOCUMENTS, Permission.WRITE_DOCUMENTS, Permission.SIGN_DOCUMENTS, Permission.BREAK_GLASS,
)  # fmt: skip

DEFAULT_ROLES: dict[str, tuple[str, tuple[Permission, ...]]] = {
    "anesthesiologist": ("麻醉医师", _ANESTHESIA),
    "chief_anesthesiologist": (
        "麻醉科主任",
        (*_ANESTHESIA, Permission.EDIT_SCHEDULE, Permission.PUBLISH_SCHEDULE, Permission.REGISTER_REQUEST, Permission.CANCEL_CASE, Permission.LOCK_RECORD,
         Permission.ARCHIVE_DOCUMENTS, Permission.SEAL_DOCUMENTS, Permission.DESIGN_DOCUMENTS),
    ),
    "anesthesia_nurse": (
        "麻醉护士",
        (Permission.VIEW_SCHEDULE, Permission.VIEW_CASE, Permission.RUN_CASE, Permission.CHART, Permission.PRINT_RECORD, Permission.BIND_DEVICE, Permission.VIEW_DEVICES,
         Permission.VIEW_DOCUMENTS, Permission.WRITE_DOCUMENTS, Permission.SIGN_DOCUMENTS),
    ),
    "scheduler": (
        "排班护士",
        (Permission.VIEW_SCHEDULE, Permission.EDIT_SCHEDULE, Permission.PUBLISH_SCHEDULE, Permission.REGISTER_REQUEST, Permission.CANCEL_CASE, Permission.VIEW_CASE,
         Permission.VIEW_DOCUMENTS, Permission.PRINT_RECORD),
    ),
    "theatre_nurse": (
        "手术室护士",
        (Permission.VIEW_SCHEDULE, Permission.VIEW_CASE, Permission.RUN_CASE, Permission.VIEW_DOCUMENTS, Permission.WRITE_DOCUMENTS, Permission.SIGN_DOCUMENTS),
    ),
    "surgeon": ("手术医师", (Permission.VIEW_SCHEDULE, Permission.VIEW_CASE, Permission.VIEW_DOCUMENTS, Permission.SIGN_DOCUMENTS)),
    "quality_officer": ("质控员", (Permission.VIEW_SCHEDULE, Permission.VIEW_CASE, Permission.VIEW_DOCUMENTS, Permission.PRINT_RECORD)),
    "records_clerk": (
        "病案管理员",
        (Permission.VIEW_CASE, Permission.VIEW_DOCUMENTS, Permission.PRINT_RECORD, Permission.ARCHIVE_DOCUMENTS, Permission.SEAL_DOCUMENTS, Permission.BREAK_GLASS),
    ),
    "device_engineer": ("设备工程师", (Permission.VIEW_DEVICES, Permission.MANAGE_DEVICES, Permission.BIND_DEVICE)),
    "it_engineer": ("信息科工程师", (Permission.VIEW_DEVICES, Permission.VIEW_INTERFACES, Permission.MANAGE_INTERFACES, Permission.MANAGE_TERMS)),
    "system_admin": ("系统管理员", (Permission.MANAGE_SYSTEM, Permission.MANAGE_TERMS, Permission.MANAGE_USERS)),
    "security_admin": ("安全管理员", (Permission.MANAGE_ROLES,)),
    "auditor": ("审计员", (Permission.VIEW_AUDIT,)),
}  # fmt: skip
