import type { Code } from "./codes.js";
import type { Schemas } from "./api.js";

/** Codes that this client itself gives. */
export type OwnCode = "unreachable" | "answer_invalid" | "closed";

type Body = Partial<Schemas["QuotaBody"]> & { readonly code: string; readonly message: string };

/** The desk refused or failed, or could not be asked. The fields are those of its error body; `body` has them all. */
export class ChanflowError extends Error {
  override readonly name = "ChanflowError";
  readonly code: Code | OwnCode | (string & {});
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly field: string | null;
  readonly suggestion: string | null;
  readonly requestId: string | null;

  constructor(
    readonly body: Body,
    /** The HTTP status, where there was one. */
    readonly status: number | null = null,
    /** Whether the desk may have got the request although no answer came. */
    readonly sent: boolean = true,
  ) {
    super(`${body.code}: ${body.message}`);
    this.code = body.code;
    this.retryable = body.retryable === true;
    this.retryAfterMs = typeof body.retry_after_ms === "number" && body.retry_after_ms >= 0 ? body.retry_after_ms : null;
    this.field = body.field ?? null;
    this.suggestion = body.suggestion ?? null;
    this.requestId = body.request_id ?? null;
  }
}

/** Returns the error of an error body; what is none is the error of another program. */
export function faultOf(body: unknown, status: number | null = null): ChanflowError {
  if (typeof body === "object" && body !== null && "code" in body && typeof body.code === "string") {
    const message = "message" in body && typeof body.message === "string" ? body.message : "";
    return new ChanflowError({ ...body, code: body.code, message }, status);
  }
  const under = status === null ? "" : ` under status ${status}`;
  return new ChanflowError({ code: "answer_invalid", message: `what came${under} is no error of a desk` }, status);
}

/** Returns the error of a desk that gave no answer. */
export function unreachable(message: string, sent: boolean): ChanflowError {
  return new ChanflowError({ code: "unreachable", message, retryable: !sent }, null, sent);
}
