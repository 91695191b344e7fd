import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@chanflow/client": fileURLToPath(new URL("src/index.ts", import.meta.url)) } },
  test: {
    include: ["tests/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Node 20 has its WebSocket behind a flag; from 22 on it is simply there.
    poolOptions: { forks: { execArgv: typeof WebSocket === "undefined" ? ["--experimental-websocket"] : [] } },
    pool: "forks",
    maxWorkers: 2,
    minWorkers: 1,
  },
});
