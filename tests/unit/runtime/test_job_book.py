"""Jobs in the database: several processes share them, pages follow one another, and what is over is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chanflow.domain.job import KEPT_NS, Job, ended
from chanflow.runtime.home import Home
from chanflow.runtime.job_book import JobBook


def job(number: int, account: str = "ann", at_once: int = 99) -> Job:
    return Job(f"{number:036d}", account, "x", "h", {"n": number}, at_once, number, number, number + KEPT_NS)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[JobBook]:
    made = JobBook(Home(tmp_path))
    yield made
    made.close()


def test_no_two_workers_get_the_same_job(tmp_path: Path, book: JobBook) -> None:
    for number in range(12):
        book.add(job(number), most=99)
    books = [JobBook(Home(tmp_path)) for _ in range(3)]

    def claim_all(at: int) -> list[str]:
        found = []
        while (taken := books[at].claim(f"w{at}", 1)) is not None:
            found.append(taken.job_id)
        return found

    with ThreadPoolExecutor(3) as pool:
        taken = [name for names in pool.map(claim_all, range(3)) for name in names]
    assert sorted(taken) == [job(number).job_id for number in range(12)]
    for each in books:
        each.close()


def test_a_job_is_read_back_as_it_was_written(book: JobBook) -> None:
    assert book.add(job(1), most=9) == job(1)
    assert book.find("ann", job(1).job_id) == job(1)
    taken = book.claim("w", 7)
    assert taken is not None
    done = book.finish(taken.job_id, "w", lambda each: ended(each, "failed", 9, error="x" * 2_000))
    assert done is not None
    found = book.find("ann", taken.job_id)
    assert found is not None
    assert (found.status, found.error, found.expires_ns) == ("failed", "x" * 1_024, 9 + KEPT_NS)


def test_pages_follow_one_another_without_a_hole(book: JobBook) -> None:
    for number in range(7):
        book.add(job(number // 2 * 2 + number % 2), most=99)
    seen: list[str] = []
    before = None
    while page := book.page("ann", status="queued", limit=3, before=before):
        seen += [each.job_id for each in page]
        before = (page[-1].created_ns, page[-1].job_id)
    assert seen == [job(number).job_id for number in reversed(range(7))]


def test_what_is_over_is_forgotten_but_not_what_runs(book: JobBook) -> None:
    for number in (1, 2):
        book.add(job(number), most=9)
    running = book.claim("w", 3)
    assert running is not None
    assert book.forget(2 + KEPT_NS) == [job(2).job_id]
    assert book.find("ann", running.job_id) is not None
    assert book.forget(2 + KEPT_NS) == []


def test_a_closed_book_opens_again(book: JobBook) -> None:
    book.add(job(1), most=9)
    book.close()
    assert book.find("ann", job(1).job_id) == job(1)
    book.close()
    book.close()
