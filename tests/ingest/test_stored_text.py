"""Text from outside has one stored form each, which gives it back exactly."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apivideo_async.ingest.stored_text import decode, encode

TEXT = st.one_of(
    st.text(st.characters()),
    st.text(st.sampled_from('aé%0:"\\\x00\ud83d\ude00\U0001f600'), max_size=12),
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["escaped:", "json:", 'json:"']), st.text(st.characters(), max_size=9)
        ),
    ),
)


@given(TEXT)
@example('json:"')
@example('json:"a"')
@example("escaped:%0000")
@example("\ud83d\ude00")
@example("%0000\x00")
def test_every_text_comes_back_and_is_stored_in_a_form_that_databases_take(text: str) -> None:
    stored = encode(text)
    assert decode(stored) == text
    assert "\x00" not in stored
    stored.encode()


@given(TEXT, TEXT)
@example('json:"\\u0000"', "\x00")
@example("escaped:%0000", "\x00")
@example("\ud83d\ude00", "\U0001f600")
def test_different_texts_have_different_forms(one: str, two: str) -> None:
    assert (encode(one) == encode(two)) == (one == two)


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example('json:"')
@example('json:"\\ud800')
@example("json:" + json.dumps(["no text"]))
@example('json:"' + "[" * 5000)
@example("escaped:%00")
def test_whatever_is_stored_can_be_read(stored: str) -> None:
    assert isinstance(decode(stored), str)


@pytest.mark.parametrize("text", ["nul\x00.mp4", "bad\udcff.mp4"])
def test_what_earlier_ledgers_stored_can_be_read(text: str) -> None:
    assert decode("json:" + json.dumps(text)) == text


@pytest.mark.parametrize("stored", ['json:"', 'json:"a', "json:a", "100 %", "plain"])
def test_what_only_looks_like_it_is_read_as_it_stands(stored: str) -> None:
    assert decode(stored) == stored
