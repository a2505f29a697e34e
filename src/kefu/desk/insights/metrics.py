"""Every figure that Kefu shows: its name, its unit, and how exactly it is defined, in English and Chinese."""

from collections.abc import Mapping
from dataclasses import dataclass

# Sums that figures are made of: (number of events, sum of values, sum of business values), by stored metric.
Sums = Mapping[str, tuple[int, int, int]]

COUNT, SECONDS, SHARE, SCORE = "count", "seconds", "share", "score"


@dataclass(frozen=True)
class Metric:
    """A figure. `kind`: the `number` of `of`, its `sum` or `mean`, or its sum for each of `per`: a `share`.

    `better` is up, down or nothing. Each has a second value, of business hours.
    """

    name: str
    unit: str
    kind: str
    of: str
    title: Mapping[str, str]
    definition: Mapping[str, str]
    per: str = ""
    better: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """The stored metrics that it is made of."""
        return (self.of, self.per) if self.per else (self.of,)

    def value(self, sums: Sums, *, in_business: bool = False) -> float | None:
        """The figure, in its unit; None where there is nothing to divide by."""
        number, total, business = sums.get(self.of, (0, 0, 0))
        chosen = business if in_business else total
        if self.kind == "number":
            return business if in_business else number
        if self.kind == "sum":
            return chosen
        if self.kind == "mean":
            return None if not number else chosen / number / (1000 if self.unit == SECONDS else 1)
        _, below, below_business = sums.get(self.per, (0, 0, 0))
        base = below_business if in_business else below
        return None if not base else chosen / base


def _metric(  # noqa: PLR0917 - a row of the table below
    name: str, unit: str, kind: str, of: str, en: str, zh: str, *, per: str = "", better: str = ""
) -> Metric:
    """`en` and `zh`: the title, a bar, the definition."""
    english, chinese = en.partition("|"), zh.partition("|")
    return Metric(
        name,
        unit,
        kind,
        of,
        {"en": english[0].strip(), "zh": chinese[0].strip()},
        {"en": english[2].strip(), "zh": chinese[2].strip()},
        per,
        better,
    )


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _metric(
            "conversations_count",
            COUNT,
            "number",
            "conversations",
            "Conversations | Conversations begun in the period. Of a team, member, intent or language: those that had "
            "it last; of a label: those that have it; of people: those that a member had.",
            "会话数 | 该时段内新建的会话。按团队、成员、意图、语言统计时以会话最后所属为准；"
            "按标签统计时以会话现有标签为准；「人工」指由成员接待过的会话。",
        ),
        _metric(
            "incoming_messages_count",
            COUNT,
            "number",
            "incoming_messages",
            "Messages from customers | Messages that contacts sent, by who had the conversation at that moment; intent "
            "and language are those that the assistant found in its answer.",
            "客户消息数 | 客户发来的消息，按当时由谁接待统计；意图和语言以助手应答时的判断为准。",
        ),
        _metric(
            "outgoing_messages_count",
            COUNT,
            "number",
            "outgoing_messages",
            "Messages to customers | Messages of the assistant and of members; internal notes and automatic "
            "sentences are not counted.",
            "回复消息数 | 助手和成员发出的消息；内部备注和系统提示不计。",
        ),
        _metric(
            "reply_rate",
            SHARE,
            "share",
            "replied_messages",
            "Reply rate | Customers' messages that got a reply, of all customers' messages, by when the customer "
            "wrote. That the assistant hands over is no reply.",
            "回复率 | 得到回复的客户消息占全部客户消息的比例，按客户发言时间统计。助手的转接提示不算回复。",
            per="incoming_messages",
            better="up",
        ),
        _metric(
            "automation_rate",
            SHARE,
            "share",
            "automated_resolutions",
            "Automation rate | Resolutions of conversations without a member's message, of all resolutions.",
            "自动化率 | 没有成员发言就解决的会话占全部已解决会话的比例。",
            per="resolutions",
            better="up",
        ),
        _metric(
            "avg_first_response_time",
            SECONDS,
            "mean",
            "first_response_time",
            "First response | From the contact's first message to the first reply, on average. The clock starts "
            "again, for a person, at a hand-over, and at the contact's message that reopens a conversation; handing "
            "back to the assistant stops a person's clock.",
            "首次响应时间 | 从客户首条消息到首次回复的平均时间。转人工后为人工重新计时；"
            "客户消息使会话重开时也重新计时；交还助手则停止人工计时。",
            better="down",
        ),
        _metric(
            "reply_time",
            SECONDS,
            "mean",
            "reply_time",
            "Reply time | Each reply less the moment at which the contact began to wait: the first message that was "
            "not replied to, or the hand-over; on average.",
            "回复时间 | 每次回复与客户开始等待（首条未回复的消息，或转人工）之间的平均时间。",
            better="down",
        ),
        _metric(
            "avg_resolution_time",
            SECONDS,
            "mean",
            "resolution_time",
            "Resolution time | From the beginning of a conversation to each of its resolutions, on average.",
            "解决时间 | 从会话开始到每次解决的平均时间。",
            better="down",
        ),
        _metric(
            "resolutions_count",
            COUNT,
            "number",
            "resolutions",
            "Resolutions | Conversations resolved by the contact, a member, or for idling (30 minutes with the "
            "assistant, 24 hours with a member). One that is reopened may be resolved again; one in which the "
            "contact said nothing is not counted.",
            "解决数 | 由客户、成员或因闲置（助手 30 分钟，人工 24 小时）结束的会话。重开后可再次解决；"
            "客户未发言的会话不计。",
        ),
        _metric(
            "bot_resolutions_count",
            COUNT,
            "number",
            "bot_resolutions",
            "Resolved by the assistant | Conversations that the assistant answered and that were resolved without a "
            "hand-over or a member's message; once a conversation.",
            "助手独立解决数 | 由助手回答、未转人工且没有成员发言就解决的会话；每个会话只计一次。",
            better="up",
        ),
        _metric(
            "bot_handoffs_count",
            COUNT,
            "number",
            "bot_handoffs",
            "Hand-overs | Conversations that passed from the assistant to people, by its own decision, the contact's "
            "wish or a member's; once a conversation, for the team and the member that it came to first.",
            "转人工数 | 从助手转给人工的会话（助手判断、客户要求或成员接管）；每个会话只计一次，"
            "归最先接到的团队和成员。",
            better="down",
        ),
        _metric(
            "reopenings_count",
            COUNT,
            "number",
            "reopenings",
            "Reopenings | Resolved conversations that the contact or a member opened again.",
            "重开数 | 解决后被客户或成员重新打开的次数。",
            better="down",
        ),
        _metric(
            "csat_score",
            SHARE,
            "share",
            "csat_good",
            "Satisfaction | Answers of 4 or 5, of all answers to the survey.",
            "满意度 | 评 4 分或 5 分的答复占全部评价的比例。",
            per="ratings",
            better="up",
        ),
        _metric(
            "csat_response_rate",
            SHARE,
            "share",
            "ratings",
            "Survey responses | Answers to the survey, of the surveys sent.",
            "评价回收率 | 收到的评价占发出邀请的比例。",
            per="csat_sent",
            better="up",
        ),
        _metric(
            "csat_average",
            SCORE,
            "share",
            "csat",
            "Average rating | The mean of all answers, 1 to 5.",
            "平均评分 | 全部评价的平均分（1 到 5）。",
            per="ratings",
            better="up",
        ),
        _metric(
            "turns_count",
            COUNT,
            "sum",
            "answers",
            "Answers of the assistant | Turns in which the assistant said something: answers, questions back, "
            "refusals, hand-overs.",
            "助手回合数 | 助手作出回应的回合：回答、追问、拒答、转接。",
        ),
        _metric(
            "turn_time",
            SECONDS,
            "mean",
            "turns",
            "Answer time | From the customer's message to the assistant's answer, on average.",
            "助手应答时间 | 从客户消息到助手回答的平均时间。",
            better="down",
        ),
        _metric(
            "refusal_rate",
            SHARE,
            "share",
            "refusals",
            "Refusal rate | Turns refused for want of knowledge, of all turns. Refusals that the company or caution "
            "demands (forbidden topics, instructions to the assistant) are not counted.",
            "拒答率 | 因缺少知识而拒答的回合占全部回合的比例。因公司规定或安全原因的拒答不计。",
            per="answers",
            better="down",
        ),
        _metric(
            "refusal_precision",
            SHARE,
            "share",
            "right_refusals",
            "Right refusals | Refusals that members judged to be right, of all that they judged, by when they did; the "
            "last verdict counts.",
            "拒答准确率 | 成员判定为正确的拒答占全部已判定拒答的比例，按判定时间统计，以最后一次判定为准。",
            per="judged_refusals",
            better="up",
        ),
        _metric(
            "handoff_correctness",
            SHARE,
            "share",
            "right_handoffs",
            "Right hand-overs | Hand-overs that members judged to be right, of all that they judged, by when they did; "
            "the last verdict counts.",
            "转人工正确率 | 成员判定为正确的转接占全部已判定转接的比例，按判定时间统计，以最后一次判定为准。",
            per="judged_handoffs",
            better="up",
        ),
        _metric(
            "unanswered_count",
            COUNT,
            "number",
            "unanswered",
            "Unanswered questions | Questions for which knowledge held no passage: refused, or handed over instead "
            "of one refusal more.",
            "未能回答的问题数 | 知识库中没有依据的问题：拒答，或因连续拒答而转人工。",
            better="down",
        ),
        _metric(
            "failures_count",
            COUNT,
            "number",
            "failures",
            "Failures | Turns that ended in an error; a person got the conversation.",
            "故障数 | 出错的回合；会话已转给人工。",
            better="down",
        ),
        _metric(
            "thumbs_count",
            COUNT,
            "sum",
            "thumbs",
            "Thumbs | Answers that contacts rated up or down; the last thumb counts.",
            "点赞点踩数 | 客户对回答的点赞或点踩，以最后一次为准。",
        ),
        _metric(
            "assignments_count",
            COUNT,
            "number",
            "assignments",
            "Conversations taken | Times at which a member got a conversation, by taking it or by assignment.",
            "接手次数 | 成员接手或被分配会话的次数。",
        ),
        _metric(
            "sla_met_rate",
            SHARE,
            "share",
            "sla_met",
            "Promised times kept | Promised times (first reply, next reply, resolution) that were kept, of all that "
            "were kept or missed; counted when they are. What was owed no more, since the assistant went on or the "
            "conversation was resolved, does not count.",
            "时限达成率 | 按时完成的承诺时限（首次回复、后续回复、解决）占全部达成与超时的比例，"
            "在达成或超时的那一刻计入；因交还助手或会话已解决而不再需要的不计。",
            per="sla",
            better="up",
        ),
        _metric(
            "sla_first_reply_met_rate",
            SHARE,
            "share",
            "sla_first_reply_met",
            "First replies in time | First replies of a person within the promised time, of all that were promised.",
            "首次回复达成率 | 在承诺时限内完成的人工首次回复占比。",
            per="sla_first_reply",
            better="up",
        ),
        _metric(
            "sla_next_reply_met_rate",
            SHARE,
            "share",
            "sla_next_reply_met",
            "Next replies in time | Further replies of a person within the promised time, of all that were promised.",
            "后续回复达成率 | 在承诺时限内完成的人工后续回复占比。",
            per="sla_next_reply",
            better="up",
        ),
        _metric(
            "sla_resolution_met_rate",
            SHARE,
            "share",
            "sla_resolution_met",
            "Resolutions in time | Conversations with people that were resolved within the promised time, of all that "
            "were promised it. The clock stands while the contact's answer is awaited and while it is snoozed.",
            "解决达成率 | 在承诺时限内解决的人工会话占比。等待客户回复或会话暂缓期间不计时。",
            per="sla_resolution",
            better="up",
        ),
        _metric(
            "sla_count",
            COUNT,
            "sum",
            "sla",
            "Promised times | Promised times that were kept or missed.",
            "承诺时限数 | 达成或超时的承诺时限。",
        ),
    )
}
