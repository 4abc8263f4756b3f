"""A worker of a bad deploy: it does not know texts any more. Leaves what becomes of them to the tests.

Without compiled steps: they are told what texts are when they begin, and would not begin.
"""

from __future__ import annotations

import sys

from metering import native
from metering.observe.logs import configure_logging
from metering.settings import load_settings
from metering.worker.app import run_worker
from metering.worker.event_kinds import EVENT_KINDS

if __name__ == "__main__":
    settings = load_settings()
    configure_logging(settings.log.level, settings.log.format)
    del EVENT_KINDS["sms.submitted"]
    with native.forced(is_on=False):
        sys.exit(run_worker(settings))
