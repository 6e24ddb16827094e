"""Promises: every fact that can stand in a journal has a sentence in both languages, built from fields it has."""

from string import Formatter

import pytest

from tongdan.cli.words import FACTS, STATUSES, instant, sentence, status_word
from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.axes import Status
from tongdan.flow.routes import KINDS


def _facts(of: type[Fact] = Fact) -> dict[str, type[Fact]]:
    return {each.__name__: each for each in of.__subclasses__()}


def test_every_fact_has_a_sentence_and_every_sentence_a_fact() -> None:
    assert KINDS  # importing the routes has loaded every slice
    assert set(FACTS) == set(_facts())


def test_sentences_speak_of_fields_the_fact_has() -> None:
    for name, fact in _facts().items():
        fields = set(fact.__struct_fields__)
        fields |= {field.removesuffix(unit) for field in fields for unit in ("_fen", "_g") if field.endswith(unit)}
        for text in FACTS[name]:
            asked = {field for _, field, _, _ in Formatter().parse(text) if field}
            assert asked <= fields, f"{name}: {asked - fields}"


def test_every_status_has_a_name() -> None:
    assert set(STATUSES) == set(Status)
    assert status_word(5) == "5 signed"


def test_units_become_what_a_person_reads() -> None:
    assert sentence("OrderPaid", {"amount_fen": 20_007}) == "paid, 200.07 yuan"
    assert sentence("ShipmentOverdue", {"ship_by": "2026-01-27T16:00:00Z"}) == "not shipped by 2026-01-28 00:00:00"
    parcel = {"warehouse": "WH-EAST", "carrier": "SF", "waybill": "SF1", "weight_g": 1_250}
    assert sentence("ShipmentDispatched", parcel) == "parcel left WH-EAST, SF SF1, 1.25 kg"


def test_a_fact_without_a_sentence_says_its_name_and_a_missing_field_is_a_dash() -> None:
    assert sentence("SomethingNew", {}) == "SomethingNew"
    assert sentence("LineReserved", {"line": 1}) == "line 1: — reserved in —"


def test_times_are_read_in_utc_plus_8_unless_they_say_otherwise() -> None:
    assert instant("2026-01-27 15:00").isoformat() == "2026-01-27T07:00:00+00:00"
    assert instant("2026-01-27T15:00:00+00:00").isoformat() == "2026-01-27T15:00:00+00:00"


def test_what_is_no_time_is_a_wrong_use() -> None:
    import typer

    with pytest.raises(typer.Exit) as stop:
        instant("yesterday")
    assert stop.value.exit_code == 2
