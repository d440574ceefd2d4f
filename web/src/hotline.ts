// The hotline's calls, as the node last told of them, for whatever shows them.

import { type Schemas, act, ask } from "./api";
import { tell } from "./events";
import { called } from "./words";

export type LinePage = Schemas["LinePage"];
export type Line = Schemas["LineView"];
export type Incident = Schemas["Incident"];
export type Step = Schemas["IncidentStep"];
export type Call = Schemas["Call"];

export const CODES = [
  "stop_hitting_us", "stop_hitting_protected", "aircraft_will_cross", "aircraft_in_distress",
  "movement_in_distress", "evacuation", "contact_lost", "other",
] as const;

const E7 = 1e7;
const CLOSED_MAX = 50;
const MS = 1_000;
let page: LinePage | null = null;
/** Which request was the last, and to which one what is shown is the answer: answers may overtake. */
let asked = 0;
let answered = 0;
/** How far the node's clock is ahead of this browser's, ms: both sides see one clock. */
let ahead = 0;

export function lines(): readonly Line[] {
  return page?.lines ?? [];
}

export function ladder(): Schemas["HotlineTold"]["ladder"] {
  return page?.hotline.ladder ?? [];
}

export async function load(): Promise<void> {
  const turn = ++asked;
  let next = await ask<LinePage>("GET", "/v1/incidents?open=true");
  const all = [...next.lines];
  // The newest are on the last page: none may be left out.
  while (next.more) {
    next = await ask<LinePage>("GET", `/v1/incidents?open=true&after=${next.after}`);
    all.push(...next.lines);
  }
  if (turn < answered) return;
  answered = turn;
  page = { ...next, lines: all };
  ahead = Date.parse(page.now) - Date.now();
  tell("detente-lines", all.length);
}

/** Say how far one is. */
export async function step(line: Line, word: string, text: string): Promise<void> {
  const receipt = await act(`/v1/incidents/${line.incident.object}/steps`, { act: word, ...(text === "" ? {} : { text }) });
  // It is said, whether or not the list comes: that is asked for until it does.
  await load().catch(() => tell("detente-called", receipt.sequence));
}

export function incident(line: Line): Incident {
  return line.incident.value as Incident;
}

export function message(line: Line): string {
  return called("hotline.code", incident(line).code);
}

/** Whether it is for this party to answer: the call, or what its caller said since it last did. */
export function waits(line: Line, party: string): boolean {
  const both = [party, line.incident.party];
  return !line.own && line.steps?.filter((one) => both.includes(one.view.party)).at(-1)?.view.party !== party;
}

/** Minutes and seconds from one time to another, by default to now on the node's clock. */
export function span(from: string, to: number = Date.now() + ahead): string {
  return clock((to - Date.parse(from)) / MS);
}

export function left(until: string): string {
  return clock((Date.parse(until) - Date.now() - ahead) / MS);
}

export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return (parts[0] === 0 ? parts.slice(1) : parts).map((one) => `${one}`.padStart(2, "0")).join(":");
}

/** The calls that were closed, the newest first. */
export async function closed(): Promise<Line[]> {
  const last = await ask<LinePage>("GET", `/v1/incidents?open=false&newest=true&limit=${CLOSED_MAX}`);
  return [...last.lines].reverse();
}

/** Its shapes for the map: of a circle the middle, of which the words say how far around it. */
export function drawnOf(line: Line): GeoJSON.Geometry[] {
  const degrees = (at: readonly number[]): number[] => at.map((one) => one / E7);
  return incident(line).volumes.flatMap((one) => one.footprint.map((shape): GeoJSON.Geometry => {
    if ("centre" in shape) return { type: "Point", coordinates: degrees(shape.centre) };
    if ("line" in shape) return { type: "LineString", coordinates: shape.line.map(degrees) };
    return { type: "Polygon", coordinates: shape.rings.map((ring) => [...ring, ring[0]!].map(degrees)) };
  }));
}

/** Where to look on the map: the first place of the first shape. */
export function placeOf(line: Line): [number, number] {
  const shape = incident(line).volumes[0]?.footprint[0];
  if (shape === undefined) return [0, 0];
  const at = "centre" in shape ? shape.centre : "line" in shape ? shape.line[0] : shape.rings[0]?.[0];
  const [lon, lat] = (at ?? [0, 0]) as [number, number];
  return [lon / E7, lat / E7];
}
