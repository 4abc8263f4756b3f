"""Records what two independent npm libraries answer to the texts of `segments_texts`, for the tests to compare with.

Leaves the comparison to tests/rating. Needs node and npm. Run: `python -m scripts.segments_record`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.segments_texts import Runs, all_texts

LIBRARIES = {"sms-segments-calculator": "1.3.0", "split-sms": "0.1.7"}
ANSWERS = Path(__file__).with_name("segments_answers.mjs")
RECORD = Path(__file__).resolve().parent.parent / "tests/rating/data/segments_recorded.jsonl"
# The only ways in which the two were seen to disagree. TS 23.040 has a UCS-2 message divided at any character of it, a
# surrogate pair being one; that a part ends inside a family of emoji is no business of the standard.
CLUSTERS = (
    "sms-segments-calculator moves a whole grapheme cluster to the next part; the standard divides between characters"
)
UNPAIRED = "split-sms takes every high surrogate for half of a pair, an unpaired one too"

Answer = tuple[str, int]


def main() -> None:
    """Ask both libraries and write the record; stops where they disagree in a way that is not known yet."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        sys.exit("needs node and npm")
    texts = unique_texts()
    with tempfile.TemporaryDirectory() as directory:
        wanted = [f"{name}@{version}" for name, version in LIBRARIES.items()]
        subprocess.run(  # noqa: S603  what is installed and run stands above
            [npm, "install", "--silent", "--no-save", *wanted], cwd=directory, check=True
        )
        asked = json.dumps([write_out(runs) for _, runs in texts])
        answered = subprocess.run(  # noqa: S603  the same
            [node, str(ANSWERS)], cwd=directory, input=asked, capture_output=True, text=True, check=True
        )
    lines = [json.dumps({"libraries": LIBRARIES, "columns": ["kind", "runs", *LIBRARIES, "standard", "reason"]})]
    for (kind, runs), (calculator, splitter) in zip(texts, json.loads(answered.stdout), strict=True):
        record: list[object] = [kind, runs, calculator, splitter]
        if calculator != splitter:
            record += explain(runs, tuple(calculator), tuple(splitter))
        lines.append(json.dumps(record))
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text("\n".join(lines) + "\n")
    print(f"{RECORD.name}: {len(texts)} texts")


def unique_texts() -> list[tuple[str, Runs]]:
    """Return each text once, under the first kind that has it."""
    found: dict[str, tuple[str, Runs]] = {}
    for kind, runs in all_texts():
        found.setdefault(write_out(runs), (kind, [run for run in runs if run[1]]))
    return list(found.values())


def write_out(runs: Runs) -> str:
    """Write a text in full."""
    return "".join(piece * times for piece, times in runs)


def explain(runs: Runs, calculator: Answer, splitter: Answer) -> tuple[Answer, str]:
    """Say who is right where the two disagree, and why; stops where that is not known."""
    text = write_out(runs)
    unpaired = any("\ud800" <= character < "\udc00" for character in text)  # in Python a pair is one character
    if unpaired and calculator[0] == splitter[0] == "ucs2" and splitter[1] > calculator[1]:
        return calculator, UNPAIRED
    clusters = any(len(piece) > 1 and not piece.isascii() for piece, _ in runs)
    if clusters and calculator[0] == splitter[0] == "ucs2" and calculator[1] > splitter[1]:
        return splitter, CLUSTERS
    sys.exit(f"no reason known for {calculator} against {splitter}: {runs}")


if __name__ == "__main__":
    main()
