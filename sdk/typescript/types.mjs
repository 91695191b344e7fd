// Makes src/openapi.ts of the API description on standard input.
import { writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import openapiTS, { astToString } from "openapi-typescript";

/**
 * Returns the types of an API description. Errors have one body for all operations, so only answers are kept.
 *
 * @param {{ paths: Record<string, Record<string, { responses: Record<string, unknown> }>> }} description
 * @returns {Promise<string>}
 */
export async function typesOf(description) {
  const trimmed = structuredClone(description);
  for (const ways of Object.values(trimmed.paths)) {
    for (const way of Object.values(ways)) {
      way.responses = Object.fromEntries(Object.entries(way.responses).filter(([status]) => status.startsWith("2")));
    }
  }
  forgetChoices(trimmed);
  const head = "// Made of the API description by types.mjs: do not edit.\n\n";
  return head + astToString(await openapiTS(/** @type {any} */ (trimmed), { immutable: true }));
}

/**
 * Drops `anyOf` that only says which arguments go together: TypeScript would read it as "anything at all".
 *
 * @param {unknown} node
 */
function forgetChoices(node) {
  if (typeof node !== "object" || node === null) return;
  if ("properties" in node && "anyOf" in node && Array.isArray(node.anyOf)) {
    if (node.anyOf.every((choice) => Object.keys(choice).join() === "required")) delete node.anyOf;
  }
  Object.values(node).forEach(forgetChoices);
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(new URL("src/openapi.ts", import.meta.url), await typesOf(JSON.parse(await text(process.stdin))));
}
