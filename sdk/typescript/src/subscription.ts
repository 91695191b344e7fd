import type { ChanflowError } from "./fault.js";

/** Something that happened. `cursor` is where to go on from; `alerts` are the ids of those it is for. */
export interface DeskEvent {
  readonly channel: string;
  readonly cursor: string | null;
  readonly data: Readonly<Record<string, unknown>>;
  readonly alerts: readonly string[];
}

/** What is chosen of a channel (symbol, level, type, state …), and the cursor to begin after. */
export type Choice = Readonly<Record<string, unknown>> & { readonly after?: string };

/** What holds subscriptions. */
export interface Holder {
  renew(one: Subscription): void;
  leave(one: Subscription): void;
}

/** So many events wait to be read; what comes after is asked for again when they were. */
export const ROOM = 1_000;

/** What is asked for, what came and was not read yet, and the last cursor taken. */
export class Subscription {
  cursor: string | null;
  name: string | null = null;
  /** How often it was asked for since the desk last said yes. */
  asked = 0;
  /** Whether the desk ever said yes. */
  told = false;
  behind = false;
  ended = false;
  readonly begun: Promise<void>;
  readonly #filter: Readonly<Record<string, unknown>>;
  readonly #waiting: DeskEvent[] = [];
  #fault: ChanflowError | null = null;
  #moved: () => void = () => {};
  #say!: { yes: () => void; no: (fault: ChanflowError) => void };

  constructor(
    private readonly holder: Holder,
    readonly channel: string,
    chosen: Choice,
    private readonly room = ROOM,
  ) {
    const { after, ...filter } = chosen;
    this.cursor = after ?? null;
    this.#filter = filter;
    this.begun = new Promise((yes, no) => (this.#say = { yes, no }));
    this.begun.catch(() => {}); // `next` tells it, too
  }

  /** Returns the next event, null after the end. Throws ChanflowError where the desk gives no more. */
  async next(): Promise<DeskEvent | null> {
    for (;;) {
      const event = this.#waiting.shift();
      if (event !== undefined) return event;
      if (this.#fault !== null) throw this.#fault;
      if (this.ended) return null;
      if (this.behind) {
        this.behind = false;
        this.holder.renew(this);
      }
      await new Promise<void>((resolve) => (this.#moved = resolve));
    }
  }

  /** Gives nothing more, and lets the desk know. */
  end(): void {
    this.holder.leave(this);
  }

  /** Takes an event that was not taken before, as long as there is room. */
  take(event: DeskEvent): void {
    if (event.cursor !== null && this.cursor !== null && event.cursor <= this.cursor) return;
    if (this.behind || this.#waiting.length >= this.room) {
      this.behind = true;
      return;
    }
    this.cursor = event.cursor ?? this.cursor;
    this.#waiting.push(event);
    this.#moved();
  }

  /** Notes that the desk said yes, and from where on. */
  begin(name: string, cursor: string | null): void {
    this.name = name;
    this.cursor ??= cursor;
    this.asked = 0;
    this.told = true;
    this.#say.yes();
  }

  /** Gives nothing after what waits, but the fault if there is one. */
  finish(fault: ChanflowError | null): void {
    this.ended = true;
    this.#fault = fault;
    if (fault === null) this.#say.yes();
    else this.#say.no(fault);
    this.#moved();
  }

  /** The parameters that ask for it, from where it stands. */
  get words(): Record<string, unknown> {
    const words: Record<string, unknown> = { channel: this.channel };
    if (Object.keys(this.#filter).length > 0) words["filter"] = this.#filter;
    if (this.cursor !== null) words["after"] = this.cursor;
    return words;
  }
}
