"""The pump's own answers, for simulators and tests."""

from device_bridge.drivers.alaris_pump.framing import frame, parse


def answers(rate: float, volume: float, serial: str = "8002-51740") -> bytes:
    """What the pump says to the three queries, one after the other."""
    texts = (f"INST_SERIALNO^{serial}", f"INF_RATE^{rate:.2f}^ml/h", f"INF_VI^{volume:.3f}^ml")
    return b"".join(frame(text.encode("ascii")) for text in texts)


def answer(question: bytes, rate: float, volume: float, serial: str = "8002-51740") -> bytes | None:
    """What the pump says to one question; None when it would change something or is damaged."""
    asked = parse(question.rstrip(b"\r"))
    if asked is None or asked.fields:
        return None
    texts = {
        "INST_SERIALNO": f"INST_SERIALNO^{serial}",
        "INF_RATE": f"INF_RATE^{rate:.2f}^ml/h",
        "INF_VI": f"INF_VI^{volume:.3f}^ml",
    }
    text = texts.get(asked.name)
    return None if text is None else frame(text.encode("ascii"))
