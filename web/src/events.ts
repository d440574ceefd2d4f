// What parts of the page tell each other, by events of the window.

import type { Understood } from "./api";
import type { Moved } from "./watch-live";
import type { Filter } from "./filter";

export interface Told {
  /** Show an object's details; null no longer. */
  "detente-object": string | null;
  /** Something on the record changed. */
  "detente-changed": number;
  /** Look at this place: longitude, latitude. */
  "detente-go": [number, number];
  /** What is asked, as the node understood it. */
  "detente-asked": readonly Understood[];
  /** The objects that it meets, as far as they may be seen. */
  "detente-met": readonly string[];
  /** Draw something of this kind, or stop; for whom, and what of it is drawn already. */
  "detente-draw": { by: object; kind: DrawKind | null; shapes: readonly GeoJSON.Geometry[] };
  /** What is drawn by now, and for whom. */
  "detente-drawn": { by: object; shapes: readonly GeoJSON.Geometry[] };
  /** Something happened on the hotline. */
  "detente-called": number;
  /** Whether a call would be heard. */
  "detente-sound": boolean;
  /** So many calls are open, as the node tells. */
  "detente-lines": number;
  /** Open this panel. */
  "detente-tab": string;
  /** Another panel is open; it may have been so before. */
  "detente-opened": { again: boolean };
  /** What others object to of one's own plans, and one has not looked at, is otherwise. */
  "detente-objected": null;
  /** What a report is to be about waits. */
  "detente-draft": null;
  /** The watch looked. */
  "detente-watch": Moved;
  /** Show a track's details, by its name; null no longer. */
  "detente-track": string | null;
  /** What of the picture is drawn. */
  "detente-layers": Filter;
  /** Whose, and of which categories, what the map shows is. */
  "detente-seen": { parties: readonly string[]; categories: readonly string[] };
  /** A place on the map was clicked where nothing is, or while one measures. */
  "detente-clicked": [number, number];
  /** What is being measured; null for nothing. */
  "detente-measure": { line: boolean; places: readonly [number, number][] } | null;
  /** Of which time the map is; null is now. */
  "detente-time": { at: string | null; past: boolean };
  /** Where something is or was that one looks at, to be drawn. */
  "detente-looked-at": readonly GeoJSON.Geometry[];
  /** The node knew nobody who asked for this. */
  "detente-unknown": string;
  /** Why the map could not be drawn. */
  "detente-not-drawn": string;
}

export type DrawKind = "polygon" | "linestring" | "point";

type Hearers = { readonly [K in keyof Told]?: (detail: Told[K]) => void };

/** What was told last by each name, in the order in which it was told. */
const last = new Map<keyof Told, unknown>();

export function tell<K extends keyof Told>(name: K, detail: Told[K]): void {
  last.delete(name);
  last.set(name, detail);
  window.dispatchEvent(new CustomEvent(name, { detail }));
}

/** Hear of it until the signal ends it. */
export function hear<K extends keyof Told>(
  name: K,
  then: (detail: Told[K]) => void,
  signal: AbortSignal,
): void {
  window.addEventListener(name, (event) => then((event as CustomEvent<Told[K]>).detail), { signal });
}

/** Hear of these from now on, and at once of what was told while whoever comes late was not there. */
export function catchUp(hearers: Hearers, signal: AbortSignal): void {
  const all = hearers as Partial<Record<keyof Told, (detail: unknown) => void>>;
  for (const [name, detail] of [...last]) all[name]?.(detail);
  for (const name of Object.keys(all) as (keyof Told)[]) hear(name, all[name]!, signal);
}
