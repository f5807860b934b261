"""The table of assumptions is complete, and ``docs/conformance.md`` shows it."""

import re

import pytest

from apivideo_async.emulator.quirks.catalogue import CATALOGUE
from apivideo_async.protocol.assumptions import ASSUMPTIONS, Assumption, assumption_of

from .conformance_page import PAGE, generate
from .test_service_facts import TAG, sections

ROWS = [row for rows in ASSUMPTIONS.values() for row in rows]
NOT_QUESTIONS = {"sources", "languages", "error-details"}
"""Sections whose inferred facts no behaviour of the client depends on."""


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == generate(), "run `make conformance`"


def test_each_quirk_of_the_emulator_contradicts_one_assumption() -> None:
    named = [quirk for row in ROWS for quirk in row.quirks]
    assert sorted(named) == sorted(CATALOGUE)
    for quirk in CATALOGUE:
        assert quirk in assumption_of(quirk).quirks
    with pytest.raises(KeyError):
        assumption_of("no-such-quirk")


def test_each_question_is_asked_once_and_answered_in_sentences() -> None:
    assert len({row.question for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.question.endswith("?")
        for text in (row.documents, row.assumed, row.adaptation):
            assert text is None or text.endswith(".")


def test_each_assumption_names_sections_and_sources_of_the_facts() -> None:
    known = {anchor for anchor, _ in sections()}
    for row in ROWS:
        assert set(row.facts) <= known, row.question
        assert row.facts, row.question
        sources = TAG.search(row.documents) is not None
        assert sources or row.certainty == "unknown", row.question


def test_each_section_with_an_inferred_fact_has_a_question() -> None:
    inferred = {anchor for anchor, text in sections() if re.search(r"\[[^\]]*inferred\]", text)}
    asked = {fact for row in ROWS for fact in row.facts}
    assert inferred - asked - NOT_QUESTIONS == set()


def test_a_behaviour_with_a_quirk_has_an_adaptation_or_a_setting() -> None:
    def prepared(row: Assumption) -> bool:
        return row.adaptation is not None or row.setting is not None

    assert [row.question for row in ROWS if row.quirks and not prepared(row)] == []
