"""Write the traces anew after a change of the model, or search the long bounds and say how far they go.

python -m tests.protocol_model           search everything short, write traces/
python -m tests.protocol_model --long    search the long bounds
"""

import sys

from tests.protocol_model.configurations import LEANED_ON, LEFT_OUT, LONG, intact_bounds
from tests.protocol_model.explore import Result, explore
from tests.protocol_model.traces import FOLDER, find_traces, render_traces, trace_path


def main(arguments: list[str]) -> int:
    """Search, write, print one line a search; return 1 if the intact protocol fails or a check is not missed."""
    long = "--long" in arguments
    failed = False
    for config in LONG if long else intact_bounds():
        result = explore(config)
        _print_line(result)
        failed = failed or result.failure is not None
        sys.stdout.writelines(f"      {label}\n" for label in result.trace)
    if long:
        return int(failed)
    FOLDER.mkdir(exist_ok=True)
    for check, bounds in (LEFT_OUT | LEANED_ON).items():
        results = find_traces(check, bounds)
        trace_path(check).write_text(render_traces(check, results), encoding="utf-8")
        for result in results:
            _print_line(result)
            failed = failed or result.failure is None
    return int(failed)


def _print_line(result: Result) -> None:
    without = f" without {result.config.without.name}" if result.config.without else ""
    found = f"{len(result.trace)} steps: {result.failure}" if result.failure else "holds"
    sys.stdout.write(f"{result.states:>9,} states {result.seconds:7.1f} s  {result.config}{without}: {found}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
