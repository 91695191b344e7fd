/** The client against running desks: one that asks for keys, and one that trades and is killed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as client from "@chanflow/client";
import { ChanflowError, Client, type DeskEvent } from "@chanflow/client";
import { typesOf } from "../types.mjs";
import { Home, type Running, freePort, root } from "./desk.js";

const codeOf = (fault: unknown) => (fault instanceof ChanflowError ? fault.code : fault);

describe("a desk that asks for keys", () => {
  const home = new Home();
  let desk: Running;
  let told: { url: string; trader: string; viewer: string };

  beforeAll(async () => {
    desk = home.start(join(root, "tests/support/first_document_desk.py"), join(home.path, "desk"), "--keys");
    told = JSON.parse((await desk.says(/^\{.*\}$/m))[0]);
  });
  afterAll(() => home.remove());

  it("has the types that the client was made with", async () => {
    const description = await (await fetch(`${told.url}/api/v2/openapi.json`)).json();
    expect(await typesOf(description)).toBe(readFileSync(join(root, "sdk/typescript/src/openapi.ts"), "utf8"));
  });

  it("answers, slows down, and says what is spent", async () => {
    const trader = new Client({ url: told.url, apiKey: told.trader });
    const bars = await trader.call("getKlines", { symbol: "000001.SZ", level: "30m", limit: 2 });
    expect([bars.symbol, bars.rows.length]).toEqual(["000001.SZ", 2]);
    const points = { symbol: "000001.SZ", level: "30m", type: ["buy1", "buy2"] } as const;
    const typed = await trader.call("queryBuySellPoints", points);
    const called = await trader.callTool("query_buy_sell_points", points);
    expect(called.structuredContent["points"]).toEqual(typed.points);
    expect(called.usage).toEqual({ bsp_query: 1, api_call: 1 });
    await trader.call("queryBuySellPoints", points);
    const spent = await trader.call("queryBuySellPoints", points).catch((fault: unknown) => fault);
    expect(spent).toMatchObject({ code: "quota_exceeded", status: 429, body: { used: 3, limit: 3, period: "month" } });
    const many = await Promise.all(Array.from({ length: 14 }, () => trader.call("getKlines", { symbol: "BTCUSDT", level: "1m", limit: 1 })));
    expect(many.map((each) => each.rows.length)).toEqual(Array.from({ length: 14 }, () => 1));
    const impatient = new Client({ url: told.url, apiKey: told.trader, patience: { waitMs: 0 } });
    const slowed = await Promise.all(
      Array.from({ length: 14 }, () => impatient.call("getMarketStatus").then(() => null, codeOf)),
    );
    expect(new Set(slowed)).toContain("rate_limited");
  });

  it("refuses by code", async () => {
    const viewer = new Client({ url: told.url, apiKey: told.viewer });
    await expect(viewer.call("halt")).rejects.toMatchObject({ code: "insufficient_scope", status: 403 });
    await expect(viewer.call("getKlines", { symbol: "BTCUSDT", limit: 0 })).rejects.toMatchObject({ code: "invalid_argument", field: "limit" });
    await expect(new Client({ url: told.url }).call("getUserQuota")).rejects.toMatchObject({ code: "unauthenticated", status: 401 });
  });

  it("runs the blocks of docs/clients.md", async () => {
    const page = readFileSync(join(root, "docs/clients.md"), "utf8");
    const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map((each) => each[1] ?? "");
    expect(blocks.length).toBe(3);
    for (const [at, block] of blocks.entries()) {
      const host = new URL(told.url).host;
      const said: unknown[][] = [];
      const source = block.replaceAll("127.0.0.1:8000", host).replaceAll("cf_…", told.viewer);
      const names = { console: { log: (...words: unknown[]) => said.push(words) }, last: "e0000000000000000" };
      if (at > 0) desk.process.stdin?.write("point\n");
      const left = await run(source, names);
      if (at === 2) await until(() => said.length > 0, () => desk.process.stdin?.write("point\n"));
      left?.close();
      const expected = [[[expect.any(Number)], ["invalid_argument", "limit"]], [[expect.stringMatching(/^e/), expect.anything()]]];
      if (at < 2) expect(said).toEqual(expected[at]);
      else expect(said[0]).toEqual(["新买卖点:", expect.objectContaining({ symbol: "000001.SZ", type: "buy2" })]);
    }
  });

  it("closes a socket whose key is wrong", async () => {
    const stranger = new Client({ url: told.url, apiKey: `${told.viewer.slice(0, -1)}x` });
    await expect(stranger.listen("alerts")).rejects.toMatchObject({ code: "unauthenticated" });
  });
});

describe("a desk that trades", () => {
  const home = new Home();
  let port: number;
  let desk: Running;

  const start = async () => {
    desk = home.start("-m", "chanflow", "up", "--speed", "3000", "--hours", "48", "--port", String(port));
    await desk.says(/doors at/);
  };

  beforeAll(async () => {
    port = await freePort();
    await start();
  });
  afterAll(() => home.remove());

  it("is killed under a subscription, comes back, and no event is missing or told twice", async () => {
    const trader = new Client({ url: `http://127.0.0.1:${port}`, patience: { attempts: 100, waitMs: 100_000 } });
    const asked = { client_alert_id: "sdk-alert-1", symbols: ["SIMUSDT"], level: "1m" } as const;
    let set;
    for (;;) {
      set = await trader.call("subscribeAlert", asked).catch((fault: unknown) => codeOf(fault) === "not_found" ? null : Promise.reject(fault));
      if (set !== null) break; // the market has no bars yet
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const events = await trader.listen("alerts", { alert_id: set.alert_id, after: set.cursor });
    const seen: DeskEvent[] = [];
    const read = async (count: number) => {
      while (seen.length < count) seen.push((await events.next())!);
    };
    await read(5);
    await desk.end("SIGKILL");
    await start();
    const before = seen.length;
    await read(before + 15);
    const logged: string[] = [];
    for (let after: string = set.cursor; after < (seen.at(-1)?.cursor ?? ""); ) {
      const page = await trader.call("getEventsOfAlert", { alert_id: set.alert_id, after, limit: 200 });
      logged.push(...page.events.map((each) => each.cursor));
      after = page.cursor ?? after;
    }
    const cursors = seen.map((each) => each.cursor);
    expect(cursors).toEqual(logged.slice(0, cursors.length));
    expect(new Set(cursors).size).toBe(cursors.length);
    expect(seen.every((each) => each.alerts.includes(set.alert_id))).toBe(true);
    trader.close();
    while ((await events.next()) !== null); // what waits is still given, and then the end
  });

  it("tells a desk that was never there from one that is gone", async () => {
    const nobody = new Client({ url: `http://127.0.0.1:${await freePort()}`, patience: { waitMs: 300, firstMs: 20 } });
    await expect(nobody.call("getUserQuota")).rejects.toMatchObject({ code: "unreachable", sent: false });
    await expect(nobody.listen("alerts")).rejects.toMatchObject({ code: "unreachable" });
  });
});

/** Runs a module of the page, and returns what it leaves open. */
async function run(source: string, names: Record<string, unknown>): Promise<{ close(): void } | undefined> {
  const imported = /^import \{ (.*) \} from "@chanflow\/client";$/m.exec(source);
  const body = source.replace(imported?.[0] ?? "", "");
  const bound = (imported?.[1] ?? "").replaceAll(" as ", ": ");
  const plain = ts.transpileModule(`${body}\nvar left = typeof ws === "undefined" ? undefined : ws;`, {
    compilerOptions: { target: ts.ScriptTarget.ES2022 },
  }).outputText;
  const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => (...given: unknown[]) => Promise<{ close(): void } | undefined>;
  const work = new AsyncFunction("client", ...Object.keys(names), `const { ${bound} } = client;\n${plain}\nreturn left;`);
  return work(client, ...Object.values(names));
}

async function until(holds: () => boolean, meanwhile: () => void): Promise<void> {
  while (!holds()) {
    meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
