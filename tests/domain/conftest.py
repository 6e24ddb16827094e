"""The centre that domain tests play on; when a test ends, folding its journal must give the states it ended with."""

from collections.abc import Iterator

import pytest
from tests.domain.centre import Centre


@pytest.fixture
def centre() -> Iterator[Centre]:
    centre = Centre()
    yield centre
    assert {key: centre.folded(key) for key in centre.states} == centre.states
