// What of the picture is drawn. It hides from this screen alone: a check asks all of it.

import type { FilterSpecification } from "maplibre-gl";
import { tell } from "./events";
import { link, linked } from "./link";

export interface Filter {
  /** Of these kinds. */
  kinds: ReadonlySet<string>;
  /** Live tracks as well; alerts of them are told all the same. */
  tracks: boolean;
  /** Not of these parties and categories: what is new is shown. */
  noParties: ReadonlySet<string>;
  noCategories: ReadonlySet<string>;
  /** Metres above the ellipsoid; what has no known altitude stays. */
  low: number | null;
  high: number | null;
}

export const KINDS = ["notices", "zones", "presence", "plans"] as const;
const OF_KIND: Record<string, string> = { notices: "notice", zones: "zone", presence: "presence", plans: "plan" };

export const ALL: Filter = {
  kinds: new Set(KINDS), tracks: true, noParties: new Set(), noCategories: new Set(), low: null, high: null,
};

let current: Filter = fromLink();

export function filter(): Filter {
  return current;
}

export function refine(change: Partial<Filter>): void {
  current = { ...current, ...change };
  link({
    kinds: current.kinds.size === KINDS.length ? null : [...current.kinds].join(",") || "none",
    tracks: current.tracks ? null : "none",
    "no-party": [...current.noParties].join(","),
    "no-category": [...current.noCategories].join(","),
    low: current.low === null ? null : String(current.low),
    high: current.high === null ? null : String(current.high),
  });
  tell("detente-layers", current);
}

/** Whether anything is hidden. */
export function isFiltering(of: Filter): boolean {
  return of.kinds.size < KINDS.length || !of.tracks || narrowing(of).size > 0;
}

/** What the node leaves out of the picture's tiles, so that a cluster counts what is drawn. */
export function narrowing(of: Filter): URLSearchParams {
  const out = new URLSearchParams();
  if (of.noParties.size > 0) out.set("no-party", [...of.noParties].sort().join(","));
  if (of.noCategories.size > 0) out.set("no-category", [...of.noCategories].sort().join(","));
  if (of.low !== null) out.set("low", String(of.low));
  if (of.high !== null) out.set("high", String(of.high));
  return out;
}

/** Of which time the picture is, and what of it its reader does not want (docs/gis.md). */
export interface Wanted {
  at: string | null;
  past: boolean;
  narrowing: URLSearchParams;
}

/** Where the picture's tiles are. */
export function tilesOf(origin: string, { at, past, narrowing }: Wanted): string {
  const query = new URLSearchParams(narrowing);
  if (at !== null) query.set("datetime", at);
  if (at !== null && past) query.set("as-of", at);
  return `${origin}/ogc/tiles/WebMercatorQuad/{z}/{y}/{x}${query.size === 0 ? "" : `?${query}`}`;
}

/** For clusters, which know their kind. */
export function clusterFilter(of: Filter): FilterSpecification {
  const kinds = [...of.kinds].map((one) => OF_KIND[one]);
  return ["in", ["get", "kind"], ["literal", kinds]] as unknown as FilterSpecification;
}

function fromLink(): Filter {
  const kinds = linked("kinds");
  return {
    kinds: kinds === null ? ALL.kinds : new Set(KINDS.filter((one) => kinds.split(",").includes(one))),
    tracks: linked("tracks") !== "none",
    noParties: list("no-party"),
    noCategories: list("no-category"),
    low: number("low"),
    high: number("high"),
  };
}

function list(name: string): ReadonlySet<string> {
  return new Set((linked(name) ?? "").split(",").filter(Boolean));
}

function number(name: string): number | null {
  const value = linked(name);
  return value === null || !Number.isFinite(Number(value)) ? null : Number(value);
}
