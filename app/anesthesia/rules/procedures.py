"""Words of airways, vascular accesses and blocks: what may be chosen, and how fields are called on screen and paper."""

AIRWAY_DEVICES = {
    "tracheal_tube": "气管导管", "double_lumen": "双腔管", "laryngeal_mask": "喉罩", "mask": "面罩", "other": "其他",
}  # fmt: skip
AIRWAY_PATHS = {"": "", "oral": "经口", "nasal": "经鼻", "tracheostomy": "气管切开"}
CORMACK = ("", "1", "2a", "2b", "3", "4")
LINE_KINDS = {
    "peripheral": "外周静脉", "arterial": "动脉", "central_venous": "中心静脉", "pulmonary": "肺动脉导管", "other": "其他",
}  # fmt: skip
BLOCK_KINDS = {
    "spinal": "蛛网膜下腔", "epidural": "硬膜外", "combined": "腰硬联合", "caudal": "骶管", "nerve": "神经阻滞",
    "plexus": "神经丛阻滞", "other": "其他",
}  # fmt: skip
FIELD_WORDS = {
    "device": "器具", "path": "途径", "size": "型号", "depth_cm": "深度（cm）", "is_cuffed": "套囊", "technique": "方法",
    "cormack": "C-L 分级", "attempts": "次数", "is_difficult": "困难气道", "note": "备注", "at": "时间",
    "removed_at": "拔除时间", "kind": "种类", "site": "部位", "gauge": "型号", "with_ultrasound": "超声引导",
    "complication": "并发症", "needle": "穿刺针", "catheter_cm": "置管（cm）", "guidance": "引导", "drug": "药物",
    "level": "平面", "effect": "效果",
}  # fmt: skip
