"""A decision's card: what was asked and known, what was answered, what it cost, and what became of it.

It is read from the journal alone. A model's decision has the exact prompt, the tools it used, its claims with the
structures they rest on as they were known then, and the limits that bound it. Decisions of rules, refusals and
abstentions have cards too, they only have less to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chanflow.review import management
from chanflow.review.journal import Record

_SILENT = ("hold", "abstain")
_ROWS = ("strokes", "segments", "centers", "points")


_ENDS: dict[str, Callable[[Any], str]] = {
    "decision_skipped": lambda body: f"nobody was asked: {body['why']}",
    "decision_abandoned": lambda body: f"abandoned: {body['why']}",
    "analysis_superseded": lambda body: f"a newer request took its place: {body['by']}",
    "protection_moved": management.moved,
}
"""How a decision ends that comes to no order."""


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """A claim, the id it rests on, and what that was as it was known then; empty where nothing known is called so."""

    ref: str
    claim: str
    direction: str
    known: str


@dataclass(slots=True)
class Card:
    """One decision. Hashes are hex SHA-256, money is in USD, `verdict` is the gate's."""

    decision_id: str
    at: str = ""
    why: str = ""
    strategy: str = "default"
    analyst_hash: str = ""
    model: str = ""
    prompt_hash: str = ""
    content_hash: str = ""
    briefing_hash: str = ""
    instructions: str = ""
    text: str = ""
    memory: str = ""
    tools: list[str] = field(default_factory=list)
    problem: str = ""
    tokens: tuple[int, int] = (0, 0)
    cost_usd: str = "0"
    latency_ms: int = 0
    turns: int = 0
    proposal: Mapping[str, Any] | None = None
    measured: str = "not measured"
    """What certificates measured of the points that its evidence names."""
    claims: list[ClaimLine] = field(default_factory=list)
    verdict: str = ""
    bound: list[str] = field(default_factory=list)
    end: str = ""


def cards(records: Iterable[Record], decisions: Iterable[str]) -> tuple[Card, ...]:
    """Return the card of each decision that the records tell of, in the order in which they began."""
    wanted = frozenset(decisions)
    made: dict[str, Card] = {}
    known: dict[str, dict[str, str]] = {}
    measures: dict[str, str] = {}
    for record in records:
        decision = record.correlation_id
        if record.kind == "point_figures":
            measures = _measures(record.body)
        if decision not in wanted:
            continue
        card = made.setdefault(decision, Card(decision))
        _take(card, record, known.setdefault(decision, {}))
        if record.kind == "trade_proposal":
            card.measured = _measured(record.body, measures)
    return tuple(made.values())


def _measures(body: Any) -> dict[str, str]:
    """Return what was measured, by the name of a point and its level."""
    return {
        f"point:{row['name']}@{level}": (
            f"hit rate {row['hit_rate']:.1%} of {row['n']} entries ({row['ci_low']:.1%} to {row['ci_high']:.1%})"
        )
        for level, rows in body["levels"].items()
        for row in rows
        if row["n"] and None not in (row["hit_rate"], row["ci_low"], row["ci_high"])
    }


def _measured(proposal: Any, measures: Mapping[str, str]) -> str:
    """Return what was measured of the points of a proposal's evidence, in words."""
    points = dict.fromkeys(e["ref"].partition("#")[0] for e in proposal["evidence"] if e["ref"].startswith("point:"))
    return "; ".join(f"{point} {measures.get(point, 'not measured')}" for point in points) or "not measured"


def ended(records: Sequence[Record], decision_id: str) -> bool:
    """Return whether a decision has come to its end, orders that it sent aside."""
    for record in records:
        if record.correlation_id != decision_id:
            continue
        if record.kind in ("refusal", "order_event", "order_denied", *_ENDS):
            return True
        if record.kind == "trade_proposal" and record.body["action"] in _SILENT:
            return True
    return False


def _take(card: Card, record: Record, known: dict[str, str]) -> None:
    body: Any = record.body
    match record.kind:
        case "decision_started":
            card.at, card.strategy = record.at, body.get("strategy", "default")
            card.why = body.get("why") or ("signal" if body["signal_id"] else "trigger")
            card.analyst_hash = body.get("analyst_hash", "")
        case "briefing":
            card.briefing_hash = body["hash"]
            known.update(_refs_of(body["body"]))
        case "memory_used":
            card.memory = _memory(body["memory"])
        case "llm_request":
            card.model, card.prompt_hash, card.content_hash = body["model"], body["prompt_hash"], body["content_hash"]
            card.instructions, card.text = body["instructions"], body["text"]
        case "llm_response":
            _answered(card, body)
        case "tool_called":
            card.tools.append(f"{body['name']} {_args(body['args'])}: {'failed' if body['failed'] else 'answered'}")
            known.update((ref, f"shown by {body['name']}") for ref in body["refs"])
        case "trade_proposal":
            card.proposal = body
            card.claims = [
                ClaimLine(e["ref"], e["claim"], e["direction"], known.get(e["ref"], ""))
                for e in (*body["evidence"], *body["counter_evidence"])
            ]
        case "refusal":
            card.verdict = "refused: " + "; ".join(f"{r['code']} ({r['message']})" for r in body["reasons"])
        case "approved_order":
            terms = body["terms"]
            order = f"{terms['side']} {terms['qty_base']} {terms['symbol']} at {terms['leverage']}x"
            card.verdict = f"approved: {management.prices(terms) if management.protects(terms) else order}"
            card.bound = list(body["clips"])
        case kind if kind in _ENDS:
            card.end = _ENDS[kind](body)


def _answered(card: Card, body: Any) -> None:
    card.model = body["model"] or card.model
    card.problem = f"{body['problem']}: {body['detail']}" if body["problem"] else ""
    card.tokens = int(body["tokens_in"]), int(body["tokens_out"])
    card.cost_usd, card.latency_ms, card.turns = body["cost_usd"], int(body["latency_ms"]), len(body["exchanges"])


def _refs_of(briefing: Any) -> Iterator[tuple[str, str]]:
    """Yield every id of a briefing with what it was."""
    for view in briefing["levels"]:
        for name in _ROWS:
            for row in view[name]:
                yield row["ref"], _row(name, view["level"], row)
    for part in ("flow_view", "context"):
        for reading in (briefing[part] or {}).get("readings", ()):
            yield reading["ref"], f"{reading['name']} {reading['value']}{reading['unit']}"
    for row in (briefing["flow_view"] or {}).get("divergences", ()):
        yield row["ref"], f"{row['kind']} divergence of {row['channel']}"
    if briefing["holding"] is not None:
        yield briefing["holding"]["ref"], "the position"


def _row(name: str, level: str, row: Any) -> str:
    if name == "centers":
        return f"{level} center {row['low']} to {row['high']}, {row['state']}"
    if name == "points":
        return f"{level} {row['side']} point {row['type']} at {row['price']}, {row['state']}"
    return f"{level} {name[:-1]} {row['way']}, {row['start_price']} to {row['end_price']}, {row['state']}"


def _memory(memory: Any) -> str:
    if memory is None:
        return "none"
    counts = (f"{len(memory[name])} {name}" for name in ("decisions", "similar", "lessons"))
    missing = "".join(f"; {why}" for why in memory["missing"])
    return ", ".join(counts) + missing


def _args(args: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(args.items()))


def lines_of(card: Card, *, prompt: bool = True) -> Iterator[str]:
    """Yield a card's lines; without `prompt` the exact words of prompt and briefing are left out."""
    yield f"decision {card.decision_id}, {card.at}, strategy {card.strategy}, woken by {card.why or 'nothing known'}"
    if card.content_hash:
        yield from _asked_lines(card, prompt=prompt)
    if card.proposal is not None:
        yield from _proposal_lines(card.proposal, card.measured)
    for claim in card.claims:
        yield f"  {claim.direction:<8} {claim.claim}: {claim.ref}, {claim.known or 'not in the briefing'}"
    if card.verdict:
        yield f"gate: {card.verdict}"
    yield from (f"  limit: {clip}" for clip in card.bound)
    if card.end:
        yield f"end: {card.end}"


def _asked_lines(card: Card, *, prompt: bool) -> Iterator[str]:
    yield f"model: {card.model}, analyst {card.analyst_hash[:16]}"
    yield (
        f"prompt sha256 {card.prompt_hash[:16]}, briefing {card.briefing_hash[:16]}, all that it saw "
        f"{card.content_hash[:16]}"
    )
    yield f"memory: {card.memory or 'none'}"
    if prompt:
        yield from ("--- instructions", *card.instructions.splitlines())
        yield from ("--- briefing", *card.text.splitlines(), "---")
    yield from (f"looked up: {tool}" for tool in card.tools)
    if card.problem:
        yield f"no answer, {card.problem}"
    yield (
        f"cost: {card.cost_usd} USD, {card.tokens[0]} tokens in, {card.tokens[1]} out, {card.turns} calls, "
        f"{card.latency_ms} ms"
    )


def _proposal_lines(proposal: Mapping[str, Any], measured: str) -> Iterator[str]:
    why = f" ({proposal['abstain_reason']})" if proposal["abstain_reason"] else ""
    yield f"{proposal['analyst']} answers: {proposal['action']}{why} {proposal['symbol']}"
    if management.wished(proposal):
        yield f"  {management.wished(proposal)}"
    if proposal["action"].startswith("open"):
        yield (
            f"  entry {proposal['entry_price'] or 'market'}, stop {proposal['stop_price']}, target "
            f"{proposal['take_profit_price']}, leverage {proposal['leverage']}, setup {proposal['setup']}"
        )
        score = "probability of the target before the stop" if proposal["analyst"] == "llm" else "a setup score"
        yield f"  confidence {proposal['confidence']}: {score}; hit rate at that confidence: not measured"
        yield f"  certificates: {measured}"
        if proposal.get("size_share", "1") != "1":
            yield f"  size times {proposal['size_share']}: a layer of memory did not answer"
    if proposal["reasoning"]:
        yield f"  {proposal['reasoning']}"
