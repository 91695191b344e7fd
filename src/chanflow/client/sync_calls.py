"""Every operation of the desk as a plain method. Made by scripts/write_client.py from the catalogue: do not edit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

from chanflow.client.answers import (
    AlertDeliveries,
    AlertEvents,
    AlertSecret,
    AlertSet,
    AlertsListed,
    AlertUpdated,
    AllClosed,
    Approvals,
    AuditRead,
    Backtested,
    BillingRead,
    DataExported,
    DecisionAsked,
    DeletionAsked,
    DeletionWithdrawn,
    Explained,
    FeaturesComputed,
    HistoricalSlice,
    Invited,
    JobRow,
    JobRows,
    JobsListed,
    KeyMade,
    KeyRevoked,
    KeysListed,
    KeyUpdated,
    Klines,
    LiveSnapshot,
    MarketStatus,
    NoticeAccepted,
    NoticeShown,
    OrderCancelled,
    OrdersFound,
    PageOpened,
    Performance,
    PlansListed,
    PointsFound,
    Positions,
    QuotaStatus,
    ReportRead,
    RiskChecked,
    RiskState,
    RolesSet,
    SessionsEnded,
    SessionsListed,
    SignalsFound,
    SocketTicket,
    Standings,
    StructureRead,
    SubscriptionRead,
    TotpConfirmed,
    TotpEnded,
    TotpOffered,
    TradeDone,
    UserAdded,
    UserShown,
    UsersListed,
)


class SyncCalls(ABC):
    """A method an operation: arguments that are None are left to the desk."""

    @abstractmethod
    def answer_of(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return the answer of an operation. Raises ChanflowClientError."""

    def get_klines(
        self,
        *,
        symbol: str,
        level: Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d", "1w", "1M"] | None = None,
        start: str | None = None,
        end: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fill: bool | None = None,
        adjust: Literal["none", "forward", "backward"] | None = None,
    ) -> Klines:
        """Closed bars (K线) of a symbol, newest by default; give start to read forward."""
        answer: Klines = self.answer_of(
            "get_klines",
            {
                "symbol": symbol,
                "level": level,
                "start": start,
                "end": end,
                "limit": limit,
                "cursor": cursor,
                "fill": fill,
                "adjust": adjust,
            },
        )
        return answer

    def analyze_structure(
        self,
        *,
        symbol: str,
        level: Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d", "1w", "1M"] | None = None,
        as_of: str | None = None,
        parts: list[Literal["fractals", "strokes", "segments", "centers", "divergences", "points"]] | None = None,
        limit: int | None = None,
    ) -> StructureRead:
        """Chan structure (缠论) of a symbol: strokes, segments, centers (中枢), divergences, points and the trend."""
        answer: StructureRead = self.answer_of(
            "analyze_structure", {"symbol": symbol, "level": level, "as_of": as_of, "parts": parts, "limit": limit}
        )
        return answer

    def query_buy_sell_points(
        self,
        *,
        symbol: str | None = None,
        level: Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d", "1w", "1M"] | None = None,
        type: list[Literal["buy1", "buy2", "buy3", "sell1", "sell2", "sell3"]] | None = None,
        state: Literal["confirmed", "provisional", "any"] | None = None,
        since: str | None = None,
        as_of: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> PointsFound:
        """Buy/sell points (买卖点). Omit symbol to scan the market. Carries state and measured hit rate."""
        answer: PointsFound = self.answer_of(
            "query_buy_sell_points",
            {
                "symbol": symbol,
                "level": level,
                "type": type,
                "state": state,
                "since": since,
                "as_of": as_of,
                "limit": limit,
                "cursor": cursor,
            },
        )
        return answer

    def subscribe_alert(
        self,
        *,
        client_alert_id: str | None = None,
        symbols: list[str] | None = None,
        kind: Literal["buy_sell_points", "price", "structure", "signal", "risk"] | None = None,
        level: Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d", "1w", "1M"] | None = None,
        type: list[Literal["buy1", "buy2", "buy3", "sell1", "sell2", "sell3"]] | None = None,
        above: float | None = None,
        below: float | None = None,
        webhook: str | None = None,
        notify: bool | None = None,
        expires_at: str | None = None,
        alert_id: str | None = None,
        action: Literal["delete"] | None = None,
    ) -> AlertSet:
        """Set an alert (提醒) on points, price, structure, signal or risk, once per client_alert_id; or delete one."""
        answer: AlertSet = self.answer_of(
            "subscribe_alert",
            {
                "client_alert_id": client_alert_id,
                "symbols": symbols,
                "kind": kind,
                "level": level,
                "type": type,
                "above": above,
                "below": below,
                "webhook": webhook,
                "notify": notify,
                "expires_at": expires_at,
                "alert_id": alert_id,
                "action": action,
            },
        )
        return answer

    def list_alerts(
        self,
        *,
        alert_id: str | None = None,
        status: Literal["active", "paused", "deleted", "expired", "any"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AlertsListed:
        """The alerts (提醒) that the caller has set, newest first."""
        answer: AlertsListed = self.answer_of(
            "list_alerts", {"alert_id": alert_id, "status": status, "limit": limit, "cursor": cursor}
        )
        return answer

    def get_alert_events(self, *, alert_id: str, after: str | None = None, limit: int | None = None) -> AlertEvents:
        """What an alert (提醒) heard, after a cursor, oldest first."""
        answer: AlertEvents = self.answer_of("get_alert_events", {"alert_id": alert_id, "after": after, "limit": limit})
        return answer

    def get_alert_deliveries(
        self, *, alert_id: str, limit: int | None = None, cursor: str | None = None
    ) -> AlertDeliveries:
        """What became of each event of an alert (提醒) that goes to a webhook or the desk's channels, newest first."""
        answer: AlertDeliveries = self.answer_of(
            "get_alert_deliveries", {"alert_id": alert_id, "limit": limit, "cursor": cursor}
        )
        return answer

    def update_alert(self, *, alert_id: str, webhook: Literal["on", "off"]) -> AlertUpdated:
        """Switch the webhook of an alert (提醒) on or off; what waited is sent once it is on."""
        answer: AlertUpdated = self.answer_of("update_alert", {"alert_id": alert_id, "webhook": webhook})
        return answer

    def renew_alert_secret(self, *, alert_id: str) -> AlertSecret:
        """Make the secret that signs what an alert (提醒) sends to its webhook; it is shown this once."""
        answer: AlertSecret = self.answer_of("renew_alert_secret", {"alert_id": alert_id})
        return answer

    def backtest_strategy(
        self,
        *,
        symbols: list[str] | None = None,
        level: Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d", "1w", "1M"] | None = None,
        strategy: Literal["chan_confluence"] | None = None,
        params: dict[str, Any] | None = None,
        start: str | None = None,
        end: str | None = None,
        taker_bps: float | None = None,
        wait_s: int | None = None,
        job_id: str | None = None,
    ) -> Backtested:
        """Backtest points (回测) on bars with costs, hit rate and interval. Long ones give a job_id to poll."""
        answer: Backtested = self.answer_of(
            "backtest_strategy",
            {
                "symbols": symbols,
                "level": level,
                "strategy": strategy,
                "params": params,
                "start": start,
                "end": end,
                "taker_bps": taker_bps,
                "wait_s": wait_s,
                "job_id": job_id,
            },
        )
        return answer

    def list_jobs(
        self,
        *,
        status: Literal["queued", "running", "succeeded", "failed", "cancelled"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> JobsListed:
        """The caller's jobs (任务) of the last 7 days, newest first."""
        answer: JobsListed = self.answer_of("list_jobs", {"status": status, "limit": limit, "cursor": cursor})
        return answer

    def get_job(self, *, job_id: str) -> JobRow:
        """How one of the caller's jobs (任务) stands. Free."""
        answer: JobRow = self.answer_of("get_job", {"job_id": job_id})
        return answer

    def cancel_job(self, *, job_id: str) -> JobRow:
        """Stop one of the caller's jobs (任务) at its next step. Free."""
        answer: JobRow = self.answer_of("cancel_job", {"job_id": job_id})
        return answer

    def get_job_result(
        self,
        *,
        job_id: str,
        part: Literal["trades", "by_symbol", "equity"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> JobRows:
        """The rows of a job's result (任务结果): trades, sums by symbol, or equity. REST has Parquet."""
        answer: JobRows = self.answer_of(
            "get_job_result", {"job_id": job_id, "part": part, "limit": limit, "cursor": cursor}
        )
        return answer

    def execute_trade(
        self,
        *,
        client_order_id: str,
        symbol: str,
        side: Literal["buy", "sell"],
        size_quote: str,
        order_type: Literal["limit", "market"] | None = None,
        price: str | None = None,
        leverage: int | None = None,
        stop_price: str | None = None,
        take_profit_price: str | None = None,
        reduce_only: bool | None = None,
        mode: Literal["paper", "live"] | None = None,
        confirmation_token: str | None = None,
    ) -> TradeDone:
        """Trade (下单): previews, free; called again with confirmation_token it orders, once per client_order_id."""
        answer: TradeDone = self.answer_of(
            "execute_trade",
            {
                "client_order_id": client_order_id,
                "symbol": symbol,
                "side": side,
                "size_quote": size_quote,
                "order_type": order_type,
                "price": price,
                "leverage": leverage,
                "stop_price": stop_price,
                "take_profit_price": take_profit_price,
                "reduce_only": reduce_only,
                "mode": mode,
                "confirmation_token": confirmation_token,
            },
        )
        return answer

    def cancel_order(self, *, client_order_id: str) -> OrderCancelled:
        """Cancel an order (撤单) by your id or the venue's. A protective stop is not cancelled."""
        answer: OrderCancelled = self.answer_of("cancel_order", {"client_order_id": client_order_id})
        return answer

    def get_position(self, *, symbol: str | None = None, mode: Literal["paper", "live"] | None = None) -> Positions:
        """Open positions (持仓) with stop, take-profit and armed triggers; open orders; equity and margin ratio."""
        answer: Positions = self.answer_of("get_position", {"symbol": symbol, "mode": mode})
        return answer

    def get_market_status(self, *, symbols: list[str] | None = None) -> MarketStatus:
        """Desk mode and ladder; session, last price, age, spread and gaps (缺口) of symbols."""
        answer: MarketStatus = self.answer_of("get_market_status", {"symbols": symbols})
        return answer

    def get_performance(
        self,
        *,
        window: Literal["7d", "30d", "90d", "all"] | None = None,
        mode: Literal["paper", "live"] | None = None,
        group_by: Literal["none", "symbol", "point_type", "strategy"] | None = None,
        job_id: str | None = None,
    ) -> Performance:
        """What closed trades (业绩) came to, net of costs, or those of a backtest's job_id."""
        answer: Performance = self.answer_of(
            "get_performance", {"window": window, "mode": mode, "group_by": group_by, "job_id": job_id}
        )
        return answer

    def get_report(self, *, run_id: str | None = None, date: str | None = None) -> ReportRead:
        """The report (报告) of a run or of one UTC day: what was seen, refused, traded, paid and kept."""
        answer: ReportRead = self.answer_of("get_report", {"run_id": run_id, "date": date})
        return answer

    def get_live_snapshot(self, *, symbols: list[str]) -> LiveSnapshot:
        """Newest quote, trade, mark and book state of each symbol, with ages and data quality (数据质量)."""
        answer: LiveSnapshot = self.answer_of("get_live_snapshot", {"symbols": symbols})
        return answer

    def get_historical_slice(
        self,
        *,
        symbols: list[str],
        start_ts: int,
        end_ts: int,
        kinds: list[Literal["trade", "agg_trade", "book_ticker", "book", "mark", "liquidation", "kline", "gap"]]
        | None = None,
        interval: str | None = None,
        columns: list[str] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fill: bool | None = None,
        adjust: Literal["none", "forward", "backward"] | None = None,
    ) -> HistoricalSlice:
        """Recorded rows, or bars of an interval, in [start_ts, end_ts) Unix ms, page by page, with the gaps."""
        answer: HistoricalSlice = self.answer_of(
            "get_historical_slice",
            {
                "symbols": symbols,
                "start_ts": start_ts,
                "end_ts": end_ts,
                "kinds": kinds,
                "interval": interval,
                "columns": columns,
                "limit": limit,
                "cursor": cursor,
                "fill": fill,
                "adjust": adjust,
            },
        )
        return answer

    def get_signals(
        self,
        *,
        source: Literal["desk", "sink"] | None = None,
        run_id: str | None = None,
        symbol: str | None = None,
        since: str | None = None,
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
        | None = None,
        confirm: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> SignalsFound:
        """Signals (信号) of the desk or of a sink, newest first, refusals with their reasons too."""
        answer: SignalsFound = self.answer_of(
            "get_signals",
            {
                "source": source,
                "run_id": run_id,
                "symbol": symbol,
                "since": since,
                "decision_code": decision_code,
                "confirm": confirm,
                "limit": limit,
                "cursor": cursor,
            },
        )
        return answer

    def compute_features(
        self,
        *,
        rows: list[dict[str, Any]],
        price_decimals: int,
        qty_decimals: int,
        bin_ms: int | None = None,
        z: Literal["robust", "ew"] | None = None,
        finish: bool | None = None,
        state: str | None = None,
    ) -> FeaturesComputed:
        """Order-flow features (订单流特征) of market rows, batch by batch. Contemporaneous: they predict nothing."""
        answer: FeaturesComputed = self.answer_of(
            "compute_features",
            {
                "rows": rows,
                "price_decimals": price_decimals,
                "qty_decimals": qty_decimals,
                "bin_ms": bin_ms,
                "z": z,
                "finish": finish,
                "state": state,
            },
        )
        return answer

    def get_orders(
        self,
        *,
        symbol: str | None = None,
        state: Literal[
            "open",
            "initialized",
            "denied",
            "submitted",
            "accepted",
            "partially_filled",
            "pending_cancel",
            "pending_amend",
            "triggered",
            "unknown",
            "filled",
            "canceled",
            "expired",
            "rejected",
        ]
        | None = None,
        since: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> OrdersFound:
        """Orders (订单) of the desk, newest first, with their fills and how they ended."""
        answer: OrdersFound = self.answer_of(
            "get_orders", {"symbol": symbol, "state": state, "since": since, "limit": limit, "cursor": cursor}
        )
        return answer

    def explain_decision(self, *, name: str | None = None) -> Explained:
        """Why the desk decided as it did: the chain of a decision (决定), refusals and abstentions too."""
        answer: Explained = self.answer_of("explain_decision", {"name": name})
        return answer

    def close_all(self, *, symbol: str | None = None) -> AllClosed:
        """Cancel every opening order and close every position (全部平仓) at market, reduce-only; safe to repeat."""
        answer: AllClosed = self.answer_of("close_all", {"symbol": symbol})
        return answer

    def check_risk(
        self,
        *,
        symbol: str,
        side: Literal["buy", "sell"],
        stop_price: str,
        take_profit_price: str,
        price: str | None = None,
        size_quote: str | None = None,
        leverage: int | None = None,
        confidence: float | None = None,
    ) -> RiskChecked:
        """What the risk gate (风控闸门) would say of a trade now, with every check; nothing is sent or reserved."""
        answer: RiskChecked = self.answer_of(
            "check_risk",
            {
                "symbol": symbol,
                "side": side,
                "stop_price": stop_price,
                "take_profit_price": take_profit_price,
                "price": price,
                "size_quote": size_quote,
                "leverage": leverage,
                "confidence": confidence,
            },
        )
        return answer

    def get_risk_state(self) -> RiskState:
        """Level, drawdown, day loss, wall, halt and what a promotion still lacks (风险状态)."""
        answer: RiskState = self.answer_of("get_risk_state", {})
        return answer

    def halt(self, *, reason: str | None = None, close: bool | None = None) -> Standings:
        """Open nothing from now on (停机): opening orders are cancelled, stops stay; close also closes positions."""
        answer: Standings = self.answer_of("halt", {"reason": reason, "close": close})
        return answer

    def resume(self, *, note: str) -> Standings:
        """Let a halted desk open again (恢复); needs the file HALT gone, books that agree, and a note."""
        answer: Standings = self.answer_of("resume", {"note": note})
        return answer

    def set_level(
        self, *, level: Literal["L0", "L1", "L2", "L3", "L4", "L5"], who: str, note: str | None = None
    ) -> Standings:
        """Lower the permission level (权限等级), or lead the desk from L0 to L1 after a review. For people alone."""
        answer: Standings = self.answer_of("set_level", {"level": level, "who": who, "note": note})
        return answer

    def approve(self, *, proposal_id: str | None = None, who: str | None = None, deny: bool | None = None) -> Approvals:
        """Proposals that wait for a person (人工批准), approve one or deny it; none waits on paper. For people."""
        answer: Approvals = self.answer_of("approve", {"proposal_id": proposal_id, "who": who, "deny": deny})
        return answer

    def lift_wall(self, *, who: str, note: str) -> Standings:
        """Let openings go on behind the soft loss wall (解除亏损墙), with a note, below 5 % of day loss; for people."""
        answer: Standings = self.answer_of("lift_wall", {"who": who, "note": note})
        return answer

    def request_analysis(
        self,
        *,
        symbol: str,
        level: Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d"] | None = None,
        position_id: str | None = None,
    ) -> DecisionAsked:
        """Ask the desk's analyst for a decision (请求决策) on a symbol or position; the gate judges the proposal."""
        answer: DecisionAsked = self.answer_of(
            "request_analysis", {"symbol": symbol, "level": level, "position_id": position_id}
        )
        return answer

    def get_user_quota(self) -> QuotaStatus:
        """The caller's plan and quotas (配额): used, limit, reset. Free."""
        answer: QuotaStatus = self.answer_of("get_user_quota", {})
        return answer

    def list_keys(self) -> KeysListed:
        """The caller's API keys (密钥), without their secrets."""
        answer: KeysListed = self.answer_of("list_keys", {})
        return answer

    def create_key(
        self,
        *,
        name: str,
        scopes: list[str] | None = None,
        allow_ips: list[str] | None = None,
        expires_at: str | None = None,
        signing: Literal["none", "required"] | None = None,
        paper_only: bool | None = None,
    ) -> KeyMade:
        """Make an API key that may no more than the caller; its text is shown this once."""
        answer: KeyMade = self.answer_of(
            "create_key",
            {
                "name": name,
                "scopes": scopes,
                "allow_ips": allow_ips,
                "expires_at": expires_at,
                "signing": signing,
                "paper_only": paper_only,
            },
        )
        return answer

    def update_key(
        self,
        *,
        id: str,
        name: str | None = None,
        scopes: list[str] | None = None,
        allow_ips: list[str] | None = None,
        expires_at: str | None = None,
    ) -> KeyUpdated:
        """Rename one of the caller's API keys, or narrow its scopes, addresses and end."""
        answer: KeyUpdated = self.answer_of(
            "update_key", {"id": id, "name": name, "scopes": scopes, "allow_ips": allow_ips, "expires_at": expires_at}
        )
        return answer

    def rotate_key(self, *, id: str, grace_s: int | None = None) -> KeyMade:
        """Make a key like another of the caller's, which ends after a grace; the new text is shown this once."""
        answer: KeyMade = self.answer_of("rotate_key", {"id": id, "grace_s": grace_s})
        return answer

    def revoke_key(self, *, id: str) -> KeyRevoked:
        """End one of the caller's API keys (吊销); it is refused within a second."""
        answer: KeyRevoked = self.answer_of("revoke_key", {"id": id})
        return answer

    def get_audit(self, *, limit: int | None = None, cursor: str | None = None) -> AuditRead:
        """Who called what, when, through which door, and how it ended (审计), newest first."""
        answer: AuditRead = self.answer_of("get_audit", {"limit": limit, "cursor": cursor})
        return answer

    def list_plans(self) -> PlansListed:
        """The plans (套餐): what each allows, and its price where it is sold."""
        answer: PlansListed = self.answer_of("list_plans", {})
        return answer

    def start_checkout(self, *, plan: str) -> PageOpened:
        """The payment provider's page where a plan is bought (购买套餐)."""
        answer: PageOpened = self.answer_of("start_checkout", {"plan": plan})
        return answer

    def open_portal(self) -> PageOpened:
        """The caller's page at the payment provider (支付详情): cards, invoices."""
        answer: PageOpened = self.answer_of("open_portal", {})
        return answer

    def get_subscription(self) -> SubscriptionRead:
        """The caller's plan and subscription (订阅)."""
        answer: SubscriptionRead = self.answer_of("get_subscription", {})
        return answer

    def change_subscription(self, *, plan: str) -> SubscriptionRead:
        """Change the plan (更换套餐): a larger one holds at once, a smaller one when the period ends."""
        answer: SubscriptionRead = self.answer_of("change_subscription", {"plan": plan})
        return answer

    def get_billing_report(self) -> BillingRead:
        """Accounts, who pays, what recurs and who left, by month (账单报告)."""
        answer: BillingRead = self.answer_of("get_billing_report", {})
        return answer

    def get_user(self) -> UserShown:
        """The caller's name, address, roles, scopes and plan."""
        answer: UserShown = self.answer_of("get_user", {})
        return answer

    def update_user(
        self,
        *,
        name: str | None = None,
        email: str | None = None,
        new_password: str | None = None,
        password: str | None = None,
        code: str | None = None,
    ) -> UserShown:
        """Change the caller's name, password or address (by a mailed link); a new password ends other sessions."""
        answer: UserShown = self.answer_of(
            "update_user",
            {"name": name, "email": email, "new_password": new_password, "password": password, "code": code},
        )
        return answer

    def get_notice(self) -> NoticeShown:
        """The notice that a new user accepts before the desk works for them."""
        answer: NoticeShown = self.answer_of("get_notice", {})
        return answer

    def accept_notice(self, *, version: str) -> NoticeAccepted:
        """Record, with the time, that the caller accepts a version of the notice."""
        answer: NoticeAccepted = self.answer_of("accept_notice", {"version": version})
        return answer

    def list_sessions(self) -> SessionsListed:
        """The caller's sessions (会话) in browsers."""
        answer: SessionsListed = self.answer_of("list_sessions", {})
        return answer

    def end_sessions(self, *, session_id: str | None = None) -> SessionsEnded:
        """End one of the caller's sessions, or all but the present one."""
        answer: SessionsEnded = self.answer_of("end_sessions", {"session_id": session_id})
        return answer

    def enroll_totp(self, *, password: str) -> TotpOffered:
        """Offer a secret for an authenticator (TOTP, 动态口令), shown this once."""
        answer: TotpOffered = self.answer_of("enroll_totp", {"password": password})
        return answer

    def confirm_totp(self, *, code: str) -> TotpConfirmed:
        """Put the offered authenticator in use by a code of it; recovery codes are shown this once."""
        answer: TotpConfirmed = self.answer_of("confirm_totp", {"code": code})
        return answer

    def end_totp(self, *, password: str, code: str) -> TotpEnded:
        """Ask for no codes any more; takes the password and a code."""
        answer: TotpEnded = self.answer_of("end_totp", {"password": password, "code": code})
        return answer

    def export_data(self) -> DataExported:
        """Build a ZIP of all that the desk keeps of the caller (数据导出); it can be fetched for a day."""
        answer: DataExported = self.answer_of("export_data", {})
        return answer

    def delete_account(self, *, password: str | None = None, code: str | None = None) -> DeletionAsked:
        """Ask for the account's end (注销): erased after 14 days unless withdrawn; refused with open positions."""
        answer: DeletionAsked = self.answer_of("delete_account", {"password": password, "code": code})
        return answer

    def withdraw_deletion(self) -> DeletionWithdrawn:
        """Withdraw what was asked of delete_account."""
        answer: DeletionWithdrawn = self.answer_of("withdraw_deletion", {})
        return answer

    def list_users(self, *, limit: int | None = None, cursor: str | None = None) -> UsersListed:
        """The users of the desk, oldest first."""
        answer: UsersListed = self.answer_of("list_users", {"limit": limit, "cursor": cursor})
        return answer

    def add_user(self, *, name: str, roles: list[str], email: str | None = None, plan: str | None = None) -> UserAdded:
        """Add a user, who sets a password by a link: mailed, or shown this once."""
        answer: UserAdded = self.answer_of("add_user", {"name": name, "roles": roles, "email": email, "plan": plan})
        return answer

    def set_roles(self, *, user_id: str, roles: list[str]) -> RolesSet:
        """Set all the roles of a user; they count at the next call."""
        answer: RolesSet = self.answer_of("set_roles", {"user_id": user_id, "roles": roles})
        return answer

    def invite_user(self) -> Invited:
        """Make an invitation by which somebody may sign up; it holds once, for seven days."""
        answer: Invited = self.answer_of("invite_user", {})
        return answer

    def create_socket_ticket(self) -> SocketTicket:
        """A ticket (连接票据) that opens one WebSocket within 30 seconds, as the query parameter ticket."""
        answer: SocketTicket = self.answer_of("create_socket_ticket", {})
        return answer
