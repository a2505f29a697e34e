"""Fills an empty KEFU_HOME with a small shop for browser tests and prints what they need to know as JSON.

A program of its own, because the tests' process has its own database: `KEFU_HOME=… python make_shop.py ORIGIN`, where
ORIGIN is the site that may show the widget.
"""

import json
import sys

HELP = """# Delivery

Standard delivery costs ¥12 and takes 2 to 4 working days. Orders of ¥99 or more ship free.

# Returns

You can return an item within 30 days of delivery. Print the label in your account and hand the parcel in.
"""
HELP_ZH = """# 配送

标准配送运费12元，2至4个工作日送达。订单满99元免运费。

# 退货

收货后30天内可以退货。请在账户中打印退货标签并寄回包裹。
"""
FAQ = (
    "question,answer\n"
    "What are your opening hours?,We answer from 9:00 to 21:00 every day.\n"
    "营业时间是几点？,我们每天9:00至21:00在线。\n"
)
SETTINGS = {
    "title": "Lumen & Loom",
    "color": "#0f766e",
    "greeting": {"en": "Hello! What can we do for you?", "zh": "您好！有什么可以帮您？"},
    "quick_replies": {"en": ["What are your opening hours?"], "zh": ["营业时间是几点？"]},
}


def main(origin: str) -> None:
    from kefu.cli.session import ready

    ready()
    from kefu.desk.accounts import actions as accounts
    from kefu.desk.actor import Role, system
    from kefu.desk.inbox.actions import make_channel
    from kefu.desk.library.actions import add_file
    from kefu.desk.library.due import read_sources
    from kefu.desk.wiring import wiring

    info = accounts.make_workspace(slug="shop")
    actor = system(info.id)
    owner = accounts.create_member(actor, email="mei@shop.example", name="Mei", role=Role.OWNER)
    settings = {**SETTINGS, "allowed_origins": [origin]}
    channel = make_channel(actor, kind="web", name="Website", settings=settings)
    files = {"help.md": HELP, "help-zh.md": HELP_ZH, "faq.csv": FAQ}
    ids = [add_file(actor, name=name, data=text.encode()).id for name, text in files.items()]
    read_sources(info.id, ids, embed=wiring().embed)
    print(json.dumps({"channel": channel.id, "email": "mei@shop.example", "password": owner.password}))


if __name__ == "__main__":
    main(sys.argv[1])
