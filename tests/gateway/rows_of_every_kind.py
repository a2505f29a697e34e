"""Rows that stand for a workspace's own logic, figures and deliveries, for tests that bring their ids elsewhere."""

from kefu.desk.accounts.team_actions import create_team
from kefu.desk.actor import Actor
from kefu.desk.assistants import actions as assistants
from kefu.desk.contacts import actions as contacts
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox.actions.promises import create_policy
from kefu.desk.inbox.models import Conversation, Delivery, Message
from kefu.desk.insights.models import QuestionGroup
from kefu.desk.webhooks.actions import add_webhook

FLOW = """
schema: kefu.flow/v1
id: zanzibar
name: Zanzibar
languages: [en]
when: {keywords: {en: [zanzibar]}}
steps:
  - {id: told, say: {en: "By boat, to Zanzibar."}}
  - {id: over, end: done}
"""
TOOL = {"name": "zanzibar.boats", "method": "GET", "url": "https://boats.example/zanzibar"}
TESTS = """schema: kefu.flow-test/v1
tests:
- name: a boat
  turns: [{say: zanzibar}]
"""


def logic_of(kefu: Actor) -> dict[str, str]:
    """A tool, a flow with a version, and a file of tests."""
    flow = assistants.save_flow(kefu, text=FLOW).info
    assistants.publish_flow(kefu, flow_id=flow.id, note="A row of this kind", run_tests=False)
    tool = assistants.save_tool(kefu, definition=TOOL)
    file = assistants.save_suite_file(kefu, name="zanzibar.yaml", text=TESTS)
    return {"flow_id": flow.id, "tool_id": tool.id, "file_id": file.id, "number": "1"}


def sorted_of(kefu: Actor, conversation_id: str) -> dict[str, str]:
    """A label that the conversation has, a view and a canned reply of everybody's, and another contact."""
    label = inbox.add_label(kefu, title="Zanzibar")
    inbox.label(kefu, conversation_id=conversation_id, add=[label.id])
    view = inbox.save_view(kefu, name="Zanzibar", chosen={"label": [label.id]}, is_shared=True)
    canned = inbox.add_canned(kefu, shortcut="zanzibar", text="To Zanzibar, {{ contact.name }}", is_shared=True)
    thread = Conversation.objects.of(kefu.workspace_id).get(id=conversation_id)
    other = contacts.meet(kefu, channel_id=thread.channel_id, external_id="customer-8")
    return {"label_id": label.id, "view_id": view.id, "canned_id": canned.id, "other": other}


def routed_of(kefu: Actor) -> dict[str, str]:
    """A team, and what is promised."""
    team = create_team(kefu, name="Zanzibar")
    policy = create_policy(kefu, name="Zanzibar", first_reply_seconds=3600)
    return {"team_id": team.id, "policy_id": policy.id}


def waiting_of(kefu: Actor, conversation_id: str) -> dict[str, str]:
    """A reply that nobody will send any more, a question that nobody could answer, and a webhook."""
    thread = Conversation.objects.of(kefu.workspace_id).get(id=conversation_id)
    message = Message.objects.of(kefu.workspace_id).filter(conversation_id=thread.id).order_by("-sequence")[0]
    delivery = Delivery.objects.create(
        workspace_id=kefu.workspace_id,
        channel_id=thread.channel_id,
        conversation=thread,
        message=message,
        sequence=message.sequence,
        state="dropped",
    )
    group = QuestionGroup.objects.create(
        workspace_id=kefu.workspace_id, question="Zanzibar?", encoder="toy", dimension=1, rows=b"\0\0"
    )
    hook = add_webhook(kefu, name="Zanzibar", url="https://boats.example/zanzibar", events=["sla_breached"])
    return {"delivery_id": delivery.id, "group_id": group.id, "webhook_id": hook.webhook.id}
