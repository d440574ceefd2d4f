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

/** Ask the node; a body that is neither text nor a file goes as JSON. */
export async function ask<T>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<T> {
  const data = typeof body === "string" || body instanceof Blob ? body : JSON.stringify(body);
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: data }),
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

const underway = new Map<string, Promise<unknown>>();

/** What a button says: pressed again after an answer that was lost, it is the same act and no second one. */
export function act(path: string, said: object): Promise<Receipt> {
  return same(path + JSON.stringify(said), (id, key) => ask<Receipt>("POST", path, { source_id: id, ...said }, key));
}

/** The same of what bears its own name, or none; `seen` is of what it was decided. */
export function sent<T = Receipt>(method: string, path: string, body?: unknown, seen: Record<string, string> = {}): Promise<T> {
  return same(JSON.stringify([method, path, body, seen]), (_, key) => ask<T>(method, path, body, { ...seen, ...key }));
}

/** Pressed twice before an answer came, it is asked once. */
function same<T>(text: string, send: (id: string, key: Record<string, string>) => Promise<T>): Promise<T> {
  const before = underway.get(text) as Promise<T> | undefined;
  if (before !== undefined) return before;
  const now = once(text, send).finally(() => underway.delete(text));
  underway.set(text, now);
  return now;
}

async function once<T>(text: string, send: (id: string, key: Record<string, string>) => Promise<T>): Promise<T> {
  const [id, key] = unanswered.get(text) ?? [crypto.randomUUID(), { "idempotency-key": crypto.randomUUID() }];
  unanswered.set(text, [id, key]);
  try {
    const answer = await send(id, key);
    unanswered.delete(text);
    return answer;
  } catch (error) {
    // What the node refuses is not done; of all else nobody here knows.
    if (error instanceof Refusal && error.status < 500) unanswered.delete(text);
    throw error;
  }
}
