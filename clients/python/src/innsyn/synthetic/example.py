"""A catalogue to rehearse with: views such as registers publish, at invented registers."""

from __future__ import annotations

from ..catalogue import Catalogue
from ..research.v1 import catalogue_pb2 as wire

_FROM, _UNTIL = 45 * 12, 56 * 12  # 2015 to 2025


def example_catalogue() -> Catalogue:
    """Persons, hospital stays, prescriptions, cancers and births at some registers."""
    views = [
        *_view("persons", "Personer", "Persons", ["north", "west", "cancer", "births"], [
            _date("registered", "Registrert", "Registered", of_person=True),
        ]),
        *_view("stays", "Sykehusopphold", "Hospital stays", ["north", "west", "east"], [
            _date("admitted", "Innlagt", "Admitted"),
            _code("diagnosis", "Hoveddiagnose", "Main diagnosis", "ICD-10", "2024", [1, 3]),
            _number("days", "Liggetid", "Length of stay", "d", (0, 60), 4),
        ], "admitted"),
        *_view("prescriptions", "Utleverte legemidler", "Dispensed prescriptions", ["drugs"], [
            _date("dispensed", "Utlevert", "Dispensed"),
            _code("drug", "Legemiddel", "Drug", "ATC", "2025", [1, 3, 4, 5]),
            _number("doses", "Definerte døgndoser", "Defined daily doses", "DDD", (0, 400), 60),
        ], "dispensed"),
        *_view("cancers", "Krefttilfeller", "Cancers", ["cancer"], [
            _date("diagnosed", "Diagnosedato", "Diagnosed"),
            _code("site", "Lokalisasjon", "Site", "ICD-10", "2024", [1, 3]),
            _code("stage", "Stadium", "Stage", "invented stages", "1", []),
            _date("died", "Død", "Died", of_person=True),
            _date("emigrated", "Utvandret", "Emigrated", of_person=True),
        ], "diagnosed"),
        *_view("births", "Fødsler", "Births", ["births"], [
            _date("born", "Født", "Born"),
            _number("weight", "Fødselsvekt", "Birth weight", "g", (300, 6_000), 3_500),
        ], "born"),
    ]  # fmt: skip
    return Catalogue(views)


def _view(
    name: str,
    label_nb: str,
    label_en: str,
    registers: list[str],
    variables: list[wire.Variable],
    event_date: str = "",
) -> list[wire.View]:
    of_person = [
        _code(
            "sex", "Kjønn", "Sex", "administrative-gender", "4.0.1", [], of_person=True
        ),
        _number(
            "born_year", "Fødselsår", "Year of birth", "year", (1_900, 2_040), 1_970,
            of_person=True,
        ),
        _code(
            "municipality", "Kommune", "Municipality", "municipalities", "2026", [2],
            of_person=True,
        ),
    ]  # fmt: skip
    return [
        wire.View(
            name=name,
            register_id=register,
            label_nb=label_nb,
            label_en=label_en,
            grain=wire.GRAIN_EVENT if event_date else wire.GRAIN_PERSON,
            variables=[*variables, *of_person],
            from_month=_FROM,
            until_month=_UNTIL,
            persons_about=1_000,
            event_date=event_date,
        )
        for register in registers
    ]


def _code(
    name: str,
    nb: str,
    en: str,
    system: str,
    version: str,
    levels: list[int],
    of_person: bool = False,
) -> wire.Variable:
    code = wire.Code(system=system, version=version, level_characters=levels, is_dimension=True)
    return wire.Variable(name=name, label_nb=nb, label_en=en, code=code, of_person=of_person)


def _number(
    name: str,
    nb: str,
    en: str,
    unit: str,
    clip: tuple[float, float],
    centre: float,
    of_person: bool = False,
) -> wire.Variable:
    number = wire.Number(
        unit=unit, is_integer=True, clip_from=clip[0], clip_to=clip[1], centre=centre
    )
    return wire.Variable(name=name, label_nb=nb, label_en=en, number=number, of_person=of_person)


def _date(name: str, nb: str, en: str, of_person: bool = False) -> wire.Variable:
    return wire.Variable(name=name, label_nb=nb, label_en=en, date=wire.Date(), of_person=of_person)
