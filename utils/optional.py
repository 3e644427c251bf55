"""Packages that only some features need."""

import importlib
from typing import Any

from utils.errors import UserError


def optional(package: str, what: str, requirements: str) -> Any:
    """Import a package.

    Args:
        package: its name.
        what: what needs it, for the message.
        requirements: the file that lists it.

    Raises:
        UserError: if it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package.partition(".")[0]:
            raise
        raise UserError(f"{package} is needed for {what}: pip install -r {requirements}") from None
