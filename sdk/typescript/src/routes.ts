// Made by scripts/write_client.py from the catalogue: do not edit.

/** How an operation is asked for. */
export interface Route {
  readonly method: string;
  readonly path: string;
  /** Whether it may be sent twice. */
  readonly repeatable: boolean;
}

export const routes = {
  listTools: { method: "GET", path: "/api/v2/mcp/tools", repeatable: true },
  callTool: { method: "POST", path: "/api/v2/mcp/tools/call", repeatable: false },
  getStatus: { method: "GET", path: "/api/v2/status", repeatable: true },
  getKlines: { method: "GET", path: "/api/v2/market/klines", repeatable: true },
  analyzeStructure: { method: "GET", path: "/api/v2/analysis/structure", repeatable: true },
  queryBuySellPoints: { method: "GET", path: "/api/v2/analysis/points", repeatable: true },
  subscribeAlert: { method: "POST", path: "/api/v2/alerts", repeatable: true },
  listAlerts: { method: "GET", path: "/api/v2/alerts", repeatable: true },
  deleteAlert: { method: "DELETE", path: "/api/v2/alerts/{alert_id}", repeatable: true },
  getAlert: { method: "GET", path: "/api/v2/alerts/{alert_id}", repeatable: true },
  getAlertEvents: { method: "GET", path: "/api/v2/alerts/events", repeatable: true },
  getEventsOfAlert: { method: "GET", path: "/api/v2/alerts/{alert_id}/events", repeatable: true },
  backtestStrategy: { method: "POST", path: "/api/v2/research/backtest", repeatable: true },
  executeTrade: { method: "POST", path: "/api/v2/orders", repeatable: true },
  getOrders: { method: "GET", path: "/api/v2/orders", repeatable: true },
  cancelOrder: { method: "POST", path: "/api/v2/orders/cancel", repeatable: true },
  getPosition: { method: "GET", path: "/api/v2/positions", repeatable: true },
  getMarketStatus: { method: "GET", path: "/api/v2/market/status", repeatable: true },
  getLiveSnapshot: { method: "GET", path: "/api/v2/market/snapshot", repeatable: true },
  getHistoricalSlice: { method: "GET", path: "/api/v2/market/slice", repeatable: true },
  getSignals: { method: "GET", path: "/api/v2/analysis/signals", repeatable: true },
  computeFeatures: { method: "POST", path: "/api/v2/analysis/features", repeatable: true },
  explainDecision: { method: "GET", path: "/api/v2/decisions/explain", repeatable: true },
  closeAll: { method: "POST", path: "/api/v2/positions/close", repeatable: true },
  checkRisk: { method: "POST", path: "/api/v2/risk/check", repeatable: true },
  getRiskState: { method: "GET", path: "/api/v2/risk/state", repeatable: true },
  halt: { method: "POST", path: "/api/v2/risk/halt", repeatable: true },
  resume: { method: "POST", path: "/api/v2/risk/resume", repeatable: true },
  setLevel: { method: "POST", path: "/api/v2/risk/level", repeatable: true },
  approve: { method: "POST", path: "/api/v2/risk/approve", repeatable: true },
  liftWall: { method: "POST", path: "/api/v2/risk/wall", repeatable: true },
  requestAnalysis: { method: "POST", path: "/api/v2/decisions", repeatable: false },
  getUserQuota: { method: "GET", path: "/api/v2/user/quota", repeatable: true },
  listKeys: { method: "GET", path: "/api/v2/keys", repeatable: true },
  createKey: { method: "POST", path: "/api/v2/keys", repeatable: false },
  rotateKey: { method: "POST", path: "/api/v2/keys/rotate", repeatable: false },
  revokeKey: { method: "POST", path: "/api/v2/keys/revoke", repeatable: true },
  getAudit: { method: "GET", path: "/api/v2/audit", repeatable: true },
} as const satisfies Readonly<Record<string, Route>>;

/** Tools that may be called twice. */
export const repeatable: ReadonlySet<string> = new Set([
  "analyze_structure",
  "approve",
  "backtest_strategy",
  "cancel_order",
  "check_risk",
  "close_all",
  "compute_features",
  "execute_trade",
  "explain_decision",
  "get_alert_events",
  "get_audit",
  "get_historical_slice",
  "get_klines",
  "get_live_snapshot",
  "get_market_status",
  "get_orders",
  "get_position",
  "get_risk_state",
  "get_signals",
  "get_user_quota",
  "halt",
  "lift_wall",
  "list_alerts",
  "list_keys",
  "list_tools",
  "query_buy_sell_points",
  "resume",
  "revoke_key",
  "set_level",
  "subscribe_alert",
]);
