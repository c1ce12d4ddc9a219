"""People, rooms and devices of the demonstration. All names are invented."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.accounts import service as accounts
from app.accounts.models import Department, StaffMember, User
from app.core import audit
from app.core.audit import SystemActor
from app.core.db import db
from app.devices import service as devices
from app.devices.models import Device
from app.printjobs import service as printjobs
from app.scheduling.models import OperatingRoom

DEMO = SystemActor("job:demo", "演示数据")
PASSWORD = "Mafei-2026"  # noqa: S105 - shown on the sign-in page of a demonstration
PIN = "2580"

_DEPARTMENTS = (
    ("MZK", "麻醉手术科"), ("GWK", "骨伤科"), ("PWK", "普外科"), ("MNWK", "泌尿外科"), ("FCK", "妇产科"),
    ("YK", "眼科"), ("EBHK", "耳鼻喉科"), ("RXK", "乳腺科"), ("XHK", "消化内镜中心"), ("JZK", "急诊科"),
)  # fmt: skip

# staff number, name, kind, title, department
_STAFF = (
    ("M01", "黄伟", "anesthesiologist", "主任医师", "MZK"), ("M02", "李明", "anesthesiologist", "主治医师", "MZK"),
    ("M03", "陈静", "anesthesiologist", "主治医师", "MZK"), ("M04", "韦建国", "anesthesiologist", "副主任医师", "MZK"),
    ("M05", "覃小燕", "anesthesiologist", "住院医师", "MZK"), ("M06", "农志强", "anesthesiologist", "住院医师", "MZK"),
    ("N01", "赵倩", "theatre_nurse", "主管护师", "MZK"), ("N02", "王芳", "theatre_nurse", "护师", "MZK"),
    ("N03", "蒙丽娟", "theatre_nurse", "护师", "MZK"), ("N04", "梁秀英", "theatre_nurse", "主管护师", "MZK"),
    ("N05", "陆春梅", "theatre_nurse", "护士", "MZK"), ("N06", "卢婷婷", "theatre_nurse", "护士", "MZK"),
    ("N07", "覃玉", "anesthesia_nurse", "护师", "MZK"), ("N08", "莫雨欣", "anesthesia_nurse", "护师", "MZK"),
    ("2012", "黄志明", "surgeon", "副主任医师", "PWK"), ("3012", "方敏", "surgeon", "主治医师", "FCK"),
    ("X01", "何宇", "other", "设备工程师", "MZK"), ("X02", "陆海", "other", "信息科工程师", "MZK"),
)  # fmt: skip

# user name, staff number, roles, label on the sign-in page
_ACCOUNTS = (
    ("zhaoq", "N01", ("scheduler", "theatre_nurse"), "赵倩 · 排班护士"),
    ("lim", "M02", ("anesthesiologist",), "李明 · 麻醉医师"),
    ("chenj", "M03", ("anesthesiologist",), "陈静 · 麻醉医师"),
    ("huangw", "M01", ("chief_anesthesiologist",), "黄伟 · 麻醉科主任"),
    ("huangzm", "2012", ("surgeon",), "黄志明 · 手术医师（普外科）"),
    ("fangm", "3012", ("surgeon",), "方敏 · 手术医师（妇产科）"),
    ("wangf", "N02", ("theatre_nurse",), "王芳 · 巡回护士"),
    ("qiny", "N07", ("anesthesia_nurse",), "覃玉 · 麻醉护士"),
    ("heyu", "X01", ("device_engineer",), "何宇 · 设备工程师"),
    ("xinxi", "X02", ("it_engineer",), "陆海 · 信息科"),
)  # fmt: skip
_ADMINISTRATORS = (
    ("admin", "系统管理员", ("system_admin",)),
    ("safety", "安全管理员", ("security_admin",)),
    ("auditor", "审计员", ("auditor",)),
    ("records", "病案管理员", ("records_clerk",)),
)
_ROOMS = (
    ("OR1", "1号手术间"), ("OR2", "2号手术间"), ("OR3", "3号手术间"), ("OR4", "4号手术间"), ("OR5", "5号手术间（急诊）"),
    ("ENDO1", "内镜诊疗室"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoDevice:
    """A simulated device of a room."""

    key: str
    room: str
    kind: str
    brand: str
    model: str
    driver: str
    asset_no: str
    options: dict[str, Any] = field(default_factory=dict)
    period_s: float = 2.0
    stale_s: float = 10.0


DEVICES = (
    DemoDevice("OR1-MON", "OR1", "monitor", "迈瑞", "BeneView T8", "mindray_pds", "SB-2019-0417"),
    DemoDevice("OR2-MON", "OR2", "monitor", "GE", "B650", "ge_dri", "SB-2021-0102", {"interval_s": 1}),
    DemoDevice("OR2-ANES", "OR2", "anesthesia_machine", "德尔格", "Fabius Plus", "medibus", "SB-2018-0233"),
    DemoDevice("OR2-BIS", "OR2", "monitor", "美敦力", "BIS VISTA", "bis", "SB-2022-0051"),
    DemoDevice(
        "OR2-BGA", "OR2", "blood_gas", "沃芬", "GEM Premier 3500", "astm", "SB-2020-0310", period_s=3600, stale_s=86_400
    ),
)


def accounts_shown() -> list[tuple[str, str]]:
    """User names and labels for the sign-in page."""
    return [(username, label) for username, _staff, _roles, label in _ACCOUNTS] + [
        (username, label) for username, label, _roles in _ADMINISTRATORS
    ]


def load() -> str:
    """Load what is missing; running it again changes nothing. Says in Chinese what it did."""
    departments = {code: _department(code, name) for code, name in _DEPARTMENTS}
    staff = {code: _staff(code, name, kind, title, departments[unit]) for code, name, kind, title, unit in _STAFF}
    for order, (code, name) in enumerate(_ROOMS, 1):
        if db.session.scalar(select(OperatingRoom.id).where(OperatingRoom.code == code)) is None:
            db.session.add(OperatingRoom(code=code, name=name, sort=order))
    db.session.flush()
    password, pin = accounts.hash_secret(PASSWORD), accounts.hash_secret(PIN)
    made = 0
    for username, number, roles, _label in _ACCOUNTS:
        made += _account(username, staff[number].name, roles, staff[number], password, pin)
    for username, name, roles in _ADMINISTRATORS:
        made += _account(username, name, roles, None, password, pin)
    printjobs.ensure_queue(DEMO, "演示打印文件夹", place="数据目录 printed/", kind="folder", target="printed")
    audit.record(DEMO, "demo.load", after={"accounts": made})
    return f"演示医院已就绪：{len(_STAFF)} 名工作人员，{len(_ROOMS)} 个手术间，新增账户 {made} 个。"


def _department(code: str, name: str) -> Department:
    found = db.session.scalar(select(Department).where(Department.code == code))
    if found is None:
        found = Department(code=code, name=name)
        db.session.add(found)
        db.session.flush()
    return found


def _staff(code: str, name: str, kind: str, title: str, department: Department) -> StaffMember:
    found = db.session.scalar(select(StaffMember).where(StaffMember.code == code))
    if found is None:
        found = StaffMember(code=code, name=name, kind=kind, title=title, department=department)
        found.index_name()
        db.session.add(found)
        db.session.flush()
    return found


def _account(
    username: str, name: str, roles: tuple[str, ...], staff: StaffMember | None, password: str, pin: str
) -> int:
    if db.session.scalar(select(User.id).where(User.username == username)) is not None:
        return 0
    user = accounts.create_user(DEMO, username, name, PASSWORD, roles, staff, must_change_password=False)
    user.password_hash, user.pin_hash = password, pin
    return 1


def place_devices(ports: dict[str, int]) -> None:
    """Register the simulated devices, or tell them the ports of this start. `ports`: driver → TCP port."""
    for spec in DEVICES:
        if spec.driver not in ports:
            continue
        transport: dict[str, Any] = {"kind": "tcp_client", "host": "127.0.0.1", "port": ports[spec.driver]}
        found = db.session.scalar(select(Device).where(Device.key == spec.key))
        if found is not None:
            devices.change_device(DEMO, found, transport=transport)
            continue
        room = db.session.scalar(select(OperatingRoom).where(OperatingRoom.code == spec.room))
        devices.register_device(
            DEMO,
            spec.key,
            kind=spec.kind,
            brand=spec.brand,
            model=spec.model,
            asset_no=spec.asset_no,
            room_id=room.id if room else None,
            driver=spec.driver,
            transport=transport,
            options=spec.options,
            expected_period_s=spec.period_s,
            stale_after_s=spec.stale_s,
        )
