"""Files of tools, as people write them."""

from typing import Any

import yaml

from kefu.kit.errors import BadInput


def tools_of(text: str) -> list[dict[str, Any]]:
    """The definitions of a file of tools: one, or a list below `tools:`. Raises BadInput."""
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise BadInput(f"The file of tools is no YAML{where}.") from None
    listed = found.get("tools", found) if isinstance(found, dict) else found
    each = listed if isinstance(listed, list) else [listed]
    if not all(isinstance(definition, dict) for definition in each):
        raise BadInput("A file of tools holds one tool, or a list below `tools:`.")
    return each
