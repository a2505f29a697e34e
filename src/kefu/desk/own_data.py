"""What a workspace knows and what was said in it, as data that models learn from; and what is left out of that.

`texts` are for `pretrain_mlm` and `pretrain_clm`, `chats` for `sft_lora`, `pairs` for `retriever` and `reranker`. All
of it is masked, and conversations are only of contacts who agreed to training.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.queries.chats import Chat, chats, unlearnable
from kefu.desk.inbox.queries.found import judged
from kefu.desk.library.queries import documents, sources
from kefu.desk.modelhub import actions, queries
from kefu.desk.modelhub.actions.data import MOST_ROWS
from kefu.desk.modelhub.actions.forgetting import CONTACT
from kefu.kit.errors import BadInput
from kefu.knowledge.labels import read_bytes
from kefu.knowledge.masking import mask
from kefu.knowledge.paragraphs import parts

Kind = Literal["texts", "chats", "pairs"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Row = Mapping[str, Any]

_LACKING = {"texts": "text", "chats": "conversation with an answer", "pairs": "answer that a customer found good"}
# Why something is no row, by how `left_out` names it; the console has its own words for each.
_WHY = {
    "not_agreed": "{count:,} conversations are of contacts who did not agree to training; "
    "see: kefu contacts consent --help",
    "wordless": "{count:,} conversations say nothing in words",
    "unanswered": "{count:,} conversations have no answer",
    "unjudged": "{count:,} answers were neither judged nor chosen by a customer",
    "only_wrong": "{count:,} questions have only answers that customers found wrong",
    "uncited": "{count:,} answers that customers found good quote no passage",
    "too_many": "{count:,} rows are more than a dataset holds",
}


class NothingGathered(BadInput):
    """The workspace has nothing of that kind yet; `left_out` is what it has that may not or cannot be taken."""

    code = "nothing_gathered"


@dataclass(frozen=True)
class Gathered:
    """Rows as JSON lines hold them; `left_out` counts what is none, by why."""

    kind: Kind
    rows: list[Row]
    left_out: dict[str, int]

    def sentences(self) -> list[str]:
        """What was left out and why, each in a sentence."""
        return [f"{_WHY[why].format(count=count)}." for why, count in self.left_out.items()]

    def as_lines(self, *, named: bool = False) -> bytes:
        """The rows as JSON lines; `named` with the contact whose words they are, which stays within the workspace."""
        rows = ({name: value for name, value in each.items() if named or name != CONTACT} for each in self.rows)
        return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows).encode()


def gather(actor: Actor, *, kind: Kind, conversations: bool = True) -> Gathered:
    """All that a workspace can teach of a kind; `texts` are knowledge and, if asked for, `conversations`.

    Raises NothingGathered, which says what was left out, and NotAllowed for less than an admin.
    """
    actor.require_role(Role.ADMIN)
    left_out: dict[str, int] = {}
    if kind == "texts":
        rows = [*_documents(actor), *(_said(actor, left_out) if conversations else ())]
    else:
        rows = list(_chats(actor, left_out) if kind == "chats" else _pairs(actor, left_out))
    if kind != "texts" or conversations:
        left_out = {"not_agreed": unlearnable(actor.workspace_id), **left_out}
    found = Gathered(kind, rows, {why: count for why, count in left_out.items() if count})
    if not rows:
        why = " ".join(found.sentences())
        said = f"The workspace has no {_LACKING[kind]} yet. {why}".rstrip()
        raise NothingGathered(said, kind=kind, left_out=found.left_out)
    return found


def gather_dataset(
    actor: Actor, *, kind: Kind, name: str, conversations: bool = True
) -> tuple[queries.DatasetInfo, list[queries.DatasetVersionInfo]]:
    """Keep what is gathered as the dataset of that name: a new one, or the next version of one that was gathered so.

    Raises like `gather`, and Conflict for the name of other data.
    """
    found = gather(actor, kind=kind, conversations=conversations)
    left_out = dict(found.left_out)
    if len(found.rows) > MOST_ROWS:
        left_out["too_many"] = len(found.rows) - MOST_ROWS
        found = Gathered(kind, found.rows[:MOST_ROWS], left_out)
    data = read_bytes(found.as_lines(named=True), name=f"{kind}.jsonl", skip_bad=True)
    made = actions.keep_gathered(actor, name=name, kind=kind, found=data, left_out=left_out)
    return queries.dataset(actor, made)


def _documents(actor: Actor) -> Iterator[Row]:
    """Documents in parts of whole paragraphs: a row of a table has a longest length."""
    for source in sources(actor):
        for each in documents(actor, source.id):
            for text in parts(each.text):
                yield {"text": mask(text, each.language, masked_before=True).text, "group": each.name}


def _said(actor: Actor, left_out: dict[str, int]) -> Iterator[Row]:
    for number, chat in enumerate(_worded(actor, left_out), start=1):
        text = "\n".join(each["content"] for each in chat.said)
        yield {"text": text, "group": f"conversation {number}", CONTACT: chat.contact_id}


def _chats(actor: Actor, left_out: dict[str, int]) -> Iterator[Row]:
    """Up to the last answer; what was never answered teaches none."""
    for each_chat in _worded(actor, left_out):
        chat = each_chat.said
        last = max((at for at, each in enumerate(chat) if each["role"] == "assistant"), default=-1)
        asked = next((at for at, each in enumerate(chat) if each["role"] == "user"), last)
        if asked < last:
            yield {"messages": chat[asked : last + 1], CONTACT: each_chat.contact_id}
        else:
            left_out["unanswered"] = left_out.get("unanswered", 0) + 1


def _pairs(actor: Actor, left_out: dict[str, int]) -> Iterator[Row]:
    whole = judged(actor)
    left_out |= {"unjudged": whole.unjudged, "only_wrong": whole.wrong, "uncited": whole.uncited}
    for each in whole.found:
        wrong = {"negative": json.dumps(each.negatives, ensure_ascii=False)} if each.negatives else {}
        whose = {CONTACT: ",".join(sorted(each.contacts))}
        for passage in each.passages:
            yield {"question": each.question, "passage": passage, **wrong, **whose}


def _worded(actor: Actor, left_out: dict[str, int]) -> Iterator[Chat]:
    for chat in chats(actor):
        if chat.said:
            yield chat
        else:
            left_out["wordless"] = left_out.get("wordless", 0) + 1
