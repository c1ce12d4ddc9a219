"""Profiles: the shipped ones are whole, a hospital's lie over them, the page's mapping wins, faults name their line."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from app.devices.driver_options import PROFILES as OFFERED
from device_bridge.cli import main
from device_bridge.drivers.base import CodecOptions, Observation, Unmapped
from device_bridge.drivers.edan_xml import encoder as edan
from device_bridge.drivers.ge_dri.encoder import physiological_frame
from device_bridge.drivers.medibus import encoder as medibus
from device_bridge.drivers.mindray_pds import encoder as mindray
from device_bridge.drivers.mindray_pds.encoder import Numeric
from device_bridge.drivers.registry import DRIVERS, get_driver
from device_bridge.normaliser import Normaliser
from device_bridge.parameters import PARAMETERS, SAMPLED, conversion, linear, units_for
from device_bridge.profiles.lines import DEFAULT, ProfileError
from device_bridge.profiles.store import ProfileStore, shipped
from device_bridge.profiles.table import calibrated, compile_line
from device_bridge.service import BridgeService, BridgeSettings
from device_bridge.wire import DeviceConfig, Quality
from tests.device_bridge.drivers_common import AT, by_code, found, ge_record, pcd, row
from tests.device_bridge.test_every_driver import SAMPLES
from tests.device_bridge.test_manual import DOCS

STATED = frozenset(
    {"ihe_pcd01", "sdc", "intellivue_rs232", "intellivue_udp", "edan_xml", "astm", "hl7_bloodgas", "alaris_pump"}
)


def own(tmp_path, name, text):
    """The hospital's store with one file of this name."""
    path = tmp_path / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('source = "现场核对"\n' + text, encoding="utf-8")
    return ProfileStore(tmp_path)


def frame_of(record):
    """A physiological record on the line."""
    return physiological_frame([record], number=1, time=record.time)


def told(driver, data, store, model="", **options):
    """What a driver makes of bytes with a profile."""
    codec = get_driver(driver).codec(CodecOptions(values=options, profile=store.get(driver, model)))
    return codec.feed(data, AT) + codec.closed(AT)


def test_every_driver_has_a_profile_and_the_page_offers_every_model():
    store = ProfileStore()
    for driver in DRIVERS:
        models = store.models(driver)
        assert models[:1] == [DEFAULT]
        for model in models:
            profile = store.get(driver, model)
            assert profile.title
            assert all(line.source and line.where for line in profile.lines.values())
            assert all(line.unit or driver in STATED for line in profile.lines.values()), driver
        assert models[1:] == [name for name, _ in OFFERED.get(driver, ())]


def test_a_unit_declared_for_a_code_can_become_its_unit():
    for code, parameter in PARAMETERS.items():
        assert units_for(code)[0] == parameter.unit
        assert all(linear(code, unit, 760.0) is not None for unit in units_for(code))
    zero, factor, divisor = linear("TD", "°F") or ()
    assert (1.8 - zero) * factor / divisor == 1.0, "a difference of temperatures has no zero"
    assert linear("SpO2", "kPa", 760.0) is None


@pytest.mark.parametrize("driver", sorted(set(SAMPLES) | {"mindray_pds", "ge_dri", "ihe_pcd01"} - {"passive"}))
def test_no_driver_gives_a_unit_that_is_not_the_canonical_one(driver):
    """With its default and with every line of the profile declared in every unit that it can have."""
    lines = [
        mindray.periodic([Numeric(str(n), "", "", "20") for n in range(100, 700)]),
        pcd(*(row(native, 20, unit) for native in shipped("ihe_pcd01").lines if native.isdecimal()
              for unit in ("265987^^MDC", "268160^^MDC", "262688^^MDC", "^^MDC"))),
        b"".join(edan.message(dict.fromkeys(("HR", "T1", "ART_S"), "20"), at="20260301093000") for _ in range(2)),
        medibus.measured(dict.fromkeys(range(256), "20")), SAMPLES.get(driver, b""),
    ]  # fmt: skip
    codec = get_driver(driver).codec(CodecOptions(values={"read_pump": True}))
    outputs = [one for line in lines for one in codec.feed(line, AT)] + codec.closed(AT)
    for one in outputs:
        if isinstance(one, Observation) and one.code not in SAMPLED:
            assert one.unit == PARAMETERS[one.code].unit
        elif isinstance(one, Observation):  # printed as on the analyser's slip; the normaliser converts it
            suspect = Quality.UNIT_SUSPECT in one.quality or one.value is None
            assert suspect or conversion(one.code, one.unit) is not None
    for line in shipped(driver).lines.values():
        for unit in units_for(line.code):
            entry = compile_line(replace(line, unit=unit), {"ambient_mmhg": 760.0})
            assert entry.observe(20.0).unit == PARAMETERS[line.code].unit
    for reading in Normaliser().readings([one for one in outputs if isinstance(one, Observation)], AT):
        assert reading.code in PARAMETERS


def test_a_hospital_lays_its_lines_over_the_shipped_ones(tmp_path):
    store = own(tmp_path, "mindray_pds/default", """
[settings]
gas_unit = "kPa"
[map]
"160" = { code = "SaO2", unit = "%", low = 60, high = 100 }
"161" = false
"9001" = { code = "PPV", unit = "%", divisor = 10 }
""")  # fmt: skip
    sent = [("101", "70"), ("160", "55"), ("161", "71"), ("9001", "123"), ("254", "50.662")]
    line = mindray.periodic([Numeric(number, "", "", text) for number, text in sent])
    out = told("mindray_pds", line, store)
    assert found(out) == {"HR": 70, "SaO2": 55, "PPV": 12.3, "FiO2": pytest.approx(50, abs=0.01)}
    assert by_code(out)["SaO2"].quality is Quality.OUT_OF_RANGE, "this model measures nothing below 60 %"
    assert not any(isinstance(one, Unmapped) for one in out), "what is left out on purpose is not asked for again"
    # the device's own option decides before the file does
    assert found(told("mindray_pds", line, store, gas_unit="%"))["FiO2"] == 50.662
    assert store.get("mindray_pds", "wato").lines["160"].code == "SaO2", "the hospital's default holds for all models"
    assert ProfileStore().get("mindray_pds").lines["160"].code == "SpO2"


def test_what_the_page_maps_wins_over_the_profile(tmp_path):
    store = own(tmp_path, "mindray_pds/default", '[map]\n"9001" = { code = "PPV", unit = "%" }\n')
    line = mindray.periodic([Numeric("9001", "", "", "123"), Numeric("9002", "", "", "---")])
    assert found(told("mindray_pds", line, store)) == {"PPV": 123}
    page = {"9001": ["SVV", 0.1], "9002": ["HR", 1], "101": ["NOTHING", 1], "x": 3}
    out = told("mindray_pds", line, store, map=page)
    assert found(out) == {"SVV": 12.3}
    assert by_code(out)["HR"].value is None
    # a gateway's own number, in whatever coding system and unit
    other = pcd("OBX|1|NM|478^X^99NEW|1.1|500|262688^^MDC|||||R", "OBX|2|NM|^MDC_NEW^MDC|1.1|7||||||R")
    assert [one.source_code for one in told("ihe_pcd01", other, store) if isinstance(one, Unmapped)] == [
        "478",
        "MDC_NEW",
    ]
    assert found(told("ihe_pcd01", other, store, map={"478": ["PVI", 0.1], "MDC_NEW": ["CVP", 1]})) == {
        "PVI": 50,
        "CVP": 7,
    }
    page_one = medibus.measured({0x7D: "  20", 0x99: "  12"})
    assert found(told("medibus", page_one, store, map={"1:99": ["TOF", 2.0]}))["TOF"] == 24


def test_a_model_and_what_is_not_confirmed(tmp_path):
    hot = pcd("OBX|1|NM|150344^MDC_TEMP^MDC|1.1|384.5|268192^MDC_DIM_DEGC^MDC|||||R")
    assert found(told("ihe_pcd01", hot, ProfileStore(), "northern")) == {"T1": 38.45}
    store = own(
        tmp_path, "ge_dri/b40", '[map]\n"ecg.st1" = { code = "ST_II", unit = "mV", divisor = 1000, doubt = true }\n'
    )
    record, sent = ge_record()
    (segment,) = [
        one for one in by_code(told("ge_dri", frame_of(record), store, "b40")).values() if one.code == "ST_II"
    ]
    assert (segment.value, segment.quality) == (pytest.approx(sent["ST_1"]), Quality.QUESTIONABLE)
    assert found(told("ge_dri", frame_of(record), store))["ST_1"] == sent["ST_1"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[map]\n"160" = { code = "SpO2", unit = "kPa" }', 3, "不能换算成 SpO2 的单位 %"),
        ('[map]\n"160" = { code = "Spo2", unit = "%" }', 3, "不是系统代码"),
        ('[map]\n"160" = { code = "SpO2", unit = "%", faktor = 2 }', 3, "不认识“faktor”"),
        ('[map]\n\n"160" = { code = "SpO2", unit = "%", factor = "2" }', 4, "应是一个数"),
        ('[map]\n"160" = { code = "SpO2", unit = "%", factor = -1 }', 3, "应大于 0"),
        ('[map]\n"160" = { code = "SpO2", unit = "%", low = 50, high = 120 }', 3, "在 SpO2 的合理范围"),
        ('[map]\n"160" = { code = "SpO2", unit = "%", low = 90, high = 80 }', 3, "low 应小于 high"),
        ('[map]\n"SpO2" = { code = "SpO2", unit = "%" }', 3, "应符合"),
        ('[map]\n"160" = { code = "SpO2", unit = "$x" }', 3, "[settings] 中没有它"),
        ('[map]\n"160" = { code = "SpO2", unit = "%", after = "77777" }', 3, "不在对照表中"),
        ('[map]\n"160" = "SpO2"', 3, "应写成"),
        ('[map]\n"160" = { code = "SpO2" unit = "%" }', 3, "TOML 写法有误"),
        ('[settings]\ngas_unit = "percent"', None, "不能换算"),
        ('[settings]\nambient_mmhg = 7600', 3, "400–820"),
        ('[units]\n"x" = "furlong"', 3, "不认识单位"),
        ("[mapping]\n", 2, "不认识“mapping”"),
        ('extends = "nowhere"', 2, "不存在"),
    ],
)  # fmt: skip
def test_faults_say_where_and_what_to_do(tmp_path, text, line, words):
    with pytest.raises(ProfileError) as fault:
        own(tmp_path, "mindray_pds/x", text).get("mindray_pds", "x")
    assert words in str(fault.value)
    assert line is None or f"x.toml 第 {line} 行" in str(fault.value)


def test_a_curve_is_measured_by_a_calibration_pulse(tmp_path):
    store = own(tmp_path, "mindray_pds/default", '[waves]\nECG_II = { unit = "mV", zero = 2048, factor = 0.00125 }\n')
    line = mindray.curves([(1114, 2, [2048, 2848]), (1152, 1, [20, 30])])
    lead, pleth = (calibrated(one, store.get("mindray_pds")) for one in told("mindray_pds", line, store))
    assert lead.unit == "mV"
    assert [raw * lead.scale + lead.offset for raw in lead.samples] == pytest.approx([0.0, 1.0])
    assert (pleth.unit, pleth.samples) == ("", (20, 30))
    for wrong in (
        'ECG_II = { unit = "mV", factor = 0 }',
        "ECG_II = { factor = 2 }",
        "ECG_II = 3",
        'ECG_II = { unti = "mV" }',
    ):
        with pytest.raises(ProfileError, match="第 3 行"):
            own(tmp_path, "mindray_pds/x", f"[waves]\n{wrong}\n").get("mindray_pds", "x")


def test_files_in_a_relative_folder_are_checked_as_strictly(tmp_path, monkeypatch):
    own(tmp_path, "ge_dri/x", '[map]\n"ecg.hart" = { code = "HR", unit = "/min" }')
    monkeypatch.chdir(tmp_path.parent)
    with pytest.raises(ProfileError, match="没有原始项"):
        ProfileStore(Path(tmp_path.name)).get("ge_dri", "x")


def test_items_that_the_bytes_do_not_have_are_refused(tmp_path):
    with pytest.raises(ProfileError, match=r"没有原始项“ecg\.hart”"):
        own(tmp_path, "ge_dri/x", '[map]\n"ecg.hart" = { code = "HR", unit = "/min" }').get("ge_dri", "x")
    (tmp_path / "ge_dri" / "x.toml").write_text('[map]\n"ecg.hr" = { code = "HR", unit = "/min" }', encoding="utf-8")
    with pytest.raises(ProfileError, match="没有出处"):
        ProfileStore(tmp_path).get("ge_dri", "x")
    for model in ("../x", "X", "nothing"):
        with pytest.raises(ProfileError, match="型号"):
            ProfileStore(tmp_path).get("ge_dri", model)


def test_the_example_of_the_manual_is_a_good_file(tmp_path):
    manual = (DOCS / "devices.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.+?)```", manual, re.S)
    (tmp_path / "mindray_pds").mkdir()
    (tmp_path / "mindray_pds" / "new.toml").write_text(example, encoding="utf-8")
    assert ProfileStore(tmp_path).get("mindray_pds", "new").lines["9001"].divisor == 10


def test_the_command_lists_and_checks(tmp_path, capsys):
    own(tmp_path, "hamilton/c6", '[map]\n"61" = { code = "TVe", unit = "L", source = "与屏幕比对" }\n')
    assert main(["profiles", "hamilton", "--model", "c6", "--profiles", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "hamilton/default.toml:" in shown
    assert f"[{tmp_path}/hamilton/c6.toml:3] 与屏幕比对" in shown.replace("\\", "/")
    assert main(["profiles", "--check", str(tmp_path / "hamilton" / "c6.toml")]) == 0
    assert "其中这个文件给出 1 行" in capsys.readouterr().out
    (tmp_path / "hamilton" / "c6.toml").write_text(
        'source = "x"\n[map]\n"62" = { code = "MV", unit = "mmHg" }', encoding="utf-8"
    )
    assert main(["profiles", "--check", str(tmp_path / "hamilton" / "c6.toml")]) == 2
    assert "第 3 行" in capsys.readouterr().err
    assert main(["profiles"]) == 0
    assert "northern" in capsys.readouterr().out


def test_an_edited_file_restarts_only_what_uses_it(tmp_path, monkeypatch):
    monkeypatch.setattr("device_bridge.service._PROFILES_EVERY_S", 0.05)
    own(tmp_path / "p", "bis/own", '[map]\n"bis" = { code = "BIS", unit = "1", divisor = 10, doubt = true }\n')
    devices = [
        DeviceConfig("A", "bis", {"kind": "gateway"}, {"profile": "own"}),
        DeviceConfig("B", "bis", {"kind": "gateway"}),
        DeviceConfig("C", "bis", {"kind": "gateway"}, {"profile": "none"}),
    ]

    async def scene():
        settings = BridgeSettings("http://127.0.0.1:1", "t", "b", tmp_path / "spool", profiles_dir=tmp_path / "p")
        service = BridgeService(settings)
        await service.apply(devices)
        before = dict(service._running)
        (broken,) = [one for one in service.health() if one.device == "C"]
        assert "没有型号“none”的对照表" in broken.detail
        file = tmp_path / "p" / "bis" / "own.toml"
        file.write_text("[map]\n", encoding="utf-8")
        await service.apply(devices)
        changed = dict(service._running)
        file.write_text("not toml", encoding="utf-8")
        await service.apply(devices)
        kept = dict(service._running)
        told_of = {one.device: one.detail for one in service.health()}
        assert "仍按原来的采集" in told_of["A"]
        assert "own.toml 第 1 行" in told_of["A"]
        assert "对照表" not in told_of["B"]
        watching = asyncio.create_task(service._watch_profiles())
        await asyncio.sleep(0.1)
        file.write_text('source = "x"\n[map]\n"bis" = false\n', encoding="utf-8")
        for _ in range(60):
            await asyncio.sleep(0.05)
            if service._running["A"] is not kept["A"]:
                break
        watching.cancel()
        assert service._running["A"] is not kept["A"], "nobody has to restart anything"
        assert service._running["B"] is kept["B"]
        assert "有错" not in {one.device: one.detail for one in service.health()}["A"]
        for device in list(service._running):
            await service._end(device)
        service._spool.close()
        assert (changed["A"] is before["A"], changed["B"] is before["B"]) == (False, True)
        assert kept["A"] is changed["A"], "a file that cannot be used stops nothing"

    asyncio.run(scene())
