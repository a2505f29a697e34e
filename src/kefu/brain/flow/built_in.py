"""What any flow says of its own accord; a flow's reply of the same name takes its place."""

from collections.abc import Mapping

from kefu.contracts.flow import Texts

BUILT_IN: Mapping[str, Texts] = {
    "_yes": {"en": "Yes", "zh": "是的"},
    "_no": {"en": "No", "zh": "不是"},
    "_confirm_slot": {"en": "{{ value }}, is that right?", "zh": "{{ value }}，对吗？"},
    "_change": {"en": "What should I change?", "zh": "请问哪里需要修改？"},
    "_changed": {"en": "All right, I have changed that.", "zh": "好的，已经改了。"},
    "_too_late": {
        "en": "That has been done already, so I can no longer change it here.",
        "zh": "这一步已经办好了，在这里不能再改。",
    },
    "_not_understood": {"en": "Sorry, I did not understand that.", "zh": "抱歉，我没有听懂。"},
    "_invalid": {"en": "Sorry, that is not possible here.", "zh": "抱歉，这个不可以。"},
    "_cancelled": {
        "en": "All right, I have stopped. Is there anything else that I can do for you?",
        "zh": "好的，已经停止办理。还有什么可以帮您的吗？",
    },
    "_switch": {
        "en": 'We have not finished "{{ current }}". Shall I leave it and go to "{{ other }}"?',
        "zh": "“{{ current }}”还没有办完。要先离开，去办“{{ other }}”吗？",
    },
}
