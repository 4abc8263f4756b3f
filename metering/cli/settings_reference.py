"""docs/settings.md, made from the settings. Leaves reading them to `settings`.

`python -m metering.cli.settings_reference` writes it; a test fails when it is stale.
"""

from __future__ import annotations

from pathlib import Path

from metering.settings import KafkaSettings, Settings, list_variables

DOCUMENT = Path("docs/settings.md")

_HEAD = """\
# Settings

Made from `metering/settings.py` by `python -m metering.cli.settings_reference`; do not edit.

Every process and command reads the same variables, from the environment or from `.env` in the working directory; the
environment wins. A wrong value and a misspelt name are told with the variable's name, and the exit code is 2. An empty
variable counts as not set.

| variable | default | what it is |
| --- | --- | --- |
"""


def render_settings() -> str:
    """Return docs/settings.md."""
    # Not read from the environment: the document tells what holds when nothing is set.
    defaults = Settings.model_construct(kafka=KafkaSettings()).to_environment()
    rows = [
        f"| `{name}` | {_describe_default(name, defaults.get(name))} | {' '.join(description.split())} |"
        for name, description in list_variables().items()
    ]
    return _HEAD + "\n".join(rows) + "\n"


def _describe_default(name: str, value: str | None) -> str:
    if name == "METERING_RATES__DIR":
        return "what comes with the program"
    return f"`{value}`" if value else ""


if __name__ == "__main__":
    DOCUMENT.write_text(render_settings())
