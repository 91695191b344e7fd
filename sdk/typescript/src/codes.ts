// Made by scripts/write_client.py from the catalogue: do not edit.

/** Every code the desk may answer with. */
export type Code =
  | "confirmation_invalid"
  | "confirmation_stale"
  | "conflict"
  | "cursor_expired"
  | "data_stale"
  | "host_not_allowed"
  | "idempotency_conflict"
  | "insufficient_scope"
  | "internal"
  | "invalid_argument"
  | "ip_not_allowed"
  | "journal_unwritable"
  | "limiter_down"
  | "model_busy"
  | "not_found"
  | "order_fate_unknown"
  | "origin_not_allowed"
  | "payload_too_large"
  | "plan_required"
  | "quota_exceeded"
  | "rate_limited"
  | "timeout"
  | "unauthenticated"
  | "venue_busy"
  | "venue_unreachable";
