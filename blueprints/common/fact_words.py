"""Words for the facts an audit entry tells. A name or value without a word of its own is shown as it is stored."""

import re
from datetime import datetime

from app.core import clock
from app.core.permissions import Permission
from app.scheduling.rules import EventKind
from app.scheduling.rules.words import LATERALITY_LABELS, ROLE_LABELS, SEX_LABELS, RequestKind

_SUBJECTS = {
    "case": "手术", "patient": "患者", "user": "用户", "role": "角色", "staff": "人员", "department": "科室",
    "device": "设备", "driver": "驱动", "bridge": "采集服务", "schedule": "排班", "document": "文书",
    "document_batch": "打印批次", "draft": "文书草稿", "overlay": "本院版本", "seal": "封存", "phrase": "常用语",
    "term": "词条", "print_queue": "打印队列", "print_job": "打印任务", "station": "打印站", "outbox": "发出消息",
    "inbound": "收到消息", "room": "手术间",
}  # fmt: skip

_NAMES = {
    "at": "时间", "start": "开始", "starts_at": "开始", "start_at": "开始", "end": "结束", "end_at": "结束",
    "planned_at": "期望时间", "minutes": "分钟", "duration_minutes": "分钟", "day": "日期", "room": "手术间",
    "room_id": "手术间编号", "sequence": "台次", "team": "人员", "role": "角色", "roles": "角色", "person": "人员",
    "kind": "类别", "label": "名称", "name": "名称", "title": "名称", "title_name": "职称", "code": "编码", "text": "内容",
    "notes": "备注", "remark": "说明", "reason": "原因", "reasons": "原因", "state": "状态", "stage": "阶段",
    "order": "先后", "voided": "作废", "paused": "暂停", "cases": "病例", "case": "病例", "content": "申请内容",
    "replaced": "已替换旧申请", "request_no": "申请号", "sex": "性别", "birth_date": "出生日期", "asa": "ASA",
    "patient_no": "病人编号", "inpatient_no": "住院号", "outpatient_no": "门诊号", "visit_no": "就诊号",
    "is_temporary": "临时身份", "admitted_at": "入院", "discharged_at": "出院", "department": "科室", "ward": "病区",
    "bed": "床号", "blood_type": "血型", "rh": "Rh", "allergies": "过敏史", "weight_kg": "体重 kg",
    "height_cm": "身高 cm", "phone": "电话", "identity_no": "证件号", "survivor": "保留的患者",
    "retired_no": "并入的病人编号", "procedures": "手术", "diagnoses": "诊断", "position": "体位",
    "anesthesia_method": "麻醉方式", "wound_class": "切口等级", "isolation": "隔离", "laterality": "侧别",
    "special_equipment": "特殊器械", "source": "来源", "source_code": "来源代码", "done": "已处理", "report_no": "报告号",
    "username": "用户名", "display_name": "姓名", "permissions": "权限", "added": "增加", "removed": "移走",
    "filled": "补画", "readings": "移走的数值", "reading": "数值", "enabled": "启用", "is_active": "启用",
    "locked_until": "锁定至", "attempts": "次数", "drug": "药物", "dose": "剂量", "unit": "单位", "route": "途径",
    "rate": "速率", "rate_unit": "速率单位", "concentration": "浓度", "fluid": "液体", "ml": "毫升", "volume_ml": "毫升",
    "bag_no": "血袋号", "checked_by": "核对者", "output": "出量", "value": "值", "old": "原值", "new": "新值",
    "interval": "间隔（分钟）", "record": "麻醉记录", "version": "版本", "id": "编号", "number": "编号",
    "device": "设备", "bound_at": "绑定", "released_at": "解除", "key": "标识", "brand": "品牌", "model": "型号",
    "serial_no": "序列号", "asset_no": "资产编号", "driver": "驱动", "transport": "连接", "options": "驱动设置",
    "place": "位置", "station": "打印站", "target": "去向", "queue": "打印队列", "copies": "份数", "pages": "页数",
    "format": "格式", "digest": "摘要", "slot": "签名位", "by": "操作者", "fields": "字段", "field": "字段",
    "document": "文书", "documents": "文书", "effective_on": "生效日期", "method": "方式", "approved": "同意",
    "parties": "到场人", "reprint": "补打", "factor": "系数", "from": "从", "to": "到", "entries": "条数",
    "broken_at": "出错位置", "accounts": "账户", "error": "错误", "attributes": "属性", "aliases": "别名", "sort": "次序",
    "send_status": "发送状态", "raw_code": "设备代码", "table": "表格", "cancel_code": "取消代码", "bytes": "字节", "host": "地址", "port": "端口",
    "expected_period_s": "数据周期（秒）", "stale_after_s": "过期时间（秒）",
}  # fmt: skip

_VALUES = {
    **{kind.value: kind.label for kind in EventKind},
    **{kind.value: kind.label for kind in RequestKind},
    **{right.value: right.label for right in Permission},
    **ROLE_LABELS, **SEX_LABELS, **LATERALITY_LABELS,
    "schedule_new": "新安排", "schedule_rescheduled": "改期", "schedule_modified": "更改", "schedule_cancelled": "撤回",
    "tcp_client": "网络：连接到设备", "tcp_server": "网络：等待设备连接", "serial": "串口",
    "open": "书写中", "finished": "已完成", "locked": "已锁定",
}  # fmt: skip
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?\+00:00")


def fact_name(name: str) -> str:
    """How a fact is called."""
    return _NAMES.get(name, name)


def fact_value(value: str) -> str:
    """A stored word, or a moment in the hospital's time."""
    if _MOMENT.fullmatch(value):
        return f"{clock.to_hospital(datetime.fromisoformat(value)):%Y-%m-%d %H:%M:%S}".removesuffix(":00")
    return _VALUES.get(value, value)


def subject_words(subject: str) -> str:
    """What an entry is about: case:6 → 手术 6."""
    kind, _, number = subject.partition(":")
    return f"{_SUBJECTS[kind]} {number}" if kind in _SUBJECTS and number else subject
