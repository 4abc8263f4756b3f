"""The protocol as it is built: within the bounds, no safety property fails and rest can always be reached."""

import pytest

from tests.protocol_model.config import Config
from tests.protocol_model.configurations import LONG, intact_bounds
from tests.protocol_model.explore import explore


@pytest.mark.parametrize("config", intact_bounds(), ids=str)
def test_intact_protocol_holds(config: Config) -> None:
    result = explore(config)
    assert result.failure is None, "\n".join([str(result.failure), *result.trace])


@pytest.mark.slow
@pytest.mark.timeout(7200)  # millions of states at some ten thousand a second
@pytest.mark.parametrize("config", LONG, ids=str)
def test_intact_protocol_holds_within_long_bounds(config: Config) -> None:
    result = explore(config)
    assert result.failure is None, "\n".join([str(result.failure), *result.trace])


def test_search_without_faults_comes_to_rest_by_itself() -> None:
    result = explore(Config(transactions=True, usage="uu", timers=1, cold=True))
    assert result.failure is None
    assert result.states > 50
