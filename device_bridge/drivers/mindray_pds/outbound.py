"""Reads again what is about to leave towards a Mindray device. Shares no code with the encoder on purpose.

Only the heartbeat and the data query may leave. Everything else - patient admission, patient data, answers to
the monitor's own queries, alarm limits, starting a NIBP - would change the device.
"""

import re

_HEARTBEAT = b"\x0bMSH|^~\\&|||||||ORU^R01|106|P|2.3.1|\r\x1c\r"
_QUERY = re.compile(
    rb"\x0bMSH\|\^~\\&\|\|\|\|\|\|\|QRY\^R02\|1203\|P\|2\.3\.1\|\r"
    rb"QRD\|[0-9]{14}\|R\|I\|Q[0-9]{1,9}\|\|\|\|\|RES\r"
    rb"QRF\|MON\|\|\|\|[0-9]{1,10}&[0-9]{1,10}(?:\^[01]){3}\^[0-9&]{0,2000}\r\x1c\r"
)


def check(payload: bytes) -> str | None:
    """None when the bytes are one heartbeat or one data query, otherwise why they must not leave."""
    if payload == _HEARTBEAT or _QUERY.fullmatch(payload):
        return None
    return "迈瑞设备只允许发送心跳(106)和数据查询(QRY^R02 1203)"
