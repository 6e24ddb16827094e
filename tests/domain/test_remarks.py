"""Remarks move nothing: what people say of an order, and that they looked at its people, stands beside it."""

import pytest
from tests.domain.centre import Centre

from tongdan.domain.orders.commands import CommentOnOrder, ErasePerson, RevealPerson


def test_a_comment_is_recorded_and_leaves_the_order_as_it_is(centre: Centre) -> None:
    order = centre.placed()
    before = centre.order(order)
    assert centre.told(CommentOnOrder(order=order, text="  asked for blue paper ")) == ["OrderCommented"]
    assert centre.told(CommentOnOrder(order=order, text="order 6920013812345678901 too")) == [
        "OrderCommented"
    ]
    assert centre.order(order) == before


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" ", "comment-invalid"),
        ("x" * 501, "comment-invalid"),
        ("ring 13812345678 first", "comment-names-person"),
        ("打138-1234-5678", "comment-names-person"),
    ],
)
def test_a_comment_is_short_and_names_nobody(centre: Centre, text: str, name: str) -> None:
    order = centre.placed()
    assert centre.refused(CommentOnOrder(order=order, text=text)).name == name


def test_who_looks_at_personal_data_is_on_record_while_there_is_any(centre: Centre) -> None:
    order = centre.placed()
    assert centre.told(RevealPerson(order=order)) == ["PersonRevealed"]
    centre.told(ErasePerson(order=order))
    assert centre.told(RevealPerson(order=order)) == []
