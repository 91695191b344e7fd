"""The memory section of a briefing: lessons in force, the summary, similar cases and the last decisions."""

from __future__ import annotations

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.lines import MAX_NAME, MAX_SENTENCE, Row, Section, number_text, share_text, time_text
from chanflow.analyst.sections import LessonLine, PastDecision, SimilarCase, SimilarFigures
from chanflow.analyst.untrusted import line

DECISIONS, CASES, LESSONS = 10, 10, 7
"""So many of each are shown."""
LEAST_CASES = 5
"""With fewer similar cases nothing is said of them: it would be read as a rate."""
LEAST_SIMILARITY = 0.6
MAX_LESSON = 280


def memory_section(briefing: Briefing) -> Section:
    """Return what is remembered; that nothing is, or that a layer did not answer, is said too."""
    memory = briefing.memory
    if memory is None:
        return Section("memory", ("no memory was asked",))
    lines = [f"missing: {line(words, MAX_NAME)}" for words in memory.missing]
    if memory.not_compared:
        lines.append(f"not compared: {line(memory.not_compared, MAX_SENTENCE)}")
    rows = [_lesson(lesson, at) for at, lesson in enumerate(memory.lessons[:LESSONS])]
    if memory.summary is not None:
        summary = memory.summary
        words = f"{summary.ref} {line(summary.period, MAX_NAME)}: {line(summary.text, MAX_SENTENCE)}"
        rows.append(Row(words, 0, (summary.ref,)))
    near = [case for case in memory.similar if case.similarity > LEAST_SIMILARITY]
    if len(near) < LEAST_CASES:
        lines.append("no comparable cases")
    else:
        lines += _figures(memory.figures)
        rows += [_case(case, briefing.as_of_ns) for case in near[:CASES]]
    rows += [_decision(decision, briefing.as_of_ns) for decision in memory.decisions[:DECISIONS]]
    if not memory.decisions:
        lines.append("no decision yet")
    return Section("memory", tuple(lines), tuple(rows))


def _lesson(lesson: LessonLine, at: int) -> Row:
    effect = "" if lesson.effect_r is None else f", {lesson.effect_r:+.2f} R"
    text = f"{lesson.ref} (n={lesson.n}{effect}): {line(lesson.text, MAX_LESSON)}"
    # A lesson in force is as good as new, however long ago it was adopted.
    return Row(text, at - LESSONS, (lesson.ref,))


def _figures(figures: SimilarFigures | None) -> list[str]:
    if figures is None:
        return []
    interval = f"{share_text(figures.ci_low)}..{share_text(figures.ci_high)}"
    return [
        f"similar: n={figures.n}, mean {number_text(figures.mean_r)} R, hit {share_text(figures.hit_rate)} ({interval})"
    ]


def _case(case: SimilarCase, as_of_ns: int) -> Row:
    return Row(
        f"{case.ref} {number_text(case.similarity, 2)} {time_text(case.at_ns, '1d')} {line(case.setup, MAX_NAME)} "
        f"{line(case.action, 12)} {case.outcome} {number_text(case.r_multiple)} R",
        as_of_ns - case.known_ns,
        (case.ref,),
    )


def _decision(decision: PastDecision, as_of_ns: int) -> Row:
    confidence = "" if decision.confidence is None else f" {number_text(decision.confidence, 2)}"
    result = "" if decision.r_multiple is None else f" {number_text(decision.r_multiple)} R"
    return Row(
        f"{decision.ref} {time_text(decision.at_ns, '1m')} {line(decision.symbol, MAX_NAME)} "
        f"{line(decision.action, 12)} {line(decision.setup, MAX_NAME)}{confidence}: {decision.outcome}{result}",
        as_of_ns - decision.at_ns,
        (decision.ref,),
    )
