"""How often a model changes its mind."""

from __future__ import annotations

from chanflow.review.flips import Asked, flip_rate


def test_votes_count_the_answer_of_then_and_name_the_most_given_first() -> None:
    asked = Asked("d", "hold", ("open_long", "open_long", "hold"))
    assert list(asked.votes.items()) == [("hold", 2), ("open_long", 2)]
    assert asked.flipped


def test_the_rate_is_of_decisions_not_of_answers() -> None:
    steady, wild = Asked("a", "hold", ("hold",) * 5), Asked("b", "hold", ("abstain", "hold", "abstain"))
    found = flip_rate([steady, wild])
    assert (found.flipped, found.judged, found.differed, found.answers) == (1, 2, 2, 8)
    assert found.share is not None
    assert 0.0 < found.share.low < 0.5 < found.share.high < 1.0


def test_what_came_to_no_answer_is_no_vote() -> None:
    found = flip_rate([Asked("a", "hold", (), ("timeout", "budget", "timeout")), Asked("b", "hold", ("hold",))])
    assert (found.judged, found.flipped, found.unanswered) == (1, 0, {"budget": 1, "timeout": 2})


def test_nothing_answered_gives_no_share() -> None:
    assert flip_rate([Asked("a", "hold", (), ("timeout",))]).share is None
