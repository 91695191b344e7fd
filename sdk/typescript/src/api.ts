/** What each operation takes and answers, read off the API description. */
import type { components, operations } from "./openapi.js";
import type { routes } from "./routes.js";

export type Schemas = components["schemas"];

/** The name of an operation in the API description, such as `queryBuySellPoints`. */
export type OperationId = keyof typeof routes & keyof operations;

type Given<T> = [NonNullable<T>] extends [never] ? unknown : NonNullable<T>;
type Body<T> = T extends { requestBody: { content: { "application/json": infer B } } } ? B : unknown;
type Parameters_<T> = T extends { parameters: { query?: infer Q; path?: infer P } } ? Given<Q> & Given<P> : unknown;

/** The arguments of an operation, wherever in the request they go. */
export type Arguments<Id extends OperationId> = Parameters_<operations[Id]> & Body<operations[Id]>;

/** What an operation answers. */
export type Answer<Id extends OperationId> = operations[Id] extends {
  responses: { 200: { content: { "application/json": infer A } } };
}
  ? A
  : unknown;
