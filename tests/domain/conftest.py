"""The centre that domain tests play on; when a test ends, folding its journal must give the states it ended with."""

from collections.abc import Iterator

import pytest
from tests.domain.centre import Centre, after, detail, line, pay, platform_order


@pytest.fixture
def centre() -> Iterator[Centre]:
    centre = Centre()
    yield centre
    assert {key: centre.folded(key) for key in centre.states} == centre.states


@pytest.fixture
def order(centre: Centre) -> str:
    """An own shop's order of two shirts, paid and released."""
    order = centre.stocked(SHIRT=5).placed(line(units=2))
    centre.told(pay(order))
    return order


@pytest.fixture
def sold(centre: Centre) -> str:
    """A platform's order of two shirts, paid and released."""
    centre.stocked(SHIRT=5).told(
        detail(line(units=2, native="N1"), status="2", seconds=61, paid_at=after(60))
    )
    return platform_order(centre)
