"""Messages that nobody here wrote: 139 of a converter's test set and nine of the surgery flow."""

from pathlib import Path

import pytest

from integrations.hl7.codes import PeerProfile
from integrations.hl7.preview import as_json, describe, preview

ROOT = Path(__file__).parents[3] / "shared/data/hl7"
pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not ROOT.exists(), reason=f"SHARED DATA MISSING: {ROOT} - third-party messages not checked"),
]


def all_of(folder: str):
    return sorted((ROOT / folder).glob("*.hl7"))


def test_every_sample_is_read_and_answered():
    files = all_of("converter-samples")
    assert len(files) == 139
    kinds = {}
    for file in files:
        shown = preview(file.read_bytes(), PeerProfile())
        assert shown
        for item in shown:
            describe(item)
            kinds.setdefault(item.item.header.message_type, []).append(as_json(item)["accepted"])
    assert any(kinds["ADT"])
    assert any(kinds["SIU"])
    assert all(kinds["ORU"])
    assert not any(kinds["MDM"] + kinds["VXU"])


def test_values_of_samples_that_can_be_read_by_eye():
    (shown,) = preview((ROOT / "converter-samples/ADT-A40-01.hl7").read_bytes(), PeerProfile())
    ((_, change),) = shown.item.changes
    assert (change.patient.patient_no, change.retired_patient_no) == ("12345", "56789")
    assert change.patient.birth_date.isoformat() == "2018-02-05"
    (shown,) = preview((ROOT / "converter-samples/SIU-S12-01.hl7").read_bytes(), PeerProfile())
    ((_, change),) = shown.item.changes
    assert change.kind == "emergency"
    assert change.procedures[0].name == "Biopsy of colon (procedure)"


def test_laboratory_and_imaging_orders_do_not_become_operations():
    for name in ("LAB-ORM-1", "ORM-O01-01"):
        for shown in preview((ROOT / f"converter-samples/{name}.hl7").read_bytes(), PeerProfile()):
            assert not shown.item.changes


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("ORM_O01_surgery_request", "new"),
        ("OMG_O19_surgery_request", "new"),
        ("ORM_O01_cancel", "cancel"),
        ("SIU_S12", "new"),
        ("SIU_S13", "update"),
        ("SIU_S15", "cancel"),
    ],
)
def test_surgery_flow(name, action):
    (shown,) = preview((ROOT / f"surgery/{name}.hl7").read_bytes(), PeerProfile())
    ((_, change),) = shown.item.changes
    assert change.action == action
    assert change.patient.name == "黄小梅"
    assert change.procedures[0].code == "51.2300"
