"""The generated types of ``with_raw_response`` agree with the resources."""

from tests.typing.raw_types import STUB, generate


def test_the_stub_is_up_to_date() -> None:
    assert STUB.read_text("utf-8") == generate(), "run `make stubs`"
