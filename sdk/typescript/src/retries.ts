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
 * Pauses are never shorter than the desk asks, and spread further with each attempt: of many calls that were told the
 * same, each has its turn. Where the desk does not say, they double.
 */
export function pauseMs(
  patience: Patience,
  fault: ChanflowError,
  at: { readonly tried: number; readonly waitedMs: number; readonly chance: number },
): number | null {
  const asked = fault.retryAfterMs;
  if (asked === null && at.tried >= patience.attempts) return null;
  const pause = asked === null ? backoffMs(patience, at.tried, at.chance) : asked * (1 + at.chance * at.tried);
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
