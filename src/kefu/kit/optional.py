"""Optional packages: imported when first used, with the exact install line when they are missing."""

import importlib
from types import ModuleType

from kefu.kit.errors import MissingExtra


def require(module: str, *, extra: str) -> ModuleType:
    """Import `module`, which comes with Kefu's extra `extra`.

    Raises MissingExtra with the install line.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        # Something that the package itself lacks is another matter.
        if error.name is not None and not f"{module}.".startswith(f"{error.name}."):
            raise
        raise MissingExtra(
            f"{module} is not installed. Install it with: pip install 'kefu[{extra}]'", module=module, extra=extra
        ) from error
