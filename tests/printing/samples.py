"""What stands around the chart on the sheets of the tests."""

from __future__ import annotations

from datetime import UTC, datetime

from app.charting.record import (
    Balance,
    Block,
    Correction,
    HeaderField,
    PrintStamp,
    RecordAppendix,
    RecordHeader,
    Signature,
    TotalItem,
)
from tests.charting.samples import after

RARE_NAME = "䶮㛃𬍛𫖮"


def header(name: str = "张建国", procedure: str = "腹腔镜辅助远端胃癌根治术（D2）") -> RecordHeader:
    """The WS 329 fields of a gastrectomy."""
    return RecordHeader(
        hospital="青河县人民医院",
        key_line=f"{name}　男　54 岁　住院号 20261123045　手术日期 2026-11-22　手术间 3",
        fields=(
            HeaderField("姓名", name, 4),
            HeaderField("性别", "男", 4),
            HeaderField("年龄", "54 岁", 4),
            HeaderField("科室", "胃肠外科", 4),
            HeaderField("床号", "12", 4),
            HeaderField("住院号", "20261123045", 4),
            HeaderField("身高", "171 cm", 4),
            HeaderField("体重", "66 kg", 4),
            HeaderField("血型", "A 型 Rh(+)", 4),
            HeaderField("ASA", "Ⅱ", 4),
            HeaderField("手术类型", "择期", 4),
            HeaderField("手术间", "3 间 第 1 台", 4),
            HeaderField("术前诊断", "胃窦癌；2 型糖尿病", 12),
            HeaderField("术后诊断", "胃窦癌（pT3N1M0）；2 型糖尿病", 12),
            HeaderField("拟施手术", procedure, 12),
            HeaderField("实施手术", procedure, 12),
            HeaderField("麻醉方式", "静吸复合全身麻醉（气管插管）＋超声引导腹横肌平面阻滞", 12),
            HeaderField("体位", "仰卧位（分腿）", 6),
            HeaderField("禁食", "固体 10 h，清饮 3 h", 6),
            HeaderField("术前用药", "无", 4),
            HeaderField("术前特殊情况", "糖尿病，空腹血糖 7.8 mmol/L；对青霉素过敏（皮疹）", 20),
            HeaderField("手术医师", "周明", 4),
            HeaderField("助手", "吴海、郑伟", 8),
            HeaderField("麻醉医师", "李慧（主）、孙洋（助）", 12),
            HeaderField("器械护士", "王芳", 4),
            HeaderField("巡回护士", "陈静", 8),
            HeaderField("手术日期", "2026-11-22", 12),
        ),
    )


def appendix() -> RecordAppendix:
    """Totals, technique, leaving the room, one correction, signatures."""
    return RecordAppendix(
        drug_totals=(
            TotalItem("咪达唑仑", "2 mg"),
            TotalItem("丙泊酚", "1116 mg"),
            TotalItem("舒芬太尼", "45 µg"),
            TotalItem("罗库溴铵", "60 mg"),
            TotalItem("瑞芬太尼", "1.6 mg"),
            TotalItem("去甲肾上腺素", "0.52 mg"),
            TotalItem("氟比洛芬酯", "50 mg"),
        ),
        balance=Balance(
            intake=(TotalItem("晶体", "1300 mL"), TotalItem("胶体", "500 mL")),
            output=(TotalItem("失血", "150 mL"), TotalItem("尿量", "450 mL")),
            intake_total="1800 mL",
            output_total="600 mL",
            net="+1200 mL",
        ),
        blocks=(
            Block(
                "麻醉技术",
                (
                    HeaderField("诱导", "静脉快速诱导", 6),
                    HeaderField("气管导管", "ID 7.5 带囊，经口，深度 23 cm，可视喉镜一次成功", 12),
                    HeaderField("CL 分级", "Ⅰ", 6),
                    HeaderField("神经阻滞", "双侧 TAP，0.375% 罗哌卡因每侧 20 mL", 12),
                    HeaderField("有创操作", "左桡动脉 20G；右颈内静脉 7Fr 双腔", 12),
                ),
            ),
            Block(
                "离室情况",
                (
                    HeaderField("意识", "清醒", 4),
                    HeaderField("肌力", "抬头 > 5 s", 5),
                    HeaderField("定向力", "正常", 4),
                    HeaderField("反射", "恢复", 4),
                    HeaderField("去向", "麻醉恢复室", 7),
                    HeaderField("PCA 配方", "舒芬太尼 100 µg ＋ 昂丹司琼 8 mg 加生理盐水至 100 mL，2 mL/h", 24),
                ),
            ),
        ),
        corrections=(Correction(1, after(28), "收缩压", "60 mmHg", "96 mmHg", "袖带受压误测", "李慧", after(31)),),
        signatures=(
            Signature("麻醉医师（主）", "李慧", after(232)),
            Signature("麻醉医师（助）", "孙洋", after(233)),
            Signature("上级医师审核"),
        ),
    )


def stamp(**changes: object) -> PrintStamp:
    """The third snapshot, printed in the afternoon."""
    values: dict[str, object] = {
        "printed_at": datetime(2026, 11, 22, 6, 3, tzinfo=UTC),
        "snapshot_no": 3,
        "amendments": 1,
        "printed_by": "李慧",
    }
    return PrintStamp(**{**values, **changes})  # type: ignore[arg-type]
