"""The analyser's side: a session of frames, for simulators and tests."""

from collections.abc import Iterable, Sequence

from device_bridge.drivers.astm.framing import ENQ, EOT, frame


def session(records: Iterable[str], *, chunk: int = 200) -> list[bytes]:
    """ENQ, the frames of the records (long ones divided by ETB) and EOT; each waits for an answer but EOT."""
    out = [bytes((ENQ,))]
    number = 0
    for record in records:
        text = record.encode("utf-8") + b"\r"
        pieces = [text[i : i + chunk] for i in range(0, len(text), chunk)]
        for index, piece in enumerate(pieces):
            number += 1
            out.append(frame(number, piece, last=index == len(pieces) - 1))
    out.append(bytes((EOT,)))
    return out


def sample(
    results: Sequence[tuple[str, str, str]], *, at: str, sent: str, name: str = "SIM-ABL", specimen: str = "Arterial"
) -> list[str]:
    """The records of one sample; `results` are (test, printed value, unit), times `YYYYMMDDhhmmss`."""
    records = [f"H|\\^&|||{name}^1||||||||1|{sent}", "P|1", f"O|1||Sample #^1||||||||||||{specimen}^||||||||||F"]
    for number, (test, value, unit) in enumerate(results, 1):
        when = f"||OPERATOR|{at}" if number == 1 else ""
        records.append(f"R|{number}|^^^{test}^M|{value}|{unit}||N||F{when}")
    return [*records, "L|1|N"]
