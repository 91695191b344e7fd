from chanflow.adapters.venues.binance.error_codes import ACTIONS
from chanflow.adapters.venues.emulator.codes import MESSAGES, as_told, fault


def test_a_fault_has_the_documented_words_and_status() -> None:
    refusal = fault(-1015, 300, "TEN_SECONDS")
    assert refusal.message == "Too many new orders; current limit is 300 orders per TEN_SECONDS."
    assert refusal.http_status == 429
    assert fault(-2015).http_status == 401
    assert fault(-2019).http_status == 400


def test_a_core_is_quoted_where_the_venue_has_no_words() -> None:
    assert as_told(-2021, "passed").message == "Order would immediately trigger."
    assert as_told(-1128, "an amendment changes something").message == MESSAGES[-1128]
    assert as_told(-9999, "its own").message == "its own"


def test_every_code_is_one_that_a_client_knows() -> None:
    # The venue documents it, the desk's table is older.
    later = {-5026}
    assert set(MESSAGES) - later <= set(ACTIONS)
