"""Messages for the tests, as a county hospital's HIS writes them."""

from integrations.hl7.codes import PeerProfile
from integrations.hl7.reader import Interpretation, interpret

HIS = PeerProfile()

HEADER = "MSH|^~\\&|HIS|WMZYY|MAFEI|WMZYY|20261122080000||{kind}|{control_id}|P|{version}||||||{charset}"
PID = (
    "PID|1||0001234567^^^HIS^PI~450122197001020011^^^GA^NI||黄^小梅||19700102|F|||^^武鸣区^广西||^PRN^PH^^^^13800001111"
)
PV1 = "PV1|1|I|骨科^0301^12||||1001^李^强||||||||||||ZY001|||||||||||||||||||||||||20261120093000"


def header(kind="ORM^O01^ORM_O01", control_id="R0001", version="2.4", charset="UNICODE UTF-8"):
    return HEADER.format(kind=kind, control_id=control_id, version=version, charset=charset)


def order(request_no="REQ1", control="NW", *more, procedure="51.2300^腹腔镜胆囊切除术^ICD9CM3"):
    return [
        f"ORC|{control}|{request_no}^HIS||GRP1^HIS|||^^120^20261123083000^^R||20261122080000|1001^李^强|1000^赵^主任|1001^李^强|0301^骨科",
        f"OBR|1|{request_no}^HIS||{procedure}||||||||||||1001^李^强||||||||OR",
        *more,
    ]


def text(*segments):
    return "\r".join(segments) + "\r"


def request(*more, **names):
    return text(header(**names), PID, PV1, *order("REQ1", "NW", *more))


def one(raw: str | bytes, profile: PeerProfile = HIS) -> Interpretation:
    found = interpret(raw if isinstance(raw, bytes) else raw.encode(), profile)
    assert len(found) == 1
    return found[0]


def change_of(raw: str | bytes, profile: PeerProfile = HIS):
    item = one(raw, profile)
    assert not item.errors, item.errors
    assert len(item.changes) == 1
    return item.changes[0][1]


def error_of(raw: str | bytes, profile: PeerProfile = HIS):
    item = one(raw, profile)
    assert len(item.errors) == 1
    return item.errors[0][1]
