import type { Answer, Arguments, OperationId, Schemas } from "./api.js";
import { ChanflowError, faultOf, unreachable } from "./fault.js";
import { Line } from "./line.js";
import { type Patience, type Surroundings, mayRepeat, patient, pauseMs, thisMachine } from "./retries.js";
import { type Route, repeatable, routes } from "./routes.js";
import type { SocketMaker } from "./socket.js";
import type { Choice, DeskEvent, Subscription } from "./subscription.js";

export interface ClientSettings {
  /** Where the desk is; without it, on this machine. */
  readonly url?: string;
  readonly apiKey?: string;
  /** How long an answer is waited for. */
  readonly timeoutMs?: number;
  readonly patience?: Partial<Patience>;
  readonly fetch?: typeof fetch;
  readonly WebSocket?: SocketMaker;
  readonly surroundings?: Partial<Surroundings>;
}

type Given<Id extends OperationId> = unknown extends Arguments<Id>
  ? []
  : Record<never, never> extends Arguments<Id>
    ? [given?: Arguments<Id>]
    : [given: Arguments<Id>];

/** A desk, asked over HTTP and heard over one socket. `close` lets go of the socket. */
export class Client {
  readonly url: string;
  readonly #apiKey: string | undefined;
  readonly #settings: ClientSettings;
  readonly #patience: Patience;
  readonly #around: Surroundings;
  #line: Line | null = null;

  constructor(settings: ClientSettings = {}) {
    const { url, here } = checked(settings.url ?? "http://127.0.0.1:8000");
    if (settings.apiKey !== undefined && !/^[!-~]+$/.test(settings.apiKey)) {
      throw new TypeError("apiKey must be printable ASCII without spaces");
    }
    if (settings.apiKey !== undefined && !here && !url.startsWith("https:")) {
      throw new TypeError("a key goes over https, or to this machine: the url begins with http");
    }
    this.url = url;
    this.#apiKey = settings.apiKey;
    this.#settings = settings;
    this.#patience = { ...patient, ...settings.patience };
    this.#around = { ...thisMachine, ...settings.surroundings };
  }

  /** Returns the answer of an operation, by its name in the API description. Throws ChanflowError. */
  async call<Id extends OperationId>(id: Id, ...[given]: Given<Id>): Promise<Answer<Id>> {
    const route: Route = routes[id];
    return (await this.#ask(route, { ...(given as Readonly<Record<string, unknown>> | undefined) }, route.repeatable)) as Answer<Id>;
  }

  /** Returns what a tool answers, by its name over MCP; its rows are in `structuredContent`. Throws ChanflowError. */
  async callTool(name: string, given: Readonly<Record<string, unknown>> = {}): Promise<Schemas["MCPCallResult"]> {
    const answer = await this.#ask(routes.callTool, { name, arguments: given }, repeatable.has(name));
    return answer as Schemas["MCPCallResult"];
  }

  /**
   * Yields what happens, from now or from a cursor on.
   *
   * A connection that drops is opened anew, and nothing is missed or told twice. Throws ChanflowError: with the code
   * cursor_expired where the desk no longer knows what came after the cursor.
   */
  async *subscribe(channel: string, chosen: Choice = {}): AsyncGenerator<DeskEvent, void, void> {
    const subscription = await this.listen(channel, chosen);
    try {
      for (let event = await subscription.next(); event !== null; event = await subscription.next()) yield event;
    } finally {
      subscription.end();
    }
  }

  /** Returns a subscription that has begun: `next` gives its events, `end` ends it. Throws ChanflowError. */
  async listen(channel: string, chosen: Choice = {}): Promise<Subscription> {
    this.#line ??= new Line({
      url: `ws${this.url.slice("http".length)}/mcp`,
      apiKey: this.#apiKey,
      WebSocket: this.#settings.WebSocket,
      patience: this.#patience,
      around: this.#around,
    });
    return this.#line.join(channel, chosen);
  }

  /** Ends every subscription and the socket. */
  close(): void {
    this.#line?.close();
    this.#line = null;
  }

  async #ask(route: Route, given: Record<string, unknown>, twice: boolean): Promise<unknown> {
    const request = this.#request(route, given);
    for (let tried = 1, waitedMs = 0; ; tried += 1) {
      try {
        return await this.#sent(request);
      } catch (fault) {
        if (!(fault instanceof ChanflowError) || !mayRepeat(fault, twice)) throw fault;
        const pause = pauseMs(this.#patience, fault, { tried, waitedMs, chance: this.#around.chance() });
        if (pause === null) throw fault;
        waitedMs += pause;
        await this.#around.sleep(pause);
      }
    }
  }

  #request(route: Route, given: Record<string, unknown>): { url: URL; init: RequestInit } {
    const asked = Object.entries(given).filter(([, value]) => value !== undefined && value !== null);
    const path = route.path.replace(/\{([a-z_]+)\}/g, (_, name: string) => encodeURIComponent(String(given[name])));
    const rest = asked.filter(([name]) => !route.path.includes(`{${name}}`));
    const url = new URL(this.url + path);
    const headers: Record<string, string> = { Accept: "application/json" };
    if (this.#apiKey !== undefined) headers["Authorization"] = `Bearer ${this.#apiKey}`;
    const init: RequestInit = { method: route.method, headers, redirect: "error" };
    if (route.method === "GET" || route.method === "DELETE") {
      for (const [name, value] of rest) url.searchParams.set(name, inQuery(value));
    } else {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(Object.fromEntries(rest));
    }
    if (route.method !== "GET") headers["Idempotency-Key"] = newKey();
    return { url, init };
  }

  async #sent(request: { url: URL; init: RequestInit }): Promise<unknown> {
    const ask = this.#settings.fetch ?? fetch;
    let response: Response;
    let text: string;
    try {
      const signal = AbortSignal.timeout(this.#settings.timeoutMs ?? 60_000);
      response = await ask(request.url, { ...request.init, signal });
      text = await response.text();
    } catch (lost) {
      throw unreachable(`no answer from ${this.url}: ${name(lost)}`, !neverLeft(lost));
    }
    if (response.ok && text === "") return null;
    const body = parsed(text);
    if (body === undefined) {
      const words = `what came under status ${response.status} is no JSON`;
      throw new ChanflowError({ code: "answer_invalid", message: words }, response.status);
    }
    // An order of which nobody knows is told with 202, and is no answer.
    if (!response.ok || (response.status !== 200 && isFault(body))) throw faultOf(body, response.status);
    return body;
  }
}

function checked(text: string): { url: string; here: boolean } {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password) {
    throw new TypeError("url must be like http://127.0.0.1:8000, without query, fragment or user");
  }
  const here = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  return { url: url.href.replace(/\/+$/, ""), here };
}

/** Returns a value as the query has it: lists with commas, lists of objects as JSON. */
function inQuery(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  return value.some((each) => typeof each === "object") ? JSON.stringify(value) : value.join(",");
}

function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isFault(body: unknown): boolean {
  return typeof body === "object" && body !== null && "code" in body && "retryable" in body;
}

function name(fault: unknown): string {
  return fault instanceof Error ? fault.name : "an unknown fault";
}

/** Returns whether a request surely never reached the desk; a browser does not say. */
function neverLeft(fault: unknown): boolean {
  const cause: unknown = fault instanceof Error ? fault.cause : null;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}
