// How alerts are said: what, how soon, how far, whom to call.

import { type Schemas, act } from "./api";
import { type AlertShown, type Group, type SilentFeed, type Track, watch } from "./watch-live";
import { called, deskOf, say } from "./words";

/** Minutes and seconds; from what the node said, less what has passed since. */
export function clock(time_s: number): string {
  const left = Math.max(0, Math.floor(time_s - watch.sinceHeard()));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

/** How soon a group's first alert may be a violation. A track that is not shown has whole minutes. */
export function soon(one: Group | AlertShown): string {
  if (one.level === "violation") return say("watch.now");
  if (one.time_s === null || one.time_s === undefined) return "";
  const named = "alerts" in one ? one.track : one.distance_m;
  if (!named) return say("watch.minutes", { count: Math.floor(one.time_s / 60) });
  return say("watch.in", { clock: clock(one.time_s) });
}

/** What moves; a unit's own type (docs/cot.md) has no words. */
export function kindOf({ kind }: Track): string {
  return called("watch.kind", kind.startsWith("a-") ? "person" : kind);
}

export function called_(track: Track): string {
  return track.name || track.track;
}

export function nameOfGroup(group: Group): string {
  if (!group.track) return say("watch.somebody");
  return `${kindOf(group.track)} ${called_(group.track)}`;
}

export function nears(alert: AlertShown): string {
  const entry = alert.entry;
  if (!entry) return say("watch.lost-track");
  if (entry.name) return entry.name;
  const party = entry.party ?? "";
  return entry.kind ? say("watch.entry-of", { kind: called("kind", entry.kind), party }) : say("watch.something-of", { party });
}

export function far(alert: AlertShown): string {
  if (alert.distance_m === null || alert.distance_m === undefined) return "";
  // As many places as are of use, and an error that holds what was rounded away.
  const places = alert.distance_m >= 1_000 ? 1 : 3;
  const step = 10 ** places;
  const error = Math.ceil(((alert.distance_error_m ?? 0) / 1_000 + 0.5 / step) * step) / step;
  return say("watch.far", {
    distance: (alert.distance_m / 1_000).toFixed(places),
    error: error.toFixed(places),
    keep: (alert.separation_m ?? 0) / 1_000,
  });
}

export function desk(one: { desk?: Schemas["Desk"] | null }): string {
  return deskOf(one.desk);
}

/** What is on its way from this page, or was said by it: the next screen of the watch may be a second away. */
const said = new Set<string>();

/** Whether a party has taken in all that is on record of these. */
export function isTakenIn(alerts: readonly (AlertShown | SilentFeed)[], party: string): boolean {
  return alerts.every((one) => said.has(`${party} ${one.leaf}`) || one.acknowledged?.some((word) => word.party === party));
}

/** Acknowledge what is on record of these and was not acknowledged; the last entry's number, -1 where there is none. */
export async function takeIn(alerts: readonly (AlertShown | SilentFeed)[], party: string): Promise<number> {
  let sequence = -1;
  for (const one of alerts) {
    if (!one.leaf || isTakenIn([one], party)) continue;
    said.add(`${party} ${one.leaf}`);
    try {
      sequence = (await act("/v1/acknowledgements", { entry: one.leaf, level: "received" })).sequence;
    } catch (error) {
      said.delete(`${party} ${one.leaf}`);
      throw error;
    }
  }
  return sequence;
}
