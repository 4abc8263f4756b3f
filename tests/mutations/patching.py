"""Takes checks out while the program runs: modules as they are loaded, scripts as they are put together.

The checkout is never touched. Every edit must fit exactly once, so that a check that was rewritten is noticed.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from tests.mutations.mutation import Edit, Mutation


class _Edited(SourceFileLoader):
    """Loads a module with some of its text changed."""

    def __init__(self, name: str, path: str, edits: list[Edit]) -> None:
        super().__init__(name, path)
        self._edits = edits

    def get_code(self, fullname: str) -> Any:  # noqa: ARG002  the loader's signature
        """Compile the changed text; what was compiled before does not count."""
        text = self.get_data(self.path).decode()
        return compile(replaced(text, self._edits), self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    """Finds the modules that are to be changed."""

    def __init__(self, edits: dict[str, list[Edit]]) -> None:
        self._edits = edits

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the module's spec with a loader that changes it."""
        edits = self._edits.get(fullname)
        spec = PathFinder.find_spec(fullname, path, target) if edits else None
        if spec is not None and spec.origin is not None and edits:
            spec.loader = _Edited(fullname, spec.origin, edits)
        return spec


def replaced(text: str, edits: list[Edit]) -> str:
    """Return a text with its edits made. Raises `ValueError` where one does not fit exactly once."""
    for edit in edits:
        if text.count(edit.old) != 1:
            raise ValueError(f"{edit.where}: stands there {text.count(edit.old)} times: {edit.old!r}")
        text = text.replace(edit.old, edit.new)
    return text


def take_out(mutation: Mutation) -> None:
    """Take a check out of this process. Comes before anything of `metering` that it is about is imported."""
    modules: dict[str, list[Edit]] = {}
    scripts: dict[str, list[Edit]] = {}
    for edit in mutation.edits:
        kind = modules if edit.where.startswith("metering.") else scripts
        kind.setdefault(edit.where, []).append(edit)
    loaded = modules.keys() & sys.modules.keys()
    if loaded:
        raise ValueError(f"already loaded: {sorted(loaded)}")
    sys.meta_path.insert(0, _Finder(modules))
    from metering.ledger import scripts as ledger_scripts  # noqa: PLC0415  only now may modules be loaded

    for name, edits in scripts.items():
        text = replaced(ledger_scripts.load_script(name), edits)
        ledger_scripts._scripts[name] = ledger_scripts.Script.made_of(name, text)
