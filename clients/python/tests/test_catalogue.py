"""The catalogue shows what registers publish, and completes names."""

import pytest

import innsyn
from innsyn import Catalogue
from innsyn.research.v1 import catalogue_pb2 as wire

CATALOGUE = innsyn.example_catalogue()


def test_the_same_view_at_several_registers_is_one() -> None:
    stays = CATALOGUE["stays"]
    assert stays is CATALOGUE.stays
    assert stays.registers == ("east", "north", "west")
    assert stays.persons_about == 3_000
    assert stays.months == "2015-01 to 2025-12"
    assert stays.event_date is stays.admitted
    assert not stays.differences


def test_names_are_completed() -> None:
    assert {"stays", "births"} <= set(dir(CATALOGUE))
    assert CATALOGUE._ipython_key_completions_() == list(CATALOGUE)
    assert {"sex", "days"} <= set(dir(CATALOGUE.stays))
    assert "sex" in CATALOGUE.stays._ipython_key_completions_()


def test_a_name_that_is_not_there_is_an_attribute_error_and_a_key_error() -> None:
    assert not hasattr(CATALOGUE.stays, "sexx")
    assert CATALOGUE.get("sexx") is None
    with pytest.raises(KeyError):
        CATALOGUE.stays["sexx"]
    with pytest.raises(AttributeError):
        getattr(CATALOGUE.stays, "__wrapped__")  # noqa: B009


def test_text_and_html_tell_labels_units_codes_and_silent_registers() -> None:
    catalogue = Catalogue(
        [one for view in CATALOGUE.views for one in view.published], ["kreft", "npr"]
    )
    for shown in (repr(catalogue), catalogue._repr_html_()):
        for text in ("Sykehusopphold / Hospital stays", "2015-01 to 2025-12", "kreft, npr"):
            assert text in shown
    for shown in (repr(catalogue.stays), catalogue.stays._repr_html_()):
        for text in ("Liggetid / Length of stay", "whole number, d", "ICD-10 2024", "0–60"):
            assert text in shown
    assert "<script" not in catalogue._repr_html_()


def test_what_a_register_publishes_is_no_markup() -> None:
    view = wire.View(name="<u>", label_en="<script>alert(1)</script>", register_id="a&b")
    view.variables.add(name="v", label_nb="<b>", date=wire.Date())
    shown = Catalogue([view], ["<i>"])._repr_html_()
    assert "<script" not in shown
    assert "<b>" not in shown
    assert "<u>" not in shown
    assert "<i>" not in shown


def test_registers_that_differ_are_told() -> None:
    one, other = (wire.View(name="x", register_id=name) for name in ("nord", "vest"))
    one.variables.add(name="v", label_en="One", date=wire.Date())
    other.variables.add(name="v", label_en="Other", number=wire.Number())
    catalogue = Catalogue([one, other])
    assert catalogue.x.differences == ("variable `v` differs at vest from nord",)
    assert "differs at vest" in repr(catalogue)


def test_labels_may_differ_between_registers() -> None:
    one, other = (wire.View(name="x", register_id=name) for name in ("nord", "vest"))
    one.variables.add(name="v", label_en="One", date=wire.Date())
    other.variables.add(name="v", label_en="Other", date=wire.Date())
    assert not Catalogue([one, other]).x.differences


def test_variables_are_found_by_a_word_of_their_labels() -> None:
    found = {(one.view, one.name) for one in CATALOGUE.find("icd-10")}
    assert found == {("cancers", "site"), ("stays", "diagnosis")}
    assert [one.name for one in CATALOGUE.find("liggetid")] == ["days"]
