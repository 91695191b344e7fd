import { ChanflowError, faultOf, unreachable } from "./fault.js";
import { type Patience, type Surroundings, backoffMs } from "./retries.js";
import { DeskSocket, type SocketMaker, call } from "./socket.js";
import { type Choice, type DeskEvent, type Holder, Subscription } from "./subscription.js";

export interface LineSettings {
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly WebSocket: SocketMaker | undefined;
  readonly patience: Patience;
  readonly around: Surroundings;
}

interface Frame {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: { subscription_id?: string; cursor?: string | null; data?: DeskEvent["data"]; alerts?: string[] };
  readonly result?: { readonly subscription_id: string; readonly cursor?: string | null };
  readonly error?: { readonly data?: unknown };
}

/** A desk that was there is looked for so long: its cursors hold for a day. */
const RESUME_MS = 86_400_000;
/** The place of a socket that broke is free again within a minute: so long a plan without another is asked. */
const LEASE_MS = 120_000;
/** So often a subscription is asked for that the desk does not give at once. */
const MOST_ASKED = 20;
const PING_MS = 20_000;
const UNAUTHENTICATED = 4401;

/** The socket of a client, shared by its subscriptions: opened with the first, and anew when it drops. */
export class Line implements Holder {
  readonly #settings: LineSettings;
  readonly #wanted = new Set<Subscription>();
  readonly #asked = new Map<number, Subscription>();
  readonly #named = new Map<string, Subscription>();
  #socket: DeskSocket | null = null;
  #running = false;
  #count = 0;
  #tried = 0;
  #wasThere = false;
  #heard = true;

  constructor(settings: LineSettings) {
    this.#settings = settings;
  }

  /** Returns a new subscription that the desk has said yes to. Throws ChanflowError. */
  async join(channel: string, chosen: Choice): Promise<Subscription> {
    const made = new Subscription(this, channel, chosen);
    this.#wanted.add(made);
    if (!this.#running) void this.#run();
    else if (this.#socket !== null) this.#ask(made);
    await made.begun;
    return made;
  }

  /** Ends a subscription; the socket closes with the last. */
  leave(one: Subscription): void {
    one.finish(null);
    if (!this.#wanted.delete(one)) return;
    if (this.#wanted.size === 0) this.close();
    else this.#unsubscribe(one);
  }

  /** Asks again for what a subscription had no room for. */
  renew(one: Subscription): void {
    if (this.#socket === null || one.name === null) return;
    this.#unsubscribe(one);
    this.#ask(one);
  }

  /** Ends every subscription and the socket. */
  close(): void {
    this.#finish(null);
    this.#socket?.close();
  }

  async #run(): Promise<void> {
    const { patience, around } = this.#settings;
    this.#running = true;
    this.#wasThere = false;
    this.#tried = 0;
    for (let waitedMs = 0, before = ""; this.#wanted.size > 0; ) {
      this.#tried += 1;
      const fault = await this.#listened();
      if (this.#wanted.size === 0) break;
      if (this.#tried === 0 || fault.code !== before) {
        this.#tried = 1;
        waitedMs = 0;
        before = fault.code;
      }
      const pause = Math.max(fault.retryAfterMs ?? 0, backoffMs(patience, this.#tried, around.chance()));
      if (waitedMs + pause > this.#longestMs(fault)) {
        this.#finish(fault);
        break;
      }
      waitedMs += pause;
      await around.sleep(pause);
    }
    this.#running = false;
  }

  /** Returns how long the socket is asked for again after a fault. */
  #longestMs(fault: ChanflowError): number {
    if (this.#wasThere && fault.code === "quota_exceeded") return LEASE_MS;
    if (!fault.retryable) return 0;
    return this.#wasThere ? RESUME_MS : this.#settings.patience.waitMs;
  }

  /** Listens until the socket closes, and returns why it did. */
  #listened(): Promise<ChanflowError> {
    return new Promise((resolve) => {
      const socket = new DeskSocket(this.#settings.url, this.#settings);
      let wrong: ChanflowError | null = null;
      const pinging = setInterval(() => this.#ping(socket), PING_MS);
      socket.onopen = () => {
        this.#socket = socket;
        for (const one of this.#wanted) this.#ask(one);
      };
      socket.onmessage = ({ data }) => {
        this.#heard = true;
        try {
          const frame = JSON.parse(data) as Frame;
          // What is no answer to a call tells why the socket is about to close.
          if (frame.id === null && frame.error !== undefined) wrong = faultOf(frame.error.data);
          else this.#read(frame);
        } catch {
          wrong = new ChanflowError({ code: "answer_invalid", message: "what came over the socket is no message of a desk" });
          socket.close();
        }
      };
      socket.onclose = ({ code }) => {
        clearInterval(pinging);
        this.#socket = null;
        this.#asked.clear();
        this.#named.clear();
        const ended = code === UNAUTHENTICATED ? faultOf({ code: "unauthenticated", message: "the key is good no more" }) : null;
        resolve(wrong ?? socket.fault ?? ended ?? unreachable(`the socket of ${this.#settings.url} closed`, false));
      };
    });
  }

  /** Asks for a sign of life; a desk that gave none since the last time is gone. */
  #ping(socket: DeskSocket): void {
    if (!this.#heard) return socket.close();
    this.#heard = false;
    socket.send(call(0, "ping", {}));
  }

  #finish(fault: ChanflowError | null): void {
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    for (const one of wanted) one.finish(fault);
  }

  #ask(one: Subscription): void {
    this.#count += 1;
    one.name = null;
    this.#asked.set(this.#count, one);
    this.#socket?.send(call(this.#count, "subscribe", one.words));
  }

  #unsubscribe(one: Subscription): void {
    if (one.name === null || !this.#named.delete(one.name)) return;
    this.#count += 1;
    this.#socket?.send(call(this.#count, "unsubscribe", { subscription_id: one.name }));
  }

  #read(frame: Frame): void {
    const one = typeof frame.id === "number" ? this.#asked.get(frame.id) : undefined;
    if (one !== undefined) {
      this.#asked.delete(frame.id as number);
      this.#answered(one, frame);
    } else if (frame.method !== undefined && frame.params?.data !== undefined) {
      const { subscription_id = "", cursor = null, data, alerts = [] } = frame.params;
      const found = this.#named.get(subscription_id);
      found?.take({ channel: found.channel, cursor, data, alerts });
    }
  }

  #answered(one: Subscription, frame: Frame): void {
    if (frame.result !== undefined) {
      this.#tried = 0;
      this.#wasThere = true;
      one.begin(frame.result.subscription_id, frame.result.cursor ?? null);
      this.#named.set(frame.result.subscription_id, one);
      if (one.ended) this.#unsubscribe(one);
      return;
    }
    const fault = faultOf(frame.error?.data);
    const back = one.told && fault.code === "quota_exceeded"; // what the broken socket held is not free yet
    if ((fault.retryable || back) && one.asked < MOST_ASKED) void this.#askAfter(one, fault);
    else if (this.#wanted.delete(one)) {
      one.finish(fault);
      if (this.#wanted.size === 0) this.#socket?.close();
    }
  }

  async #askAfter(one: Subscription, fault: ChanflowError): Promise<void> {
    const { patience, around } = this.#settings;
    one.asked += 1;
    await around.sleep((fault.retryAfterMs ?? 0) + backoffMs(patience, one.asked, around.chance()));
    if (this.#wanted.has(one)) this.#ask(one);
  }
}
