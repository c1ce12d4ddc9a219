"""What can be set for a driver beside its connection: units the protocol does not state, beds of a gateway, consents.

Keys and values are those that the codecs of the bridge read (`device_bridge.drivers`). Data only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.errors import InvalidInput
from app.devices.drivers import DRIVERS

_MODEL = re.compile(r"[a-z0-9_]{1,40}")
_LONGEST_TEXT, _MOST_PAIRS, _LONGEST_PART = 64, 200, 64


@dataclass(frozen=True, slots=True)
class DriverOption:
    """One setting. `kind`: choice, number, flag, text (`choices` are suggestions), pairs (one `left=right` a line)."""

    key: str
    label: str
    kind: str
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    low: float = 0.0
    high: float = 0.0
    warning: str = ""


_BY_PROFILE = ("", "按型号对照表")
_CO2 = DriverOption(
    "co2_unit", "CO₂ 单位", "choice", "按设备屏幕上的单位填写；协议不带单位",
    (_BY_PROFILE, ("mmHg", "mmHg"), ("kPa", "kPa"), ("%", "%")),
)  # fmt: skip
_READ_RACK = DriverOption(
    "read_pump", "允许只读采集输注泵", "flag",
    warning="网关带有输注泵（DoseLink）时：须经设备科与麻醉科同意后勾选；只接收速度与已输注量。不勾选则不取泵的数值。",
)  # fmt: skip
_READ_PUMP = DriverOption(
    "read_pump", "允许只读采集输注泵", "flag",
    warning="输注泵正在给药，接入前须经设备科与麻醉科同意；本系统只读速度与已输注量，不发送任何控制命令。不勾选则不连接。",
)  # fmt: skip
_PUMP = DriverOption("pump", "泵位号", "number", "这台泵显示为“注射泵 n”，1–8", low=1, high=8)
_PASSIVE = DriverOption(
    "passive",
    "只监听（Y 型线，另一系统在查询）",
    "flag",
    warning="勾选后不向监护仪发送任何数据，线路上须有其他系统在查询。",
)

# Models with a profile of their own among those that the bridge brings; a hospital adds files beside them.
PROFILES: dict[str, tuple[tuple[str, str], ...]] = {
    "mindray_pds": (("wato", "WATO EX 麻醉机"),),
    "ihe_pcd01": (("northern", "体温多一位的国产监护仪"),),
    "servo_cie": (("flow_i", "Flow-i 麻醉机"),),
}

_OPTIONS: dict[str, tuple[DriverOption, ...]] = {
    "mindray_pds": (
        DriverOption(
            "gas_unit", "O₂/N₂O 单位", "choice", "按监护仪设置填写；不符会被标为“单位可疑”",
            (_BY_PROFILE, ("%", "%"), ("mmHg", "mmHg"), ("kPa", "kPa")),
        ),
        _CO2,
        DriverOption("temperature_unit", "体温单位", "choice", choices=(_BY_PROFILE, ("C", "°C"), ("F", "°F"))),
        DriverOption("ambient_mmhg", "大气压（mmHg）", "number", "分压换算百分比时使用，默认 760", low=400, high=820),
        DriverOption("query", "查询范围", "choice", choices=(("all", "参数与波形"), ("parameters", "仅参数"))),
    ),
    "ihe_pcd01": (
        DriverOption("bed", "只取这个床位", "text", "PV1-3 中的一段，如 OR3；留空取全部"),
        DriverOption(
            "beds", "网关床位表", "pairs", "每行一个：床位=设备标识，如 HDU^507^3=OR3-MON；对应设备的连接方式选“经网关”"
        ),
        _READ_RACK,
    ),
    "ge_dri": (DriverOption("interval_s", "请求间隔（秒）", "number", "默认 5；规范建议不小于 5", low=1, high=3600),),
    "aeonmed": (
        DriverOption(
            "flow_unit", "新鲜气流单位", "choice", "按麻醉机设置填写；协议不带单位",
            (_BY_PROFILE, ("mL/min", "mL/min"), ("L/min", "L/min")),
        ),
        _CO2,
    ),
    "biolight": (
        DriverOption("pressures", "有创压通道名", "pairs", "每行一个，如 P1=ART、P2=CVP（可用 ART、PAP、CVP、LAP、RAP、ICP）"),
    ),
    "egos": (
        DriverOption("side", "传感器位置", "choice", choices=(("", "未指定"), ("L", "左"), ("R", "右"))),
    ),
    "servo_cie": (
        DriverOption(
            "settings", "同时读取设置值", "flag",
            warning="设置值的倍率没有公开：勾选后原始数列在“未对照代码”页，与屏幕比对后指定参数和倍率才采集。",
        ),
    ),
    "bis": (
        DriverOption(
            "hide_below_sqi", "SQI 低于此值时不取 BIS", "number", "留空 = 保留并标“可疑”（SQI 低于 50 时）；常见做法 15，请科室确认",
            low=1, high=50,
        ),
    ),
    "pb840": (
        DriverOption("report", "报告", "choice", "老版本软件只有 SNDA", (("SNDF", "SNDF（新）"), ("SNDA", "SNDA（旧）"))),
    ),
    "intellivue_rs232": (_PASSIVE,),
    "intellivue_udp": (_PASSIVE,),
    "sdc": (
        DriverOption("handles", "参数对照", "pairs", "每行一个：设备的句柄=系统代码，如 temp.skin=T2；同一种参数有两个时使用"),
    ),
    "fresenius_pump": (
        _READ_PUMP,
        DriverOption("layout", "接法", "choice", choices=(("rack", "底座（Base，多泵）"), ("single", "单泵"))),
        _PUMP,
    ),
    "alaris_pump": (_READ_PUMP, _PUMP),
}  # fmt: skip


def _profile(driver: str) -> DriverOption:
    brought = "、".join(f"{name}（{label}）" for name, label in PROFILES.get(driver, ()))
    words = f"留空为通用{'；自带 ' + brought if brought else ''}；本院新增的填文件名（不带 .toml）"
    return DriverOption("profile", "型号对照表", "text", words, PROFILES.get(driver, ()))


# Every driver but the one that decodes nothing has profiles.
OPTIONS: dict[str, tuple[DriverOption, ...]] = {
    driver: (*_OPTIONS.get(driver, ()), _profile(driver)) for driver in DRIVERS if driver != "passive"
}


def shown(driver: str, options: Mapping[str, Any]) -> dict[str, str]:
    """The options of a device as the form shows them, keys `option.<key>`."""
    values: dict[str, str] = {}
    for option in OPTIONS.get(driver, ()):
        value = options.get(option.key)
        if value is None:
            continue
        if option.kind == "pairs" and isinstance(value, Mapping):
            values[f"option.{option.key}"] = "\n".join(f"{left}={right}" for left, right in value.items())
        elif option.kind == "flag":
            values[f"option.{option.key}"] = "1" if value is True else ""
        else:
            values[f"option.{option.key}"] = f"{value:g}" if isinstance(value, int | float) else str(value)
    return values


def parse_options(driver: str, given: Mapping[str, str], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a device from the answers of a form: those the form does not know are kept, empty ones go.

    Raises `InvalidInput` that names the faulty fields as `option.<key>`.
    """
    options = dict(kept)
    faults: dict[str, str] = {}
    for option in OPTIONS.get(driver, ()):
        name = f"option.{option.key}"
        try:
            value = _parse(option, given.get(name, "").strip())
        except ValueError as error:
            faults[name] = str(error)
            continue
        options.pop(option.key, None)
        if value not in (None, "", {}, False):
            options[option.key] = value
    if faults:
        raise InvalidInput(fields=faults)
    return options


def _parse(option: DriverOption, text: str) -> Any:
    if option.kind == "flag":
        return text == "1"
    if not text:
        return None
    if option.kind == "choice":
        if text not in dict(option.choices):
            raise ValueError(f"请选择{option.label}")
        return text
    if option.kind == "number":
        return _number(option, text)
    if option.kind == "pairs":
        return _pairs(text)
    if option.key == "profile" and not _MODEL.fullmatch(text):
        raise ValueError("型号对照表只用小写字母、数字和下划线，与文件名相同")
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"{option.label}不超过 {_LONGEST_TEXT} 字")
    return text


def _number(option: DriverOption, text: str) -> int | float:
    try:
        number = float(text)
    except ValueError:
        number = option.low - 1
    if not option.low <= number <= option.high:
        raise ValueError(f"{option.label}应为 {option.low:g}–{option.high:g} 的数")
    return int(number) if number.is_integer() else number


def _pairs(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in text.splitlines():
        left, found, right = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not found or not left or not right or max(len(left), len(right)) > _LONGEST_PART:
            raise ValueError(f"“{line.strip()[:40]}”应写成 左=右，每段不超过 {_LONGEST_PART} 字")
        if left in pairs:
            raise ValueError(f"“{left}”出现了两次")
        pairs[left] = right
    if len(pairs) > _MOST_PAIRS:
        raise ValueError(f"最多 {_MOST_PAIRS} 行")
    return pairs
