"""What each role may do: the table that the console shows, beside the functions that hold to it.

`tests/desk/test_grants.py` looks whether each function named here asks for the role that stands here.
"""

from dataclasses import dataclass

from kefu.desk.actor import Role


@dataclass(frozen=True)
class Grant:
    """One thing to do: a name that the console has words for, the least role, the functions below `kefu.desk`."""

    name: str
    least: Role
    functions: tuple[str, ...]

    @property
    def roles(self) -> tuple[Role, ...]:
        order = list(Role)
        return tuple(order[: order.index(self.least) + 1])


GRANTS = (
    Grant("read_conversations", Role.VIEWER, ("inbox.queries.conversations.threads",)),
    Grant("see_figures", Role.VIEWER, ("insights.queries.reports.overview",)),
    Grant("see_members", Role.VIEWER, ("accounts.queries.members",)),
    Grant("answer_customers", Role.AGENT, ("inbox.actions.conversations.member_only",)),
    Grant("see_contacts", Role.AGENT, ("contacts.queries.contact", "contacts.actions.change_profile")),
    Grant("reveal_personal_data", Role.AGENT, ("inbox.actions.messages.reveal",)),
    Grant("change_knowledge", Role.SUPERVISOR, ("library.actions._may_write",)),
    Grant("sort_inbox", Role.SUPERVISOR, ("inbox.actions.labels.remove_label",)),
    Grant("block_contacts", Role.SUPERVISOR, ("contacts.care._set_blocked",)),
    Grant("change_assistant", Role.ADMIN, ("assistants.actions.assistants.set_up",)),
    Grant("change_flows", Role.ADMIN, ("assistants.actions.flows.save_flow", "assistants.actions.tools.save_tool")),
    Grant("change_channels", Role.ADMIN, ("inbox.actions.channels.make_channel",)),
    Grant("train_models", Role.SUPERVISOR, ("modelhub.actions.training.may_train",)),
    Grant("invite_members", Role.ADMIN, ("accounts.actions.change_member",)),
    Grant("make_keys", Role.ADMIN, ("accounts.actions.create_key",)),
    Grant("change_settings", Role.ADMIN, ("accounts.actions.change_workspace",)),
    Grant("read_audit", Role.ADMIN, ("accounts.audit.trail",)),
    Grant("export_contacts", Role.ADMIN, ("contacts.tables.exported", "erasure.export")),
    Grant("erase_contacts", Role.ADMIN, ("contacts.actions.erase",)),
    Grant("change_sign_on", Role.OWNER, ("accounts.sign_on.set_sign_on",)),
    Grant("make_admins", Role.OWNER, ("accounts.actions.create_member",)),
)
