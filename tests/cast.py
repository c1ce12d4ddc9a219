"""The named people of the tests: every test says who may do what."""

from dataclasses import dataclass

PASSWORD = "Theatre-2026"
PIN = "2580"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    username: str
    name: str
    role: str
    staff_kind: str


LI_MING = Person("lim", "李明", "anesthesiologist", "anesthesiologist")  # 主麻
CHEN_JING = Person("chenj", "陈静", "anesthesiologist", "anesthesiologist")  # 副麻
HUANG_WEI = Person("huangw", "黄伟", "chief_anesthesiologist", "anesthesiologist")  # 主任
ZHAO_QIAN = Person("zhaoq", "赵倩", "scheduler", "theatre_nurse")  # 排班护士
WANG_FANG = Person("wangf", "王芳", "theatre_nurse", "theatre_nurse")  # 巡回护士
QIN_YU = Person("qiny", "覃玉", "anesthesia_nurse", "anesthesia_nurse")  # 麻醉护士
ZHOU_JIE = Person("zhouj", "周杰", "surgeon", "surgeon")  # 手术医师
HE_YU = Person("heyu", "何宇", "device_engineer", "other")  # 设备工程师
LU_HAI = Person("luh", "陆海", "it_engineer", "other")  # 信息科
MO_LAN = Person("mol", "莫兰", "records_clerk", "other")  # 病案
SUN_LI = Person("sunl", "孙丽", "auditor", "other")  # 审计员
ADMIN = Person("admin1", "管理员甲", "system_admin", "other")
STRANGER = Person("stranger", "外院陌生人", "", "other")  # has an account and no role

CAST = (
    LI_MING, CHEN_JING, HUANG_WEI, ZHAO_QIAN, WANG_FANG, QIN_YU, ZHOU_JIE, HE_YU, LU_HAI, MO_LAN, SUN_LI, ADMIN,
    STRANGER,
)  # fmt: skip
