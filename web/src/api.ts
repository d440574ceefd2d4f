// The node's interface. Types come from its own description (build/openapi.d.ts).

import type { components } from "../build/openapi";
import { tell } from "./events";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type WhoAmI = Schemas["WhoAmI"];
export type View = Schemas["View"];
export type Verdict = Schemas["Verdict"];
export type Finding = Schemas["Finding"];
export type Receipt = Schemas["Receipt"];
export type Readings = Schemas["Readings"];
export type Understood = Schemas["Understood"];
export type Volume = Schemas["Volume"];
export type SilencePage = Schemas["SilencePage"];

/** What the node refused, in its own words. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
  ) {
    super(problem.detail || problem.title || `${status}`);
  }
}

/** Ask the node; a body that is no text goes as JSON. */
export async function ask<T>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<T> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: text }),
  });
  if (answer.status === 401) tell("detente-unknown", path);
  if (answer.status === 204) return undefined as T;
  const told: unknown = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, told as Partial<Problem>);
  return told as T;
}

/** What one types, as the node's readers of files take it. */
export interface Feature {
  type: "Feature";
  geometry: GeoJSON.Geometry | null;
  properties: Record<string, string | number>;
}

/** What the node understands of it; nothing is stored. */
export function readBack(kind: string, features: Feature[]): Promise<Readings> {
  const body = { type: "FeatureCollection", features };
  return ask("POST", `/v1/readings?kind=${kind}`, body, { "content-type": "application/geo+json" });
}

/** Acts of which no answer has come, by what was sent: the name and the key under which each was. */
const unanswered = new Map<string, [string, Record<string, string>]>();

/** What a button does: pressed again after an answer that was lost, it is the same act and no second one. */
export async function act(path: string, said: object): Promise<Receipt> {
  const text = path + JSON.stringify(said);
  const [id, key] = unanswered.get(text) ?? [crypto.randomUUID(), once()];
  unanswered.set(text, [id, key]);
  try {
    const receipt = await ask<Receipt>("POST", path, { source_id: id, ...said }, key);
    unanswered.delete(text);
    return receipt;
  } catch (error) {
    // What the node refuses is not done; of all else nobody here knows.
    if (error instanceof Refusal && error.status < 500) unanswered.delete(text);
    throw error;
  }
}

/** A key under which an act that is sent again is done once. */
export function once(): Record<string, string> {
  return { "idempotency-key": crypto.randomUUID() };
}
