"""Which of the two ways the worker's hot steps go. Leaves what they must agree on to the tests."""

from __future__ import annotations

import pytest

from metering import native

needs_compiled = pytest.mark.skipif(bool(native.REASON), reason=f"no compiled steps: {native.REASON}")
"""For tests of what need not be there. `.ci/run` builds it, and asks for it, so that there they run."""

BOTH_WAYS = [pytest.param(False, id="python"), pytest.param(True, id="compiled", marks=needs_compiled)]
"""Values of `is_on` for `native.forced`."""
