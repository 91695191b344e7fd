"""The shapes of what the desk answers. Made by scripts/write_client.py from the catalogue: do not edit."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class AlertDeliveries(TypedDict):
    """Deliveries, newest first; as long as the log keeps the events. `off` is why the webhook is off."""

    alert_id: str
    webhook: str | None
    off: str | None
    failures: int
    deliveries: list[DeliveryRow]
    next_cursor: str | None


class AlertEvent(TypedDict):
    """Something an alert waited for. `data` is what the WebSocket pushes, too."""

    cursor: str
    known_at: str
    data: dict[str, Any]


class AlertEvents(TypedDict):
    """Events in their order. `cursor` is the last one's, `more` whether others follow it."""

    alert_id: str
    events: list[AlertEvent]
    cursor: str | None
    more: bool


class AlertRow(TypedDict):
    """An alert as it was set.

    Of a webhook the host is shown, and why it is off where it is; `failures` are in a row.

    The plan of its owner pauses an alert: it hears nothing until the plan has room for it again.
    """

    alert_id: str
    client_alert_id: str
    resource: str
    kind: Literal["buy_sell_points", "price", "structure", "signal", "risk"]
    symbols: list[str]
    level: Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d", "1w", "1M"] | None
    type: list[str]
    above: float | None
    below: float | None
    status: Literal["active", "paused", "deleted", "expired"]
    webhook: str | None
    webhook_off: str | None
    failures: int
    notify: bool
    created_at: str
    expires_at: str | None


class AlertSecret(TypedDict):
    """The secret that signs what is sent from now on: nobody can read it again."""

    alert_id: str
    secret: str


class AlertSet(TypedDict):
    """An alert. `cursor` is where its events begin, `remaining` how many more the account may have."""

    alert_id: str
    resource: str
    status: Literal["active", "paused", "deleted", "expired"]
    cursor: str
    remaining: int


class AlertUpdated(TypedDict):
    """The webhook as it is now."""

    alert_id: str
    webhook: str
    off: str | None


class AlertsListed(TypedDict):
    """Alerts, newest first."""

    alerts: list[AlertRow]
    next_cursor: str | None
    known_at: str


class AllClosed(TypedDict):
    """The opening orders that were cancelled and the orders that close positions; none where nothing was open."""

    status: Literal["flat", "closing"]
    cancelled: list[OrderRead]
    closing: list[OrderRead]


class Approvals(TypedDict):
    """Whether it was done, and every reason why not; then what still waits. A listing is always done."""

    status: Literal["done", "refused"]
    reasons: list[WhyRow]
    waiting: list[WaitingRow]


class AuditRead(TypedDict):
    """Rows of the audit, newest first."""

    rows: list[AuditedCall]
    next_cursor: str | None


class AuditedCall(TypedDict):
    """A row: a call that began, or how it ended. Of its arguments only the hash is kept."""

    seq: int
    at: str
    request_id: str
    principal: str
    ip: str | None
    door: str
    operation: str
    args_sha256: str
    outcome: Literal["started", "done", "failed", "refused"]
    code: str | None
    latency_ms: int | None
    prev_hash: str
    hash: str


class BacktestResult(TypedDict):
    """Money in quote, shares as fractions.

    `sharpe` is of daily returns a year, null with `sharpe_reason`.

    `trials` counts how many backtests were recorded on this desk, this one included: the more, the less one is worth.
    `skipped` are symbols without bars of the level. There is no gate in it, and the symbols are today's.
    """

    trades: int
    gross: float
    costs: float
    net: float
    return_frac: float
    max_drawdown_frac: float
    sharpe: float | None
    sharpe_reason: str
    hit_rate: float | None
    ci: Bounds
    trials: int
    start: str | None
    end: str | None
    by_symbol: list[SymbolResult]
    skipped: list[str]


class Backtested(TypedDict):
    """How the job stands; `result` is null until it has succeeded, `problem` says why it failed."""

    job_id: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    progress: float
    result: BacktestResult | None
    problem: str | None
    resource: str


class Baseline(TypedDict):
    """Returns over the same window: of holding, costs paid, and of the rules alone, null where nobody ran them."""

    buy_hold: float | None
    no_llm: float | None


class BillingRead(TypedDict):
    """Accounts, those not disabled, those that pay, their share, and what recurs a month, by currency."""

    accounts: int
    active: int
    paying: int
    conversion: float | None
    recurring: dict[str, str]
    months: list[MonthRead]


class BookNow(TypedDict):
    """The state of the book."""

    state: str
    event_ms: int
    known_ns: int
    age_ms: int


class Bounds(TypedDict):
    """The 95 % interval of the hit rate; both null without a trade."""

    low: float | None
    high: float | None


CenterRow = TypedDict(
    "CenterRow",
    {
        "id": "str",
        "zg": "float",
        "zd": "float",
        "gg": "float",
        "dd": "float",
        "from": "str",
        "to": "str",
        "state": "Literal['provisional', 'confirmed', 'void']",
    },
)
"""A center (中枢) of strokes or, with `-seg` in its id, of segments: its range zd to zg, its peaks dd and gg.

`from` and `to` are the opens of the bars at which its first element starts and its last one ends.
"""


class CheckRow(TypedDict):
    """One check: what was found and what is allowed."""

    name: str
    value: str
    bound: str
    ok: bool


class DataExported(TypedDict):
    """A ZIP of JSON lines per table, for the caller alone, at `path` until `expires_at`."""

    path: str
    expires_at: str
    sha256: str
    size: int
    rows: dict[str, int]


class DecisionAsked(TypedDict):
    """The decision that was begun, or waits for the one before it; `explain` and the journal tell what it comes to."""

    decision_id: str
    status: Literal["asked"]


class DeletionAsked(TypedDict):
    """When the account ends; until then it can be withdrawn."""

    deletion_at: str


class DeletionWithdrawn(TypedDict):
    """That the account stays."""

    deletion_at: None


class DeliveryRow(TypedDict):
    """A delivery of an event.

    `id` is the same at every attempt; `status` and `error` are of the last one.

    State `off` is one that waits for its webhook to be switched on; `next_at` is when one that waits is tried.
    """

    id: str
    event: str
    channel: Literal["webhook", "desk"]
    state: Literal["waiting", "delivered", "off"]
    attempts: int
    created_at: str
    last_at: str | None
    next_at: str | None
    status: int | None
    error: str | None


class DeskRow(TypedDict):
    """The desk; null where none has run."""

    mode: str
    ladder_level: str | None
    halted: bool
    halt_reason: str | None


class DivergenceRow(TypedDict):
    """A divergence (背驰): the force of the last leg was `ratio` times that of an earlier one.

    It is of a trend where a center lies between the two (point 1), else of a consolidation (1p). `strokes` are the ids
    of the earlier leg and of the last one, both segments where `-seg` stands in the id.
    """

    id: str
    kind: Literal["trend", "consolidation"]
    ratio: float | None
    strokes: list[str | None]
    time: str
    price: float
    state: Literal["provisional", "confirmed", "void"]


class End(TypedDict):
    """Where a stroke or segment starts or ends: the open of its bar, and the price in quote."""

    time: str
    price: float


class ErrorBody(TypedDict):
    """The one error body. Nulls are present; rejected values are never repeated."""

    code: str
    message: str
    retryable: bool
    retry_after_ms: int | None
    field: str | None
    suggestion: str | None
    request_id: str


class Explained(TypedDict):
    """The chain, oldest first. Without a name and where nothing was refused, the id is null and the chain empty."""

    decision_id: str | None
    links: list[LinkRow]


class FeatureBin(TypedDict):
    """A bin that closed. `ts_ms` is its end, exclusive, Unix ms; `fp` hashes settings, code and all rows up to it."""

    ts_ms: int
    z_ofi: float | None
    z_cvd: float | None
    fusion: Fusion
    divergence: FlowDivergence | None
    book_ok: bool | None
    fp: str


class FeaturesComputed(TypedDict):
    """Bins that the rows closed, and what the next batch needs. Contemporaneous: features do not predict."""

    bins: list[FeatureBin]
    state: str


class FillRow(TypedDict):
    """One fill. Price and fee in quote, quantity in base units; a negative fee was received."""

    trade_id: str
    price: str
    qty: str
    fee: str
    maker: bool
    at: str


class FlowDivergence(TypedDict):
    """A divergence of price and flow; only `detected_ts` may be acted on. Times are Unix ms."""

    type: str
    channel: str
    score: float
    grade: str
    pivot_ts: int
    detected_ts: int


class FractalRow(TypedDict):
    """A fractal (分型) at which strokes meet: the start of the first, or the end of one, in whose state it stands."""

    id: str
    kind: Literal["top", "bottom"]
    time: str
    price: float
    state: Literal["provisional", "confirmed", "void"]


class Fusion(TypedDict):
    """Score of a bin; null, with the reasons, where it is not eligible."""

    side: Literal["strong_buy", "buy", "neutral", "sell", "strong_sell"]
    score: float | None
    consistency: float | None
    reasons: list[str]


class GapRow(TypedDict):
    """Something that was lost, times in Unix ms."""

    symbol: str
    from_ms: int
    to_ms: int
    from_u: int | None
    to_u: int | None


class Group(TypedDict):
    """What the trades of one group came to, in quote."""

    name: str
    n: int
    gross: float
    costs: float
    net: float
    hit_rate: float | None
    expectancy: float | None


class HistoricalSlice(TypedDict):
    """A page by (ts_ms, known_ns, seq_last), and the gaps that it covers."""

    columns: list[str]
    rows: list[list[Any]]
    gaps: list[GapRow]
    next_cursor: str | None
    known_at: str


class Interval(TypedDict):
    """The 95 % interval of the expectancy; both null with fewer than two trades."""

    low: float | None
    high: float | None


class Invited(TypedDict):
    """An invitation, shown this once."""

    invitation: str
    expires_at: str


class JobRow(TypedDict):
    """How a job stands. `attempts` counts how often it was begun; it is forgotten at `expires`."""

    job_id: str
    operation: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    progress: float
    attempts: int
    problem: str | None
    created: str
    changed: str
    expires: str
    resource: str


class JobRows(TypedDict):
    """A page of a result's rows, `total` in all."""

    job_id: str
    part: str
    columns: list[str]
    rows: list[list[Any]]
    total: int
    next_cursor: str | None


class JobsListed(TypedDict):
    """Jobs, newest first."""

    jobs: list[JobRow]
    next_cursor: str | None


class KeyMade(TypedDict):
    """A new key, with its text: nobody can read it again."""

    key: str
    made: KeyRow


class KeyRevoked(TypedDict):
    """A key that is no longer taken, here at once and elsewhere within a second."""

    id: str


class KeyRow(TypedDict):
    """A key as it may be shown.

    A time in `revoked_at` that lies ahead is the end of its grace.

    `last_used_at` is written at most once a minute.
    """

    id: str
    name: str
    scopes: list[str]
    allow_ips: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    signing: Literal["none", "required"]
    paper_only: bool
    elicitation_trusted: bool


class KeyUpdated(TypedDict):
    """The key as it is now."""

    changed: KeyRow


class KeysListed(TypedDict):
    """The caller's keys, oldest first."""

    keys: list[KeyRow]


class Klines(TypedDict):
    """Closed bars in ascending order. `last_closed` is when the last row closed; volume in base, amount in quote."""

    symbol: str
    level: Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d", "1w", "1M"]
    columns: list[str]
    rows: list[list[str | float]]
    last_closed: str | None
    next_cursor: str | None
    known_at: str
    stale_ms: int | None


class LegRow(TypedDict):
    """A stroke (笔) or segment (线段). A confirmed id names the same one while `first_bar` stays the same."""

    id: str
    dir: Literal["up", "down"]
    start: End
    end: End
    state: Literal["provisional", "confirmed", "void"]


class LimitRow(TypedDict):
    """A limit: what it would be after the trade, and its bound."""

    name: str
    value: str
    bound: str


class LinkRow(TypedDict):
    """One step of the chain: the number of its record, when it was, its kind, and what it says."""

    seq: int
    at: str
    kind: str
    text: str


class LiveSnapshot(TypedDict):
    """One row a symbol, in the order asked."""

    rows: list[SnapshotRow]
    known_at: str


class MCPCallResult(TypedDict):
    """As the desk sends it."""

    content: list[dict[str, Any]]
    structuredContent: dict[str, Any]
    isError: bool
    usage: dict[str, Any]


class MCPTool(TypedDict):
    """As the desk sends it."""

    name: str
    description: str
    inputSchema: dict[str, Any]
    quotaCost: int


class MarkNow(TypedDict):
    """The mark price."""

    price: float
    event_ms: int
    known_ns: int
    age_ms: int


class MarketStatus(TypedDict):
    """`clock_skew_ms` is the desk's clock against the venue's, null while none is measured."""

    desk: DeskRow | None
    symbols: list[SymbolRow]
    clock_skew_ms: float | None
    known_at: str


class MonthRead(TypedDict):
    """A UTC month: who came to pay in it, and who ceased to."""

    month: str
    started: int
    ended: int


class NoticeAccepted(TypedDict):
    """That it was accepted, and when first."""

    version: str
    accepted_at: str


class NoticeShown(TypedDict):
    """The notice in force."""

    version: str
    text_en: str
    text_zh: str


class OrderCancelled(TypedDict):
    """How the order stands now; a cancel that the venue has not answered yet is `pending_cancel`."""

    client_order_id: str
    state: str
    filled: str


class OrderFound(TypedDict):
    """An order.

    Quantities in base units, prices in quote.

    `client_order_id` is the id that whoever ordered it by hand gave it, null where the desk or the venue made it; `leg`
    tells an entry, the stop and take-profit that protect it, and an exit. `detail` is the venue's last word.
    """

    client_order_id: str | None
    venue_order_id: str
    symbol: str
    side: Literal["buy", "sell"]
    leg: Literal["entry", "stop", "take_profit", "exit"]
    state: str
    qty: str
    filled: str
    leaves: str
    avg_price: str | None
    price: str | None
    stop_price: str | None
    take_profit_price: str | None
    reduce_only: bool
    detail: str
    sent_at: str
    updated_at: str
    fills: list[FillRow]


class OrderRead(TypedDict):
    """How an order stands. `filled` in base units, `avg_price` in quote."""

    client_order_id: str | None
    venue_order_id: str
    state: str
    filled: str
    avg_price: str | None


class OrderRow(TypedDict):
    """An order that is still open. `filled` and `leaves` in base units."""

    client_order_id: str
    symbol: str
    leg: Literal["entry", "stop", "take_profit", "exit"]
    state: str
    filled: str
    leaves: str
    at: str


class OrdersFound(TypedDict):
    """Orders, newest first, and the cursor to older ones."""

    orders: list[OrderFound]
    next_cursor: str | None
    known_at: str
    stale_ms: int | None


class PageOpened(TypedDict):
    """The provider's page, to be opened in a browser."""

    url: str


class Performance(TypedDict):
    """Closed trades of the window, in quote; null is not known, never zero.

    `expectancy` is the mean net of a trade.

    `return_frac` and `max_drawdown_frac` are of the equity, transfers left out; `sharpe` is a year's.
    """

    n: int
    gross: float | None
    costs: float | None
    net: float | None
    return_frac: float | None
    sharpe: float | None
    max_drawdown_frac: float | None
    hit_rate: float | None
    expectancy: float | None
    ci: Interval
    groups: list[Group]
    baseline: Baseline
    known_at: str
    stale_ms: int | None


class PlanRow(TypedDict):
    """A plan: what it allows (-1 is unlimited), and what it is a month where it is sold."""

    name: str
    limits: dict[str, int]
    rate_per_s: int
    burst: int
    amount: str | None
    currency: str | None


class PlansListed(TypedDict):
    """The plans, the smallest first. `billing` is false where nothing is sold."""

    billing: bool
    plans: list[PlanRow]


class PointRow(TypedDict):
    """A point.

    `time` is the open of the bar at whose extreme it lies, `price` that extreme in quote.

    `first_seen`, `confirmed_at` and `void_at` are the closes of the bars that told it. `center_id` is the center that
    the type's rule looks at: null for types without one, and for what was withdrawn.
    """

    id: str
    symbol: str
    level: Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d", "1w", "1M"]
    type: Literal["buy1", "buy2", "buy3", "sell1", "sell2", "sell3"]
    subtype: str
    price: float
    time: str
    confirmed: bool
    state: Literal["provisional", "confirmed", "void"]
    first_seen: str
    confirmed_at: str | None
    void_at: str | None
    center_id: str | None
    stats: PointStats


class PointStats(TypedDict):
    """What a certificate measured of a point's type, side and level; all null without one.

    Shares are 0 to 1.

    `n` entries were made after points of the same state; `hit_rate` of them reached the target before the stop,
    `ci_low` to `ci_high` with 95 % confidence. `retract_rate` is the share of all ever shown that was withdrawn.
    """

    n: int | None
    hit_rate: float | None
    ci_low: float | None
    ci_high: float | None
    retract_rate: float | None
    lag_bars_p50: int | None


class PointsFound(TypedDict):
    """Points, newest first. `scanned` counts the symbols that had bars."""

    points: list[PointRow]
    scanned: int
    next_cursor: str | None
    known_at: str
    stale_ms: int | None


class PositionRow(TypedDict):
    """A net position. Prices in quote, size in base units; `triggers` counts what is armed on the symbol."""

    symbol: str
    side: Literal["long", "short"]
    size: str
    entry: str
    mark: str
    unrealised: str
    leverage: int
    stop: str | None
    take_profit: str | None
    protected: bool
    triggers: int


class Positions(TypedDict):
    """Positions, open orders and margin.

    `margin_ratio` is equity over the sum of |notional|, null without positions. `reconciled_at` is null while our books
    and the venue's disagree.
    """

    mode: Literal["paper", "live"]
    positions: list[PositionRow]
    orders: list[OrderRow]
    equity: str
    margin_ratio: float | None
    reconciled_at: str | None
    known_at: str
    stale_ms: int | None


class QuotaBody(TypedDict):
    """The body of a call over quota. A limit of -1 is none; without `resets_at` the quota counts what exists now."""

    code: str
    message: str
    retryable: bool
    retry_after_ms: int | None
    field: str | None
    suggestion: str | None
    request_id: str
    error: str
    tool: str
    quota: str
    used: int
    limit: int
    period: str
    upgrade_url: str
    resets_at: str | None


class QuotaRow(TypedDict):
    """A quota. A limit of -1 is none, and so is what remains; `used` is null on a desk that counts nothing."""

    name: str
    used: int | None
    limit: int
    remaining: int | None
    period: Literal["day", "month", "permanent"]
    resets_at: str | None


class QuotaStatus(TypedDict):
    """The plan with its quotas. `period_end` is the end of the UTC month."""

    plan: str
    period_end: str
    quotas: list[QuotaRow]
    rate: RateRow


class QuoteNow(TypedDict):
    """The best quotes."""

    bid: float
    ask: float
    bid_qty: float | None
    ask_qty: float | None
    event_ms: int
    known_ns: int
    age_ms: int


class RateRow(TypedDict):
    """Requests a second, and how many at once; of each kind of work."""

    limit: int
    burst: int


class ReasonRow(TypedDict):
    """Why something was refused: a stable code, what was found and what is allowed, and both in a sentence."""

    code: str
    value: str
    bound: str
    message: str


class ReportRead(TypedDict):
    """A report: `report` is of the schema `chanflow.report/1`, money in it decimal text in quote."""

    run_id: str
    date: str | None
    report: dict[str, Any]
    known_at: str | None
    notice: str


class RiskChecked(TypedDict):
    """What the gate would say. `reason` is ok or the first failing code, `qty` in base units and 0 when refused."""

    allow: bool
    side: Literal["buy", "sell", "flat"]
    qty: str
    lev: int
    mode: str
    reason: str
    reasons: list[WhyRow]
    risk_state: RiskStateRow


class RiskState(TypedDict):
    """The standing, what halts, holds and waits, since when the level stands and what a promotion still lacks."""

    risk_state: RiskStateRow
    mode: str
    halt_causes: list[WhyRow]
    level_since: str
    review: str | None
    promotion_lacks: list[str]
    waiting: list[WaitingRow]


class RiskStateRow(TypedDict):
    """Where the desk stands. Money in quote, shares as fractions, null where a figure is not known."""

    level: str
    equity: str
    hwm: str
    drawdown: str | None
    daily_loss: str | None
    margin_ratio: str | None
    wall: bool
    halted: bool
    vol_target: str | None
    sigma: str | None
    trades_today: int
    limits_used: dict[str, str]
    checks: list[CheckRow]
    as_of: str


class RolesSet(TypedDict):
    """The roles a user has from now on."""

    id: str
    roles: list[str]


class SessionRow(TypedDict):
    """A session; `ends_at` is when it ends unless it is used before."""

    id: str
    created_at: str
    seen_at: str
    ends_at: str
    ip: str | None
    client: str | None
    second_factor: bool
    current: bool


class SessionsEnded(TypedDict):
    """How many ended."""

    ended: int


class SessionsListed(TypedDict):
    """The caller's sessions, oldest first."""

    sessions: list[SessionRow]


class SignalRow(TypedDict):
    """One decision.

    Times are Unix ms; it is stale `expiry_ms` after `known_ms`. Prices are exact text in quote.

    `confirm` is true exactly where `decision_code` is OK; else `reasons` say why, and `side_hint` is flat.
    """

    schema_version: int
    ts_ms: int
    known_ms: int
    symbol: str
    signal_id: str
    signal_type: Literal["strong_buy", "buy", "neutral", "sell", "strong_sell"]
    side_hint: Literal["buy", "sell", "flat"]
    score: float | None
    confirm: bool
    gating_blocked: bool
    decision_code: Literal[
        "OK",
        "BAD_INPUT",
        "EXPIRE",
        "DUPLICATE",
        "WARMUP",
        "FAIL_GATING",
        "BAD_REGIME",
        "AGAINST_FLOW",
        "LOW_CONSISTENCY",
        "LOW_SCORE",
        "COOLDOWN",
        "INVALIDATED",
        "REPLACED",
    ]
    reasons: list[str]
    z_ofi: float | None
    z_cvd: float | None
    consistency: float | None
    div_type: str | None
    regime: Literal["trend", "revert", "quiet"] | None
    strategy_mode: Literal["active", "quiet"] | None
    expiry_ms: int
    config_hash: str
    run_id: str
    level: str | None
    setup: str | None
    refs: list[str]
    price: str | None
    invalidation_price: str | None
    trend_agrees: bool
    flow_strong: bool


class SignalsFound(TypedDict):
    """Decisions, newest first, and the cursor to older ones."""

    signals: list[SignalRow]
    next_cursor: str | None
    known_at: str
    stale_ms: int | None


class SnapshotRow(TypedDict):
    """One symbol. `age_ms` counts from when a value was known; without data `dq_codes` says no_data."""

    symbol: str
    quote: QuoteNow | None
    trade: TradeNow | None
    mark: MarkNow | None
    book: BookNow | None
    known_ns: int | None
    age_ms: int | None
    dq_ok: bool
    dq_codes: list[str]


class SocketTicket(TypedDict):
    """A ticket: it opens one socket, once, until it expires."""

    ticket: str
    expires_at: str


class Standings(TypedDict):
    """Whether it was done, and every reason why not; then where the desk stands."""

    status: Literal["done", "refused"]
    reasons: list[WhyRow]
    level: str
    halted: bool


class StructureRead(TypedDict):
    """The structure of `bars` bars, the first of which opened at `first_bar`; older ones were left out if `truncated`.

    Parts are null when not asked for, oldest first, and an empty list means that there is none. `trend` is null without
    a center.
    """

    symbol: str
    level: Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d", "1w", "1M"]
    bars: int
    first_bar: str | None
    truncated: bool
    trend: Literal["up", "down", "range"] | None
    fractals: list[FractalRow] | None
    strokes: list[LegRow] | None
    segments: list[LegRow] | None
    centers: list[CenterRow] | None
    divergences: list[DivergenceRow] | None
    points: list[PointRow] | None
    summary: str
    known_at: str
    stale_ms: int | None


class SubscriptionRead(TypedDict):
    """The caller's plan. Without a subscription the rest is null; `next_plan` follows at `period_end`."""

    plan: str
    status: str | None
    period_start: str | None
    period_end: str | None
    ends_with_period: bool
    next_plan: str | None


class SymbolResult(TypedDict):
    """What one symbol came to, in quote."""

    symbol: str
    bars: int
    trades: int
    net: float
    hit_rate: float | None


class SymbolRow(TypedDict):
    """One symbol. `gap` says that its book lost events and is not whole again."""

    symbol: str
    session: Literal["open", "closed"]
    last_price: float | None
    age_ms: int | None
    spread_bps: float | None
    gap: bool


class TotpConfirmed(TypedDict):
    """That codes are asked for from now on. Each recovery code does once in place of one; they are shown this once."""

    recovery_codes: list[str]


class TotpEnded(TypedDict):
    """That no codes are asked for any more."""

    second_factor: bool


class TotpOffered(TypedDict):
    """A secret for an authenticator, shown this once. A code of it, sent to /auth/totp/confirm, puts it in use."""

    secret: str
    uri: str


class TradeDone(TypedDict):
    """What a trade came to: a preview to confirm, a wait for a person, a refusal with every reason, or an order.

    `replayed` is what it came to before.
    """

    status: Literal[
        "confirmation_required", "approval_required", "refused", "submitted", "filled", "unknown", "replayed"
    ]
    preview: TradePreview | None
    confirmation_token: str | None
    expires_at: str | None
    approval_id: str | None
    order: OrderRead | None
    reasons: list[ReasonRow]


class TradeNow(TypedDict):
    """The last trade; `side` is the taker's."""

    price: float
    qty: float | None
    side: str | None
    event_ms: int
    known_ns: int
    age_ms: int


class TradePreview(TypedDict):
    """What a trade would come to, in quote.

    `worst_loss` is what is lost at the stop, costs included, `fees` the taker's both ways, `equity_after` what is left
    once it has filled.
    """

    notional: str
    worst_loss: str
    fees: str
    equity_after: str
    limits: list[LimitRow]


class UserAdded(TypedDict):
    """A new user. `password_link` is null where it was mailed; else it is shown this once, for seven days."""

    id: str
    name: str
    password_link: str | None


class UserRow(TypedDict):
    """A user."""

    id: str
    name: str
    email: str | None
    roles: list[str]
    plan: str
    created_at: str
    disabled_at: str | None
    second_factor: bool
    notice_due: bool
    deletion_at: str | None


class UserShown(TypedDict):
    """A user. An address that is yet to be confirmed is not shown; `deletion_at` is when the account ends."""

    id: str
    name: str
    email: str | None
    roles: list[str]
    scopes: list[str]
    plan: str
    created_at: str
    second_factor: bool
    notice_due: bool
    deletion_at: str | None


class UsersListed(TypedDict):
    """A page of users."""

    users: list[UserRow]
    next_cursor: str | None


class WaitingRow(TypedDict):
    """A proposal that waits for a person, until when, and what it asks for. Prices in quote; null takes the market."""

    proposal_id: str
    symbol: str
    side: Literal["buy", "sell"]
    entry_price: str | None
    stop_price: str | None
    take_profit_price: str | None
    leverage: int
    confidence: float | None
    why: str
    until: str


class WhyRow(TypedDict):
    """A stable code, and the sentence that names value and bound."""

    code: str
    message: str
