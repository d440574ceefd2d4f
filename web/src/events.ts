// What parts of the page tell each other, by events of the window.

import type { Understood } from "./api";
import type { Moved } from "./watch-live";

export interface Told {
  /** Show an object's details. */
  "detente-object": string;
  /** Something on the record changed. */
  "detente-changed": number;
  /** Look at this place: longitude, latitude. */
  "detente-go": [number, number];
  /** What is asked, as the node understood it. */
  "detente-asked": readonly Understood[];
  /** The objects that it meets, as far as they may be seen. */
  "detente-met": readonly string[];
  /** Draw something of this kind, or stop. */
  "detente-draw": DrawKind | null;
  /** What is drawn by now. */
  "detente-drawn": readonly GeoJSON.Geometry[];
  /** Something happened on the hotline. */
  "detente-called": number;
  /** So many calls are open, as the node tells. */
  "detente-lines": number;
  /** Open this panel. */
  "detente-tab": string;
  /** Which layers are shown. */
  "detente-layers": ReadonlySet<string>;
  /** The watch looked. */
  "detente-watch": Moved;
  /** Show a track's details, by its name; null no longer. */
  "detente-track": string | null;
  /** Open a panel. */
  "detente-tab": string;
}

export type DrawKind = "polygon" | "linestring" | "point";

export function tell<K extends keyof Told>(name: K, detail: Told[K]): void {
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
