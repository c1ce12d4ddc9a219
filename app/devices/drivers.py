"""What an engineer may choose when a device is registered: drivers, ways to connect, their settings. Data only.

Names and keys are those of the bridge (`device_bridge.drivers.registry`, `device_bridge.transports.factory`);
a test holds the two together.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.errors import InvalidInput

DEVICE_KINDS: dict[str, str] = {
    "monitor": "监护仪",
    "anesthesia_machine": "麻醉机",
    "ventilator": "呼吸机",
    "blood_gas": "血气分析仪",
    "pump": "输注泵",
    "other": "其他",
}


@dataclass(frozen=True, slots=True)
class TransportField:
    """One setting. `kind`: host, port, text, integer, choice, flag, peers. Keys are those of the bridge."""

    key: str
    label: str
    kind: str
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = True
    help: str = ""


@dataclass(frozen=True, slots=True)
class DriverChoice:
    """A protocol family and how its devices are usually reached."""

    name: str
    label: str
    kinds: tuple[str, ...]
    transports: tuple[str, ...]
    defaults: Mapping[str, str]
    note: str


_PARITY = (("N", "无"), ("E", "偶"), ("O", "奇"))
_LINE = (
    TransportField(
        "baudrate", "波特率", "choice", "9600",
        tuple((rate, rate) for rate in ("1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200")),
    ),
    TransportField("bytesize", "数据位", "choice", "8", (("7", "7"), ("8", "8"))),
    TransportField("parity", "校验", "choice", "N", _PARITY),
    TransportField("stopbits", "停止位", "choice", "1", (("1", "1"), ("1.5", "1.5"), ("2", "2"))),
    TransportField("rtscts", "硬件流控 RTS/CTS", "flag"),
    TransportField("xonxoff", "软件流控 XON/XOFF", "flag"),
)  # fmt: skip

TRANSPORTS: dict[str, tuple[str, tuple[TransportField, ...]]] = {
    "tcp_client": (
        "网络：连接到设备",
        (
            TransportField("host", "设备地址", "host", help="设备的固定 IP"),
            TransportField("port", "设备端口", "port"),
        ),
    ),
    "tcp_listener": (
        "网络：等待设备连接",
        (
            TransportField("port", "本机端口", "port"),
            TransportField(
                "peers", "允许的设备地址", "peers", required=False,
                help="IP 或网段，用逗号分隔，如 10.1.3.0/24；留空表示不限",
            ),
        ),
    ),
    "udp": (
        "网络：UDP",
        (
            TransportField("port", "本机端口", "port"),
            TransportField("remote_host", "设备地址", "host", required=False),
            TransportField("remote_port", "设备端口", "port", required=False),
        ),
    ),
    "serial": (
        "串口",
        (
            TransportField(
                "port", "串口", "text", help="Linux 用 /dev/serial/by-id/ 下的固定名称，Windows 用 COM3 之类"
            ),
            *_LINE,
        ),
    ),
    "sdc": (
        "SDC 订阅",
        (
            TransportField("url", "设备地址", "text", help="https://地址:端口/标识，见设备服务菜单或由厂家提供"),
            TransportField(
                "certificates", "证书目录", "text", required=False,
                help="采集机上的目录，含 userkey.pem、usercert.pem、cacert.pem（厂家提供）；https 必填",
            ),
            TransportField("waves", "同时订阅波形", "flag"),
        ),
    ),
    "gateway": ("经网关（由网关的床位表分配）", ()),
    "serial_url": (
        "串口服务器",
        (
            TransportField("url", "地址", "text", help="rfc2217://地址:端口 或 socket://地址:端口"),
            *_LINE,
        ),
    ),
}  # fmt: skip

DRIVERS: dict[str, DriverChoice] = {
    driver.name: driver
    for driver in (
        DriverChoice(
            "mindray_pds", "迈瑞 HL7 2.3.1（PDS）", ("monitor", "anesthesia_machine"), ("tcp_client",),
            {"port": "4601"},
            "BeneView T、iPM、iMEC、uMEC、ePM，WATO EX。设备监听 4601 端口，只接受一个连接。",
        ),
        DriverChoice(
            "ihe_pcd01", "HL7 2.6（IHE PCD-01）",
            ("monitor", "anesthesia_machine", "ventilator", "pump", "other"), ("tcp_listener", "gateway"), {"port": "2575"},
            "迈瑞 eGateway、ePM、BeneVision，科曼，GE 与飞利浦经网关等。设备或网关主动连接本机。",
        ),
        DriverChoice(
            "ge_dri", "GE S/5 DRI", ("monitor", "anesthesia_machine"), ("serial", "serial_url", "tcp_client"),
            {"baudrate": "19200", "parity": "E", "rtscts": "1"},
            "B20、B40、B105、B125、B450、B650、B850，S/5。通常为 19200 8E1，部分 B1x5M 为 9600。",
        ),
        DriverChoice(
            "medibus", "德尔格 MEDIBUS", ("anesthesia_machine", "ventilator"),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "9600", "parity": "E"},
            "Fabius、Tiro、Primus、Apollo、Zeus、Evita、Savina。9600 8E1，个别为 8N1。代码表与 MEDIBUS.X 不同，请按设备选择。",
        ),
        DriverChoice(
            "medibus_x", "德尔格 MEDIBUS.X", ("anesthesia_machine", "ventilator"),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "19200", "parity": "E"},
            "Atlan、Perseus、新款 Primus IE、Evita V。19200 8E1。",
        ),
        DriverChoice(
            "astm", "血气 ASTM", ("blood_gas",),
            ("tcp_listener", "tcp_client", "serial", "serial_url"), {"port": "10020", "baudrate": "9600"},
            "雷度 ABL、GEM Premier、cobas b。GEM 监听 1182 端口时请选“连接到设备”。",
        ),
        DriverChoice(
            "hl7_bloodgas", "血气 HL7", ("blood_gas",),
            ("tcp_listener", "tcp_client"), {"port": "2576"},
            "雷度 ABL、LIS 或 i-STAT、cobas 中间件推送的 ORU^R01。",
        ),
        DriverChoice(
            "intellivue_rs232", "飞利浦 IntelliVue 串口", ("monitor",),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "115200", "parity": "N"},
            "MP、MX 系列的 MIB/RS-232 口，115200 8N1。导出哪些波形在监护仪上设置。",
        ),
        DriverChoice(
            "intellivue_udp", "飞利浦 IntelliVue 网络", ("monitor",),
            ("udp",), {"port": "24105", "remote_port": "24105"},
            "MP、MX 系列的数据输出口，UDP 24105。请填写监护仪地址；多台监护仪的本机端口各不相同。",
        ),
        DriverChoice(
            "biolight", "宝莱特 A8", ("monitor",),
            ("udp",), {"port": "45679", "remote_port": "8002"},
            "本机 45679 接收，向设备 8002 端口请求。请填写监护仪地址。",
        ),
        DriverChoice(
            "edan_xml", "理邦 elite V8", ("monitor",),
            ("tcp_client",), {"port": "9100"},
            "每次连接读取一条 XML 形式的 HL7 消息。",
        ),
        DriverChoice(
            "aeonmed", "谊安 8700A", ("anesthesia_machine",),
            ("udp",), {"port": "9101"},
            "麻醉机向本机 UDP 9101 推送。新鲜气流和 CO2 的单位按设备设置填写。",
        ),
        DriverChoice(
            "nuohe", "诺和 NW9002S", ("monitor", "other"),
            ("udp",), {"port": "45677"},
            "麻醉深度，设备向本机 UDP 45677 推送。",
        ),
        DriverChoice(
            "puke", "普可 YY106", ("monitor", "other"),
            ("udp",), {"port": "45678"},
            "麻醉深度，设备向本机 UDP 45678 推送。字段位置取自公开资料、没有录包验证，启用前请与屏幕逐项比对。",
        ),
        DriverChoice(
            "egos", "爱琴 EGOS-600", ("monitor", "other"),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "9600", "parity": "N"},
            "脑氧，只接收。波特率请与设备一致。",
        ),
        DriverChoice(
            "mingxi", "名希 MNIR-P100", ("monitor", "other"),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "9600", "parity": "N"},
            "脑氧，只接收。波特率请与设备一致。",
        ),
        DriverChoice(
            "servo_cie", "迈柯唯 Servo", ("ventilator", "anesthesia_machine"),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "9600", "parity": "E"},
            "Servo-i、Servo-s、Servo-u、Flow-i 的 CIE 口，9600 或 19200，通常 8E1。",
        ),
        DriverChoice(
            "hamilton", "哈美顿呼吸机", ("ventilator",),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "38400", "parity": "N"},
            "C1、C2、C3、C6、G5、T1、MR1，38400，校验和停止位按设备设置。",
        ),
        DriverChoice(
            "pb840", "Puritan Bennett 840", ("ventilator",),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "9600", "parity": "N"},
            "DCI 口，串口参数按设备设置。",
        ),
        DriverChoice(
            "bis", "BIS A-2000 / VISTA", ("monitor", "other"),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "57600", "parity": "N"},
            "设备串口输出须设为二进制，57600 8N1。",
        ),
        DriverChoice(
            "masimo", "Masimo Radical-7 / Rad-8", ("monitor", "other"),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "9600", "parity": "N"},
            "设备串口输出须设为 ASCII 1，只接收。",
        ),
        DriverChoice(
            "nellcor", "Nellcor N-595", ("monitor", "other"),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "9600", "parity": "N"},
            "ASCII 输出，只接收。",
        ),
        DriverChoice(
            "sdc", "IEEE 11073 SDC", ("anesthesia_machine", "ventilator", "monitor", "other"),
            ("sdc",), {},
            "只读取与订阅。采集机须先安装 SDC 支持（scripts/install.sh sdc），设备须开放 SDC 服务并提供证书。",
        ),
        DriverChoice(
            "fresenius_pump", "费森尤斯注射泵", ("pump",),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "19200", "bytesize": "7", "parity": "E"},
            "Base Primea 底座或单台 Agilia，19200 7E1。默认关闭，须在下方勾选“允许只读采集输注泵”。",
        ),
        DriverChoice(
            "alaris_pump", "Alaris（Asena）注射泵", ("pump",),
            ("serial", "serial_url", "tcp_client"), {"baudrate": "38400", "parity": "N"},
            "Alaris/Asena 系列，38400 8N1。默认关闭，须在下方勾选“允许只读采集输注泵”。",
        ),
        DriverChoice(
            "passive", "未知协议（只记录）", ("monitor", "anesthesia_machine", "ventilator", "blood_gas", "pump", "other"),
            ("serial", "serial_url", "tcp_client", "tcp_listener", "udp"), {"baudrate": "9600"},
            "只保存原始数据，不解码、不发送；取得协议后可以重新解码。",
        ),
    )
}  # fmt: skip


def parse_transport(kind: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The `transport` entry of a device from the answers of a form, keys `transport.<key>`.

    Raises `InvalidInput` that names the faulty fields the same way.
    """
    if kind not in TRANSPORTS:
        raise InvalidInput(fields={"transport_kind": "请选择连接方式"})
    parsed: dict[str, Any] = {"kind": kind}
    faults: dict[str, str] = {}
    for field in TRANSPORTS[kind][1]:
        name = f"transport.{field.key}"
        text = given.get(name, "").strip()
        if not text:
            if field.required and field.kind != "flag":
                faults[name] = f"请填写{field.label}"
            continue
        try:
            parsed[field.key] = _parse(field, text)
        except ValueError as error:
            faults[name] = str(error)
    if faults:
        raise InvalidInput(fields=faults)
    return parsed


def _parse(field: TransportField, text: str) -> Any:
    if field.kind == "port":
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
            raise ValueError(f"{field.label}应为 1–65535 的整数")
        return int(text)
    if field.kind == "host":
        return _address(text)
    if field.kind == "peers":
        return [_network(part) for part in text.replace("，", ",").split(",") if part.strip()]
    if field.kind == "choice":
        if text not in dict(field.choices):
            raise ValueError(f"请选择{field.label}")
        return text if field.key == "parity" else float(text) if "." in text else int(text)
    return True if field.kind == "flag" else text


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if text.isascii() and all(part and part.replace("-", "a").isalnum() for part in text.split(".")):
            if text.replace(".", "").isdigit():
                raise ValueError("IP 地址不正确") from None
            return text
        raise ValueError("请填写 IP 地址或主机名") from None


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise ValueError(f"“{text.strip()}”不是 IP 或网段") from None
