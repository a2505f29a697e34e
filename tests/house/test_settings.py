"""Every setting is listed in docs/reference/settings.md, which is made of the settings themselves.

To renew the page: KEFU_RENEW_SETTINGS=1 python -m pytest tests/house/test_settings.py
"""

import os
import re
from pathlib import Path

from kefu.kit.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/settings.md"
HEAD = """# Settings

Each is an environment variable; `home/config.toml` may hold them too, in small letters and without `KEFU_`
(`port = 8080`), and the environment wins. `kefu settings` shows what holds on an installation. Settings of a workspace
are made in the console.

| setting | default | meaning |
| --- | --- | --- |
"""


def page() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = str(field.default)
        meaning = str(field.description).replace("|", "\\|")
        rows.append(f"| `{PREFIX}{name.upper()}` | {f'`{default}`' if default else 'empty'} | {meaning} |\n")
    return HEAD + "".join(rows)


def test_the_page_lists_every_setting_as_it_is() -> None:
    if os.environ.get("KEFU_RENEW_SETTINGS"):
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "Renew it: KEFU_RENEW_SETTINGS=1 python -m pytest tests/house/test_settings.py"
    )


def test_every_setting_says_in_a_sentence_what_it_is() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description[0] == field.description[0].upper() or field.description.startswith(
            ("debug", "postgresql")
        ), name
        assert field.description.endswith("."), name


def test_no_setting_is_without_effect() -> None:
    """Each is read somewhere but where it is defined."""
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "src/kefu").rglob("*.py")
        if path != ROOT / "src/kefu/kit/settings.py"
    )
    unread = [name for name in Settings.model_fields if not re.search(rf"\.{name}\b", source)]
    # The home folder is read as `folder`, its absolute path.
    assert unread == ["home"]
