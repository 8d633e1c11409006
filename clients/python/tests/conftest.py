"""What the tests share."""

from collections.abc import Iterator

import pytest
from gateway import Gateway


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    running = Gateway()
    yield running
    running.close()
