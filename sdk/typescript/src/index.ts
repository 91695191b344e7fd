/** A client of a chanflow desk: typed calls over REST, pushed events over one socket that goes on where it was cut. */
export type { Answer, Arguments, OperationId, Schemas } from "./api.js";
export { Client, type ClientSettings } from "./client.js";
export type { Code } from "./codes.js";
export { ChanflowError, type OwnCode } from "./fault.js";
export type { Patience, Surroundings } from "./retries.js";
export { DeskSocket, type SocketMaker } from "./socket.js";
export type { Choice, DeskEvent, Subscription } from "./subscription.js";
