import { type ChanflowError, faultOf } from "./fault.js";

/** What makes sockets: a browser's own `WebSocket`, or Node's. */
export type SocketMaker = new (url: string) => WebSocket;

const SIGN_IN = "authenticate";
const METHOD_NOT_FOUND = -32601;
const UNAUTHENTICATED = 4401;
const NO_WORD = 1006;

/**
 * A desk's socket with the surface of `WebSocket`: what is sent before it is open waits until it is.
 *
 * A page cannot set headers on a socket, so the key is the first message, and nothing goes before the desk took it.
 */
export class DeskSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { readonly data: string }) => void) | null = null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null = null;
  /** Why the key was not taken. */
  fault: ChanflowError | null = null;
  readonly #socket: WebSocket;
  #waiting: string[] | null = [];
  #ended = false;

  constructor(url: string, settings: { readonly apiKey?: string | undefined; readonly WebSocket?: SocketMaker | undefined } = {}) {
    const Maker = settings.WebSocket ?? globalThis.WebSocket;
    if (Maker === undefined) {
      throw new TypeError("this runtime has no WebSocket: give one, or use Node 22 (or --experimental-websocket)");
    }
    this.#socket = new Maker(url);
    this.#socket.onopen = () => {
      if (settings.apiKey === undefined) this.#open();
      else this.#socket.send(call(SIGN_IN, SIGN_IN, { token: settings.apiKey }));
    };
    this.#socket.onmessage = (event: MessageEvent) => this.#read(String(event.data));
    this.#socket.onclose = (event) => this.#end(event.code, event.reason);
    this.#socket.onerror = () => {
      // A close follows and says more, but for a connection that was refused on Node 20.
      if (this.#waiting !== null && this.#socket.readyState !== 1) setTimeout(() => this.#end(NO_WORD, ""), 0);
    };
  }

  send(text: string): void {
    if (this.#waiting !== null) this.#waiting.push(text);
    else if (this.#socket.readyState === 1) this.#socket.send(text);
  }

  close(code?: number): void {
    this.#socket.close(code);
  }

  #end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.onclose?.({ code, reason });
  }

  #open(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    this.onopen?.();
    for (const text of waiting) this.#socket.send(text);
  }

  #read(text: string): void {
    const answer = this.#waiting === null ? null : signedIn(text);
    if (answer === null) this.onmessage?.({ data: text });
    else if (answer === true) this.#open();
    else {
      this.fault = answer;
      this.#socket.close(UNAUTHENTICATED);
    }
  }
}

/** Returns the text of a JSON-RPC call. */
export function call(id: number | string, method: string, params: unknown): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

/** Returns whether a frame says that the key was taken, or why not; null if it is about something else. */
function signedIn(text: string): true | ChanflowError | null {
  const frame = JSON.parse(text) as { id?: unknown; error?: { code: number; data?: unknown } };
  if (frame.id !== SIGN_IN) return null;
  // A desk that asks for no key need not know how to be shown one.
  if (frame.error === undefined || frame.error.code === METHOD_NOT_FOUND) return true;
  return faultOf(frame.error.data);
}
