"""Acknowledgements: AA after the commit, AE for "not now, send again", AR for "never in this form"."""

from enum import StrEnum

from integrations.hl7 import build
from integrations.hl7.charset import CharsetDecision, encode, msh18_of
from integrations.hl7.errors import MessageError
from integrations.hl7.message import Header
from integrations.hl7.reader import Interpretation

APPLICATION = "MAFEI"


class AckCode(StrEnum):
    """MSA-1."""

    ACCEPTED = "AA"
    TRY_AGAIN = "AE"
    REFUSED = "AR"


def acknowledge(
    header: Header,
    charset: CharsetDecision,
    code: AckCode,
    text: str = "",
    errors: list[MessageError] | None = None,
) -> bytes:
    """The reply to a message: its MSH-10 in MSA-2, in its version and its charset, with our own control id."""
    kind = ("ACK", header.trigger, "ACK") if header.trigger and header.version >= "2.4" else ("ACK",)
    segments = [
        build.header(
            kind,
            build.new_control_id(),
            sender=(header.receiving_application or APPLICATION, header.receiving_facility),
            receiver=(header.sending_application, header.sending_facility),
            version=header.version,
            charset=msh18_of(charset.codec),
            processing_id=header.processing_id,
            wants_ack=False,
        ),
        build.segment("MSA", {1: code.value, 2: header.control_id, 3: text}),
        *(_error_segment(error, header.version) for error in errors or []),
    ]
    return encode(build.join(segments), charset.codec)


def _error_segment(error: MessageError, version: str) -> str:
    location = _location(error.where)
    if version >= "2.5":
        return build.segment(
            "ERR", {2: location, 3: ("207", "Application internal error", "HL70357"), 4: "E", 8: error.message}
        )
    return build.segment("ERR", {1: (*(*location, "", "", "")[:3], ("207", error.message))})


def _location(where: str) -> tuple[str, ...]:
    name, _, field = where.partition("-")
    number, _, component = field.partition(".")
    if not name:
        return ()
    return (name, "1", number, "1", component) if component else (name, "1", number)


def verdict(item: Interpretation) -> tuple[AckCode, str]:
    """AA, or AR with a text that says what is wrong where; what it is before anything is stored."""
    errors = item.errors
    if not errors:
        return AckCode.ACCEPTED, ""
    told = "；".join(f"{label}：{error.message}" if label != "消息" else error.message for label, error in errors)
    done = len(item.changes)
    return AckCode.REFUSED, f"{told}（其余 {done} 组已接受）" if done else told


def acknowledgement_of(item: Interpretation) -> bytes:
    """The reply that this message gets when everything acceptable in it is stored."""
    code, text = verdict(item)
    return acknowledge(item.header, item.charset, code, text, [error for _, error in item.errors])
