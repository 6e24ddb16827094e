"""Every fact and status that can stand in a journal has words in both languages, built from fields it has."""

from datetime import UTC, datetime
from string import Formatter

from tongdan.domain.kernel.status import Status
from tongdan.flow.journal import FACTS as RECORDED
from tongdan.surfaces.words import FACTS, STATUSES, sentence, status_name


def test_every_fact_has_a_sentence_and_every_sentence_a_fact() -> None:
    assert set(FACTS) == set(RECORDED)
    assert set(STATUSES) == set(Status)


def test_sentences_speak_of_fields_the_fact_has() -> None:
    for name, fact in RECORDED.items():
        fields = set(fact.__struct_fields__)
        fields |= {
            field.removesuffix(unit) for field in fields for unit in ("_fen", "_g") if field.endswith(unit)
        }
        for text in FACTS[name]:
            asked = {field for _, field, _, _ in Formatter().parse(text) if field}
            assert asked <= fields, f"{name}: {asked - fields}"


def test_units_become_what_a_person_reads() -> None:
    assert sentence("OrderPaid", {"amount_fen": 20_007}, "en") == "paid, 200.07 yuan"
    assert sentence("OrderPaid", {"amount_fen": 20_007}, "zh") == "已付款 200.07 元"
    for at in ("2026-01-27T16:00:00Z", datetime(2026, 1, 27, 16, tzinfo=UTC)):
        assert sentence("ShipmentOverdue", {"ship_by": at}, "en") == "not shipped by 2026-01-28 00:00:00"


def test_what_is_not_known_says_its_name_and_a_missing_field_is_a_dash() -> None:
    assert sentence("SomethingNew", {}, "zh") == "SomethingNew"
    assert sentence("LineReserved", {"line": 1}, "en") == "line 1: — reserved in —"
    assert (status_name(5, "zh"), status_name(99, "en")) == ("已签收", "99")
