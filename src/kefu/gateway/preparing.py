"""What a turn is answered with, beyond the workspace's mind: who asks and when, its flows, its systems."""

from dataclasses import replace

from kefu.brain.tools import Tools
from kefu.contracts.turn import TurnRequest
from kefu.desk.assistants.queries import flows_in_versions
from kefu.desk.facts import facts_of, remembered_facts
from kefu.desk.inbox.due import ClaimedTurn
from kefu.desk.toolbox import Toolbox
from kefu.desk.wiring import Mind, wiring
from kefu.gateway.rows import Rows


async def prepared(rows: Rows, turn: ClaimedTurn, mind: Mind) -> tuple[TurnRequest, Tools]:
    """The request and the tools of a turn; costs nothing where the workspace has neither flows nor such rules."""
    request = request_of(turn, mind)
    if not mind.needs_facts and turn.state is None:
        return request, mind.tools
    # Of most customers nothing is known, and then a thread's turn and two statements would find nothing out.
    told = None if turn.has_profile else remembered_facts(turn.workspace_id)
    if told is None:
        told = await rows.read(facts_of, turn.workspace_id, turn.conversation_id, turn.contact_id)
    book = mind.flows
    lacking = book.lacking(turn.state)
    if lacking:  # a run goes on in the version that it began
        book = book.with_versions(await rows.read(flows_in_versions, turn.workspace_id, lacking))
    runner = Toolbox(turn.workspace_id, wiring().sender(), rows.write)
    tools = replace(mind.tools, flows=book, runner=runner)
    return replace(request, contact=told.contact, now=told.now, is_open=told.is_open), tools


def request_of(turn: ClaimedTurn, mind: Mind) -> TurnRequest:
    """What the brain is asked, from the rows."""
    return TurnRequest(
        turn_id=turn.id,
        workspace_id=turn.workspace_id,
        conversation_id=turn.conversation_id,
        text=turn.text,
        history=turn.history,
        policy=mind.policy,
        refusals_in_a_row=turn.refusals_in_a_row,
        language_hint=turn.language or None,
        state=turn.state,
        remembered=turn.remembered,
        pressed=turn.pressed,
    )
