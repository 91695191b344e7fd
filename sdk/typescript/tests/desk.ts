/** Desks for tests: processes of the repository's own Python, each with a home and a port of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../", import.meta.url));
const python = join(root, ".venv", "bin", "python");
if (!existsSync(python)) throw new Error("the tests start a desk with the repository's .venv: run make setup first");

/** Sockets take keys where their door has a module for it. */

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A process that serves, and what it wrote. */
export class Running {
  out = "";
  constructor(readonly process: ChildProcess) {
    for (const stream of [process.stdout, process.stderr]) stream?.on("data", (part: Buffer) => (this.out += part.toString()));
  }

  /** Returns the first match in what the process wrote; throws if it ended before. */
  async says(words: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const found = words.exec(this.out);
      if (found) return found;
      if (this.process.exitCode !== null) throw new Error(`the desk ended: ${this.out}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill(signal);
    await ended;
  }
}

export class Home {
  readonly path = mkdtempSync(join(tmpdir(), "chanflow-sdk-"));
  readonly #started: Running[] = [];

  get environment(): NodeJS.ProcessEnv {
    return { PATH: process.env["PATH"], HOME: process.env["HOME"], CHANFLOW_HOME: join(this.path, "home") };
  }

  /** Runs a command of chanflow to its end and returns what it said. */
  command(...words: string[]): string {
    const done = spawnSync(python, ["-m", "chanflow", ...words], { env: this.environment, encoding: "utf8" });
    if (done.status !== 0) throw new Error(`chanflow ${words.join(" ")}: ${done.stderr}`);
    return done.stdout;
  }

  /** Starts Python with these words and leaves it running. */
  start(...words: string[]): Running {
    const env = { ...this.environment, PYTHONPATH: join(root, "tests", "support") };
    const made = new Running(spawn(python, words, { env, stdio: ["pipe", "pipe", "pipe"], cwd: this.path }));
    this.#started.push(made);
    return made;
  }

  async remove(): Promise<void> {
    for (const each of this.#started) await each.end();
    rmSync(this.path, { recursive: true, force: true });
  }
}
