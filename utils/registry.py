"""Names in a config to classes in the code."""

import difflib
from collections.abc import Iterable

from utils.errors import UserError


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the known name closest to `name`, or the list of all if none is close."""
    known = sorted(map(str, known))
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    if close:
        return f" (did you mean '{close[0]}'?)"
    return f" (known: {', '.join(known)})"


class Registry:
    """Map `NAME` entries of a config to classes.

    Args:
        kind: what the entries are, for messages: "model", "data set" ...
    """

    def __init__(self, kind: str):
        self.kind = kind
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

    def get(self, name: str) -> type:
        """Return the class filed under `name`.

        Raises:
            UserError: if there is none; the message names the nearest known one.
        """
        if name not in self.entries:
            raise UserError(f"unknown {self.kind} '{name}'{nearest(name, self.entries)}")
        return self.entries[name]
