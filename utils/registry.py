"""Names in a config to classes in the code."""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable

from utils.errors import UserError

LISTED = 60  # names in a message


def suggestion(name: str, known: Iterable[str], listed: bool = False) -> str:
    """Return " (did you mean 'x'?)" for the known name closest to `name`, or the list of all if none is close.

    With `listed` there is a list, of 60 at most, in either case.
    """
    known = sorted(map(str, known))
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    question = f"did you mean '{close[0]}'?" if close else ""
    if close and not listed:
        return f" ({question})"
    shown = known[:LISTED] if listed else known
    more = f" and {len(known) - len(shown)} more" if len(known) > len(shown) else ""
    return f" ({question}{' ' * bool(close)}known: {', '.join(shown)}{more})"


class Registry:
    """Map `NAME` entries of a config to classes, which file themselves when their module is imported.

    Args:
        kind: what the entries are, for messages: "model", "data set" ...
        packages: their files are imported before anything is looked up, so that a new entry is a new file.
    """

    def __init__(self, kind: str, *packages: str):
        self.kind, self.packages = kind, packages
        self.entries: dict[str, type] = {}

    def register(self, *names: str):
        """Class decorator that files a class under one or more names."""

        def add(cls: type) -> type:
            for name in names:
                if name in self.entries:
                    raise KeyError(f"{self.kind} '{name}' is registered twice")
                self.entries[name] = cls
            return cls

        return add

    def find(self) -> dict[str, type]:
        """Import the files of the packages; returns all entries by name."""
        for package in self.packages:
            for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
                if not module.ispkg:
                    importlib.import_module(module.name)
        return self.entries

    def get(self, name: str) -> type:
        """Return the class filed under `name`.

        Raises:
            UserError: if there is none; the message names the nearest known one.
        """
        if name not in self.find():
            raise UserError(f"unknown {self.kind} '{name}'{suggestion(name, self.entries)}")
        return self.entries[name]
