"""Every right that a route may ask for. A role is a set of these; the sets are editable data."""

from app.core.labelled import Labelled


class Permission(Labelled):
    """A right. The value is stored in roles; `label` is shown to administrators."""

    SIGNED_IN = "signed_in", "登录即可使用"
    VIEW_SCHEDULE = "schedule.view", "查看手术排班"
    EDIT_SCHEDULE = "schedule.edit", "编排手术"
    PUBLISH_SCHEDULE = "schedule.publish", "发布手术安排"
    REGISTER_REQUEST = "request.register", "手工登记手术申请"
    CANCEL_CASE = "case.cancel", "取消或暂停手术"
    VIEW_CASE = "case.view", "查看手术病例"
    RUN_CASE = "case.run", "术间流程（入室、出室）"
    CHART = "record.chart", "书写麻醉记录"
    CORRECT_CHART = "record.correct", "更正已记录的数据"
    LOCK_RECORD = "record.lock", "锁定与重新打开记录"
    PRINT_RECORD = "record.print", "打印医疗文书"
    BIND_DEVICE = "device.bind", "绑定术间设备"
    VIEW_DEVICES = "device.view", "查看设备采集状态"
    MANAGE_DEVICES = "device.manage", "维护设备与采集"
    VIEW_DOCUMENTS = "document.view", "查看文书"
    WRITE_DOCUMENTS = "document.write", "书写文书"
    SIGN_DOCUMENTS = "document.sign", "签署文书"
    ARCHIVE_DOCUMENTS = "document.archive", "归档与重新打开"
    SEAL_DOCUMENTS = "document.seal", "封存与解封"
    DESIGN_DOCUMENTS = "document.design", "维护文书模板"
    BREAK_GLASS = "record.break_glass", "说明理由后查看非本人病历"
    VIEW_INTERFACES = "interface.view", "查看接口日志"
    MANAGE_INTERFACES = "interface.manage", "维护接口"
    MANAGE_USERS = "user.manage", "维护用户"
    MANAGE_ROLES = "role.manage", "维护角色与权限"
    MANAGE_TERMS = "term.manage", "维护字典"
    MANAGE_SYSTEM = "system.manage", "系统设置"
    VIEW_AUDIT = "audit.view", "查看审计日志"


# 等保三级: system administrator, security administrator and auditor must be three people.
EXCLUSIVE_ROLES = frozenset({"system_admin", "security_admin", "auditor"})
