import { describe, expect, it } from "vitest";
import { ChanflowError, Client } from "@chanflow/client";

type Step = Response | Error;

/** A client that is given these answers in turn, what it asked for, and how long it waited. */
function scripted(steps: Step[], settings: { apiKey?: string } = {}) {
  const asked: { url: string; init: RequestInit }[] = [];
  const slept: number[] = [];
  const client = new Client({
    url: "http://127.0.0.1:1",
    ...settings,
    surroundings: { chance: () => 0, sleep: async (ms) => void slept.push(ms) },
    fetch: async (url, init) => {
      asked.push({ url: String(url), init: init ?? {} });
      const step = steps.shift();
      if (step === undefined || step instanceof Error) throw step ?? new Error("no answer left");
      return step;
    },
  });
  return { client, asked, slept };
}

const done = (body: unknown = {}) => new Response(JSON.stringify(body), { status: 200 });
const failed = (status: number, code: string, more: Record<string, unknown> = {}) =>
  new Response(
    JSON.stringify({ code, message: "so it is", retryable: false, retry_after_ms: null, field: null, suggestion: null, request_id: "r", ...more }),
    { status },
  );
const refused = () => new TypeError("fetch failed", { cause: Object.assign(new Error("no"), { code: "ECONNREFUSED" }) });
const lost = () => new TypeError("fetch failed", { cause: Object.assign(new Error("no"), { code: "ECONNRESET" }) });
const thrown = async (work: Promise<unknown>): Promise<ChanflowError> => {
  const fault: unknown = await work.then(() => null, (found: unknown) => found);
  expect(fault).toBeInstanceOf(ChanflowError);
  return fault as ChanflowError;
};
const key = (init: RequestInit) => new Headers(init.headers).get("Idempotency-Key");

describe("a call", () => {
  it("puts arguments where the API has them", async () => {
    const { client, asked } = scripted([done(), done(), done(), done()]);
    await client.call("queryBuySellPoints", { symbol: "000001.SZ", type: ["buy1", "buy2"] });
    await client.call("getEventsOfAlert", { alert_id: "al/1", limit: 5 });
    await client.call("halt", { reason: "enough" });
    await client.call("getUserQuota");
    expect(asked.map((each) => `${each.init.method} ${each.url.slice("http://127.0.0.1:1/api/v2".length)}`)).toEqual([
      "GET /analysis/points?symbol=000001.SZ&type=buy1%2Cbuy2",
      "GET /alerts/al%2F1/events?limit=5",
      "POST /risk/halt",
      "GET /user/quota",
    ]);
    expect(asked[2]?.init.body).toBe('{"reason":"enough"}');
  });

  it("waits as long as the desk asks, and is made again", async () => {
    const slow = () => failed(429, "rate_limited", { retryable: true, retry_after_ms: 700 });
    const { client, asked, slept } = scripted([slow(), slow(), done()]);
    await client.call("getUserQuota");
    expect([asked.length, slept]).toEqual([3, [700, 700]]);
  });

  it("waits longer each time without a word from the desk, and gives up", async () => {
    const { client, slept } = scripted(Array.from({ length: 6 }, () => failed(503, "venue_busy", { retryable: true })));
    expect((await thrown(client.call("getUserQuota"))).code).toBe("venue_busy");
    expect(slept).toEqual([125, 250, 500, 1000, 2000]);
  });

  it("is made once where the desk does not call it retryable", async () => {
    const { client, asked } = scripted([failed(403, "insufficient_scope", { field: "scope" })]);
    const fault = await thrown(client.call("halt"));
    expect([fault.code, fault.status, fault.field, fault.requestId, asked.length]).toEqual(["insufficient_scope", 403, "scope", "r", 1]);
  });

  it("has one key for all its attempts if it writes, and none if it reads", async () => {
    const { client, asked } = scripted([failed(503, "venue_busy", { retryable: true }), done(), done(), done()]);
    await client.call("halt");
    await client.call("halt");
    await client.call("getUserQuota");
    const keys = asked.map((each) => key(each.init));
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect([keys[1] === keys[0], keys[2] === keys[0], keys[3]]).toEqual([true, false, null]);
  });

  it.each([["broken", lost], ["too long", () => failed(504, "timeout", { retryable: true })]])(
    "that ended nobody knows how (%s) is made again only if it may be done twice",
    async (_, broken) => {
      const { client, asked } = scripted([broken(), done(), broken(), done(), broken()]);
      await client.call("getUserQuota");
      await client.call("cancelOrder", { client_order_id: "order-0001" });
      await thrown(client.call("createKey", { name: "laptop" }));
      expect(asked.length).toBe(5);
    },
  );

  it("that never left is made again whatever it does", async () => {
    const { client, asked } = scripted([refused(), refused(), done()]);
    await client.call("createKey", { name: "laptop" });
    expect(asked.length).toBe(3);
  });

  it("answered by another program says so", async () => {
    for (const answer of [new Response("<html>", { status: 502 }), new Response("hello"), new Response("[1]", { status: 400 })]) {
      const { client } = scripted([answer]);
      expect((await thrown(client.call("getUserQuota"))).code).toBe("answer_invalid");
    }
  });

  it("may be answered by nothing, or by another status of success", async () => {
    const { client } = scripted([new Response(null, { status: 204 }), new Response('{"id":1}', { status: 201 })]);
    expect([await client.call("getStatus"), await client.call("getStatus")]).toEqual([null, { id: 1 }]);
  });

  it("takes an unknown fate for no answer", async () => {
    const { client } = scripted([failed(202, "order_fate_unknown")]);
    expect((await thrown(client.callTool("execute_trade"))).code).toBe("order_fate_unknown");
  });
});

describe("a key", () => {
  it("goes into the header alone", async () => {
    const { client, asked } = scripted([failed(500, "internal")], { apiKey: "cf_secret" });
    const fault = await thrown(client.call("getUserQuota"));
    expect(new Headers(asked[0]?.init.headers).get("Authorization")).toBe("Bearer cf_secret");
    expect(JSON.stringify([client, fault, asked[0]?.url])).not.toContain("cf_secret");
  });

  it("does not travel in the clear", () => {
    expect(() => new Client({ url: "http://desk.example", apiKey: "cf_1" })).toThrow(/https/);
    expect(() => new Client({ url: "http://localhost:8000", apiKey: "cf 1" })).toThrow(/printable ASCII/);
    for (const url of ["http://[::1]:8000", "https://desk.example"]) expect(new Client({ url, apiKey: "cf_1" }).url).toBe(url);
  });

  it.each(["desk.example", "ftp://desk.example", "http://u:p@desk.example", "http://d?q=1"])("is for an address: %s is none", (url) => {
    expect(() => new Client({ url })).toThrow(/url must be like/);
  });
});
