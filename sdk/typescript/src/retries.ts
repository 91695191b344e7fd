import type { ChanflowError } from "./fault.js";

/**
 * How long a client goes on: the pauses of one call come to `waitMs` at most, and its attempts to `attempts` where the
 * desk does not say when to come back.
 */
export interface Patience {
  readonly waitMs: number;
  readonly attempts: number;
  readonly firstMs: number;
  readonly longestMs: number;
}

export const patient: Patience = { waitMs: 30_000, attempts: 6, firstMs: 250, longestMs: 10_000 };

/** Time and chance, for tests to stand in for. `chance` gives numbers from 0 to 1. */
export interface Surroundings {
  readonly sleep: (ms: number) => Promise<void>;
  readonly chance: () => number;
}

export const thisMachine: Surroundings = {
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  chance: Math.random,
};

/** Returns a pause of half to all of the step that belongs to an attempt. */
export function backoffMs(patience: Patience, tried: number, chance: number): number {
  const step = Math.min(patience.longestMs, patience.firstMs * 2 ** Math.min(tried - 1, 16));
  return step * (0.5 + chance / 2);
}

/**
 * Returns how long to wait before the next attempt, null where there is none.
 *
 * Pauses double, and are never shorter than the desk asks: of many calls that it told the same, each has its turn.
 */
export function pauseMs(
  patience: Patience,
  fault: ChanflowError,
  at: { readonly tried: number; readonly waitedMs: number; readonly chance: number },
): number | null {
  const asked = fault.retryAfterMs;
  if (asked === null && at.tried >= patience.attempts) return null;
  const backoff = backoffMs(patience, at.tried, at.chance);
  const pause = asked === null ? backoff : Math.max(asked * (1 + at.chance / 10), backoff);
  return at.waitedMs + pause <= patience.waitMs ? pause : null;
}

/**
 * Returns whether a failed call may be made again.
 *
 * The desk marks as retryable what did not happen. Where nobody knows whether it did, only what may be done `twice` is
 * asked for again.
 */
export function mayRepeat(fault: ChanflowError, twice: boolean): boolean {
  if (fault.code === "unreachable") return twice || !fault.sent;
  return fault.retryable && (twice || fault.code !== "timeout");
}
