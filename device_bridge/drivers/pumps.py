"""What the drivers of infusion pumps share.

A pump is never driven. Reading it is off until somebody of the hospital sets the option `read_pump`, because a fault
on a line to a pump is worse than on a line to a monitor.
"""

from device_bridge.drivers.base import CodecOptions
from device_bridge.parameters import PUMPS

CONSENT = "read_pump"
WARNING = "输注泵正在给药，接入前须经设备科与麻醉科同意；本系统只读速度与已输注量，不发送任何控制命令。"


def permitted(options: CodecOptions) -> bool:
    """Has somebody allowed to ask the pump?"""
    return options.values.get(CONSENT) is True


def pump_number(options: CodecOptions) -> int:
    """Option `pump`: which pair of codes a single pump fills, 1 when it is not given."""
    wanted = options.values.get("pump", 1)
    return wanted if isinstance(wanted, int) and 1 <= wanted <= PUMPS else 1
