"""Every number that a board can show: a row each. A new KPI is a new row, and its line in docs/kpis.md.

``now`` KPIs describe this instant and come from the floor; ``window`` KPIs come from summed counters by their formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from collectors.collector import Fact
from operations.kpis import formulas as f
from operations.kpis import reported as r

Better = Literal["up", "down", "neither"]

WINDOWS: dict[str, dict[str, str]] = {
    "interval": {"en": "this interval", "zh-Hans": "本时段", "zh-Hant": "本時段"},
    "rolling_5m": {"en": "last 5 min", "zh-Hans": "近5分钟", "zh-Hant": "近5分鐘"},
    "rolling_15m": {"en": "last 15 min", "zh-Hans": "近15分钟", "zh-Hant": "近15分鐘"},
    "rolling_30m": {"en": "last 30 min", "zh-Hans": "近30分钟", "zh-Hant": "近30分鐘"},
    "rolling_60m": {"en": "last 60 min", "zh-Hans": "近60分钟", "zh-Hant": "近60分鐘"},
    "today": {"en": "today", "zh-Hans": "今日", "zh-Hant": "今日"},
    "week": {"en": "this week", "zh-Hans": "本周", "zh-Hant": "本週"},
    "month": {"en": "this month", "zh-Hans": "本月", "zh-Hant": "本月"},
    "project": {"en": "project to date", "zh-Hans": "项目至今", "zh-Hant": "專案至今"},
}
"""The windows of a window KPI and what people call them; ``now`` is the one of a now KPI."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One row. ``formula`` is None for a ``now`` KPI; ``default_window`` is what a board shows unasked."""

    key: str
    labels: dict[str, str]
    unit: str
    better: Better
    formula: f.Formula | None
    definition: str
    decimals: int = 0
    default_window: str = "today"
    needs: frozenset[Fact] = frozenset()
    """What a source has to tell before this can be said; a contract may ask for more, see ``operations.kpis.coverage``."""
    sample: str = "contacts"
    """What the number rests on: ``contacts``, ``calls``, ``surveys``, ``reports``, ``scores``, ``sessions``, ``tickets`` or ``agent_days``."""

    @property
    def kind(self) -> Literal["now", "window"]:
        return "now" if self.formula is None else "window"

    @property
    def windows(self) -> tuple[str, ...]:
        """The windows that a target or a wall may ask for."""
        if self.sample == "agent_days":  # people do not add up: who they were is known of today alone
            return ("today",)
        return ("now",) if self.formula is None else tuple(WINDOWS)


def _now(key: str, en: str, hans: str, hant: str, unit: str, better: Better, definition: str, *needs: Fact) -> Kpi:
    labels = {"en": en, "zh-Hans": hans, "zh-Hant": hant}
    return Kpi(key, labels, unit, better, None, definition, default_window="now", needs=frozenset(needs))


def _sum(
    key: str,
    en: str,
    hans: str,
    hant: str,
    unit: str,
    better: Better,
    formula: f.Formula,
    definition: str,
    *needs: Fact,
    over: str = "today",
    sample: str = "contacts",
) -> Kpi:
    decimals = {"%": 2, "s": 1, "points": 2, "h": 2}.get(unit, 0)
    labels = {"en": en, "zh-Hans": hans, "zh-Hant": hant}
    return Kpi(key, labels, unit, better, formula, definition, decimals, over, frozenset(needs), sample)


# fmt: off
_ROWS = (
    _now("contacts_waiting", "Waiting", "排队数", "排隊數", "contacts", "down", "Contacts in queue now.", "waiting"),
    _now("longest_wait_s", "Longest wait", "最长等待", "最長等待", "s", "down", "Age of the oldest contact still waiting now.", "longest_wait"),
    _now("agents_available", "Agents free", "空闲坐席", "空閒坐席", "agents", "neither", "Distinct people ready for a contact now.", "agents"),
    _now("agents_ringing", "Agents ringing", "振铃坐席", "振鈴坐席", "agents", "neither", "Distinct people being alerted now.", "agents", "ringing_now"),
    _now("agents_on_contact", "Agents talking", "通话坐席", "通話坐席", "agents", "neither", "Distinct people in conversation now.", "agents"),
    _now("agents_wrap_up", "Agents in wrap-up", "后处理坐席", "後處理坐席", "agents", "neither", "Distinct people in wrap-up now.", "agents", "wrap_up_now"),
    _now("agents_paused", "Agents on break", "小休坐席", "小休坐席", "agents", "neither", "Distinct people paused now.", "agents"),
    _now("agents_logged_in", "Agents signed in", "签入坐席", "簽入坐席", "agents", "neither", "Distinct people signed in now, paused included.", "agents"),
    _sum("service_level_pct", "Service level", "服务水平", "服務水準", "%", "up", f.service_level,
         "Answered within T of the contacts that count, by the contract's rule.", "contacts", "in_time"),
    _sum("answer_rate_pct", "Answer rate", "接通率", "接通率", "%", "up", f.answer_rate, "A / (A + B + F).", "contacts", "abandons"),
    _sum("offered", "Offered", "呼入量", "呼入量", "contacts", "neither", f.counted("offered"), "Contacts that entered the queue.", "contacts"),
    _sum("answered", "Answered", "接通量", "接通量", "contacts", "up", f.counted("answered"), "Contacts that an agent answered.", "contacts"),
    _sum("abandoned", "Abandoned", "放弃量", "放棄量", "contacts", "down", f.counted("abandoned"), "Contacts that hung up before an answer.", "abandons"),
    _sum("abandon_rate_pct", "Abandon rate", "放弃率", "放棄率", "%", "down", f.abandon_rate,
         "(B − S) / (A + B + F − S), S the abandons shorter than `short_abandon_s`.", "contacts", "abandons"),
    _sum("longest_wait_today_s", "Longest wait, ended", "最长等待(已结束)", "最長等待(已結束)", "s", "down",
         f.longest_wait, "Longest wait of a contact that was answered or abandoned in the window, rounded up to the second.", "waits"),
    _sum("asa_s", "Speed of answer", "平均应答速度", "平均應答速度", "s", "down", f.speed_of_answer,
         "Σ wait of answered / A, queue and ring.", "contacts", "waits"),
    _sum("avg_talk_s", "Talk time", "平均通话时长", "平均通話時長", "s", "down", f.mean_s(("talk_ms",), "handled"), "Σ talk / handled.", "talk"),
    _sum("avg_hold_s", "Hold time", "平均持线时长", "平均持線時長", "s", "down", f.mean_s(("hold_ms",), "handled"), "Σ hold / handled.", "hold"),
    _sum("avg_hold_held_s", "Hold time, held only", "平均持线时长(有持线)", "平均持線時長(有持線)", "s", "down",
         f.mean_s(("hold_ms",), "held", "none_held"), "Σ hold / contacts put on hold.", "hold"),
    _sum("avg_wrap_s", "Wrap-up time", "平均后处理时长", "平均後處理時長", "s", "down", f.mean_s(("wrap_ms",), "handled"), "Σ wrap-up / handled.", "wrap"),
    _sum("avg_ring_s", "Ring time", "平均振铃时长", "平均振鈴時長", "s", "down", f.mean_s(("ring_ms",), "handled"), "Σ ring of answered / handled.", "ring"),
    _sum("aht_s", "Handling time", "平均处理时长", "平均處理時長", "s", "down", f.mean_s(("talk_ms", "hold_ms", "wrap_ms"), "handled"),
         "(talk + hold + wrap-up) / handled.", "talk"),
    _sum("occupancy_pct", "Occupancy", "工时利用率", "工時利用率", "%", "neither", f.occupancy,
         "(on contact + ringing + wrap-up) / (that + available), agent-seconds.", "agent_time"),
    _sum("utilisation_pct", "Utilisation", "员工工作效率", "員工工作效率", "%", "up", f.utilisation,
         "(on contact + ringing + wrap-up) / signed in, agent-seconds.", "agent_time"),
    _sum("transfers", "Transfers", "转接数", "轉接數", "contacts", "down", f.counted("transferred"), "Contacts that an agent passed on.", "transfers"),
    _sum("transfer_rate_pct", "Transfer rate", "转接率", "轉接率", "%", "down", f.share("transferred", "handled"), "Transferred / handled.", "transfers"),
    _sum("rang_no_answer", "Rang unanswered", "振铃未接", "振鈴未接", "contacts", "down", f.counted("rang_no_answer"), "Alerts that an agent let ring out.", "rang_no_answer"),
    _sum("csat_pct", "Satisfaction", "客户满意度", "客戶滿意度", "%", "up", f.share("survey_top_box", "surveys", "no_surveys"), "Top box / surveys.", "surveys", sample="surveys"),
    _sum("csat_mean", "Satisfaction, mean", "客户满意度(均值)", "客戶滿意度(均值)", "points", "up",
         r.points("survey_score_sum", "surveys", "no_surveys"), "Σ score / surveys.", "surveys", sample="surveys"),
    _sum("fcr_pct", "First-contact resolution", "首次解决率", "首次解決率", "%", "up", f.share("resolved_first", "resolution_known", "no_reports"),
         "Resolved at the first contact / contacts whose resolution is known.", "resolution", sample="reports"),
    _sum("complaints", "Complaints", "投诉量", "投訴量", "complaints", "down", f.reported("complaints", "no_reports"), "Complaints reported.", "complaints", sample="reports"),
    _sum("quality_mean", "Quality score", "质检得分", "質檢得分", "points", "up", r.points("quality_score_sum", "quality_scores", "no_reports"), "Σ score / scores.", "quality", sample="scores"),
    _sum("dialled", "Dialled", "外呼量", "外撥量", "calls", "neither", r.count_of("dialled", "dialled"), "Calls that the dialler made.",
         "dialler", sample="calls"),
    _sum("connect_rate_pct", "Connect rate", "外呼接通率", "外撥接通率", "%", "up", r.rate("connected", "dialled"), "Connected / dialled.",
         "dialler", sample="calls"),
    _sum("succeeded", "Successes", "成功量", "成功量", "calls", "up", r.count_of("succeeded", "connected"),
         "Connected calls that reached their aim, as the campaign defines it.", "dialler", sample="calls"),
    _sum("conversion_pct", "Conversion", "成功率", "成功率", "%", "up", r.rate("succeeded", "connected", "dialled"), "Succeeded / connected.",
         "dialler", sample="calls"),
    _sum("dialler_abandon_pct", "Dialler abandons", "弃呼率", "棄呼率", "%", "down", r.rate("dialler_abandoned", "live_answered", "dialled"),
         "Answered by a person and dropped for want of an agent / answered by a person.", "dialler", sample="calls"),
    _sum("avg_work_h", "Hours per agent", "日均工时", "日均工時", "h", "neither", r.work_hours,
         "Hours signed in / people who were signed in at all, today so far.", "agent_time", "agent_names", sample="agent_days"),
    _sum("ivr_containment_pct", "IVR containment", "IVR自助率", "IVR自助率", "%", "up", r.rate("ivr_contained", "ivr_entered"),
         "Settled in the IVR / entered the IVR.", "ivr", sample="sessions"),
    _sum("bot_containment_pct", "Bot containment", "机器人解决率", "機器人解決率", "%", "up", r.kept("bot_handed_over", "bot_sessions"),
         "(sessions − handed over) / sessions.", "bot", sample="sessions"),
    _sum("open_tickets", "Open tickets", "未结工单", "未結工單", "tickets", "down", r.open_tickets,
         "Opened − closed; over the project's time, all that are open.", "tickets", over="project", sample="tickets"),
)
# fmt: on

CATALOGUE: dict[str, Kpi] = {row.key: row for row in _ROWS}

DEFAULT_WALL = (
    "service_level_pct",
    "contacts_waiting",
    "longest_wait_s",
    "agents_available",
    "abandon_rate_pct",
    "answered",
)
