// The watch as the node tells it: whole at first, then what changed. One line for the whole page.

import type { Schemas } from "./api";
import { tell } from "./events";
import { hearStream } from "./hearing";

export type Track = Schemas["TrackShown"];
export type Group = Schemas["Group"];
export type AlertShown = Schemas["AlertShown"];
export type SilentFeed = Schemas["SilentFeed"];
export type FeedState = Schemas["FeedState"];
type Screen = Schemas["Screen"];

/** What one message of the node changed of the tracks. */
export interface Moved {
  changed: ReadonlyMap<string, Track>;
  gone: readonly string[];
  whole: boolean;
}

export function nameOf(track: Track): string {
  return `${track.party}/${track.feed}/${track.track}`;
}

class WatchLive {
  readonly tracks = new Map<string, Track>();
  groups: readonly Group[] = [];
  silences: readonly SilentFeed[] = [];
  feeds: readonly FeedState[] = [];
  asOf: string | null = null;
  problem = "";
  problemCode = "";
  tracksLeftOut = 0;
  groupsLeftOut = 0;
  live = false;
  /** When the page heard it, by its own clock: how far time has run on since is measured by that. */
  heardAt = 0;
  private readonly byId = new Map<string, Group>();
  private started = false;

  /** Hear it from now on. */
  start(): void {
    if (this.started) return;
    this.started = true;
    hearStream("watch", ({ name, data }) => {
      this.live = name !== "error";
      if (name === "screen" || name === "change") this.take(JSON.parse(data) as Screen, name === "screen");
      if (name === "error") tell("detente-watch", { changed: new Map(), gone: [], whole: false });
    });
  }

  /** Seconds since the node's last word. */
  sinceHeard(): number {
    return (performance.now() - this.heardAt) / 1_000;
  }

  private take(screen: Screen, whole: boolean): void {
    this.heardAt = performance.now();
    this.live = true;
    const gone = whole ? [...this.tracks.keys()] : (screen.gone ?? []);
    if (whole) this.byId.clear();
    for (const name of gone) this.tracks.delete(name);
    const changed = new Map((screen.tracks ?? []).map((one) => [nameOf(one), one]));
    for (const [name, one] of changed) this.tracks.set(name, one);
    for (const one of screen.groups ?? []) this.byId.set(one.id, one);
    const order = screen.order ?? [];
    const standing = new Set(order);
    for (const id of [...this.byId.keys()]) if (!standing.has(id)) this.byId.delete(id);
    this.groups = order.flatMap((id) => this.byId.get(id) ?? []);
    this.silences = screen.silences ?? [];
    if (whole || screen.feeds !== undefined) this.feeds = screen.feeds ?? [];
    this.asOf = screen.as_of;
    this.problem = screen.problem ?? "";
    this.problemCode = screen.problem_code ?? "";
    this.tracksLeftOut = screen.tracks_left_out ?? 0;
    this.groupsLeftOut = screen.groups_left_out ?? 0;
    tell("detente-watch", { changed, gone: gone.filter((name) => !this.tracks.has(name)), whole });
  }
}

export const watch = new WatchLive();
