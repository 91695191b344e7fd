"""What waits for a slow reader: everything in order up to a bound, or the newest under each key."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from chanflow.interfaces.ws.outbox import MAX_BYTES, MAX_MESSAGES, Mark, Outbox


async def drained(outbox: Outbox, most: int = 1_000) -> list[str]:
    """Return what an outbox sends until it has nothing more."""
    sent: list[str] = []

    async def send(text: str) -> None:
        sent.append(text)
        if len(sent) >= most:
            outbox.close()

    sending = asyncio.create_task(outbox.drain(send))
    for _ in range(5):
        await asyncio.sleep(0)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    return sent


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 9)), max_size=30))
def test_the_newest_of_a_key_takes_the_place_of_the_one_that_waits(puts: list[tuple[str | None, int]]) -> None:
    async def run() -> None:
        outbox, expected = Outbox(), list[tuple[str | None, str]]()
        for key, number in puts:
            text = f"{key}{number}"
            if key is None:
                assert outbox.put(text)
                expected.append((None, text))
                continue
            outbox.put_latest(key, text[:1], text[1:])
            places = [at for at, (known, _) in enumerate(expected) if known == key]
            if places:
                expected[places[0]] = (key, text)
            else:
                expected.append((key, text))
        assert await drained(outbox) == [text for _, text in expected]
        assert outbox.free

    asyncio.run(run())


async def test_more_than_a_thousand_messages_or_a_mebibyte_is_an_overflow() -> None:
    many, large = Outbox(), Outbox()
    assert all(many.put("x") for _ in range(MAX_MESSAGES))
    many.put_latest("k", "newest", "")
    assert not many.overflowed
    assert not many.put("x")
    assert large.put("x" * (MAX_BYTES - 1), "y")
    assert not large.put("x")
    assert (many.overflowed, many.closed, large.overflowed) == (True, True, True)
    assert await drained(many) == []


async def test_a_mark_is_at_what_was_sent_not_at_what_waits() -> None:
    outbox, mark = Outbox(), Mark("c0")
    for number in range(1, 6):
        outbox.put("m", str(number), mark=mark, cursor=f"c{number}")
    assert await drained(outbox, most=3) == ["m1", "m2", "m3"]
    assert mark.cursor == "c3"
