"""Pieces shared by the tests of the driver families."""

from device_bridge.drivers.base import Clocks, CodecOptions, Observation, Send
from device_bridge.drivers.ge_dri.encoder import Physiological
from device_bridge.drivers.mllp import frame
from device_bridge.drivers.registry import get_driver
from device_bridge.parameters import PARAMETERS
from device_bridge.profiles.lines import Line
from device_bridge.profiles.table import compile_line
from device_bridge.simulators.ge_dri import fill, fill_cuff
from device_bridge.simulators.patient import SimulatedPatient

AT = Clocks(1_790_000_000_000, 1000.0)


def in_pieces(driver, data, size, **options):
    """Decode bytes that arrive `size` at a time."""
    codec = get_driver(driver).codec(CodecOptions(values=options))
    out = []
    for position in range(0, len(data), size):
        out += codec.feed(data[position : position + size], AT)
    return out + codec.closed(AT)


def observe(code, value, **facts):
    """An observation as a driver makes it, from a value in the canonical unit."""
    return compile_line(Line(code, code, PARAMETERS[code].unit), {}).observe(value, **facts)


def found(outputs):
    """Code → value of what is really there."""
    return {one.code: one.value for one in outputs if isinstance(one, Observation) and one.value is not None}


def by_code(outputs):
    """Code → observation, the last one."""
    return {one.code: one for one in outputs if isinstance(one, Observation)}


def sends(outputs):
    """What the codec would like to send."""
    return [one.payload for one in outputs if isinstance(one, Send)]


def ge_record(time=1_790_000_000, cuff_old=False, **cuff):
    """A physiological record of a ventilated patient, and the values it tells."""
    patient = SimulatedPatient(7)
    values = patient.values(1200) | patient.arterial(1200)
    one = Physiological(time)
    sent = fill(one, values)
    fill_cuff(one, cuff, old=cuff_old)
    return one, sent


def pcd(*rows, header="AL|NE", at="20260301093000+0800"):
    """A PCD-01 message of these OBX rows, framed."""
    head = f"MSH|^~\\&|SENDER|X|||{at}||ORU^R01^ORU_R01|77|P|2.6|||{header}||UNICODE UTF-8"
    return frame("\r".join([head, "PID|||1||A^B", "PV1||I|ICU^1^3", f"OBR|1||||||{at}", *rows, ""]).encode())


def row(term, value, unit="262688^MDC_DIM_PERCENT^MDC", flags="", status="R", own=""):
    """One OBX row."""
    return f"OBX|1|NM|{term}^MDC|1.1.1.{term.split('^')[0]}|{value}|{unit}||{flags}|||{status}|||{own}"
