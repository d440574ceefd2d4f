// Tracks on the map. One source, told only what changed; trails of a few, not of all.

import type { GeoJSONFeatureDiff, GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { hear } from "./events";
import { KINDS, filter } from "./filter";
import { linked } from "./link";
import { FONT } from "./map-style";
import { markOf } from "./marks";
import { type Moved, type Track, watch } from "./watch-live";
import { marks } from "./watch-marks";

const OLD_S = 30;
/** After so long without a position a track is drawn faded. */

const TRAIL_POINTS = 30;
const TRAILS_MAX = 300;
/** With more tracks than this, only those picked or warned of leave a trail. */

const NAMES_FROM = 7;
const EMPTY: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };

const LAYERS = ["trails", "nearing", "tracks-alert", "tracks-course", "tracks", "tracks-name"];

type Place = [number, number];

/** Show tracks on a map, for a party, until the signal ends it. */
export function watchOn(map: MapLibre, reader: string, signal: AbortSignal): void {
  new TracksOnMap(map, reader).begin(signal);
}

class TracksOnMap {
  private readonly trails = new Map<string, Place[]>();
  private readonly old = new Map<string, boolean>();
  private readonly levels = new Map<string, string>();
  private picked: string | null = null;
  private isNow = linked("time") === null;

  constructor(private readonly map: MapLibre, private readonly reader: string) {}

  begin(signal: AbortSignal): void {
    const { map } = this;
    for (const [name, image] of marks()) map.addImage(name, image, { pixelRatio: 2 });
    for (const name of ["tracks", "trails", "nearing"]) map.addSource(name, { type: "geojson", data: EMPTY, ...(name === "tracks" ? { promoteId: "name" } : {}) });
    this.layers();
    hear("detente-watch", (moved) => this.take(moved), signal);
    hear("detente-track", (name) => {
      this.picked = name;
      const track = name === null ? undefined : watch.tracks.get(name);
      if (track !== undefined && !this.map.getBounds().contains([track.lon, track.lat])) {
        this.map.easeTo({ center: [track.lon, track.lat], duration: 600 });
      }
      this.lines();
    }, signal);
    hear("detente-time", ({ at }) => {
      this.isNow = at === null;
      this.show();
    }, signal);
    hear("detente-layers", () => this.show(), signal);
    this.show();
    watch.start();
    this.take({ changed: watch.tracks, gone: [], whole: true });
  }

  /** What flies now is no part of a picture of another time, nor of one without tracks. */
  private show(): void {
    const visibility = this.isNow && filter().tracks ? "visible" : "none";
    for (const layer of LAYERS) this.map.setLayoutProperty(layer, "visibility", visibility);
  }

  private layers(): void {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const ink = dark ? "#f4f4f4" : "#15191a";
    const level = ["match", ["get", "level"], "violation", "#c2185b", "warning", "#d9730d", "lost", "#6b5b95", "rgba(0,0,0,0)"];
    const faded = ["case", ["get", "old"], 0.4, 1];
    this.map.addLayer({ id: "trails", type: "line", source: "trails", paint: { "line-color": ink, "line-width": 1.5, "line-opacity": 0.55 } });
    this.map.addLayer({ id: "nearing", type: "line", source: "nearing", paint: { "line-color": "#c2185b", "line-width": 2, "line-dasharray": [2, 2] } });
    this.map.addLayer({
      id: "tracks-alert", type: "circle", source: "tracks", filter: ["!=", ["get", "level"], ""],
      paint: { "circle-radius": 17, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": level as never, "circle-stroke-width": 3 },
    });
    this.map.addLayer({
      id: "tracks-course", type: "symbol", source: "tracks", filter: ["has", "course"],
      layout: { "icon-image": "track-course", "icon-size": 0.8, "icon-rotate": ["get", "course"], "icon-rotation-alignment": "map", "icon-allow-overlap": true, "icon-ignore-placement": true },
      paint: { "icon-opacity": faded as never },
    });
    this.map.addLayer({
      id: "tracks", type: "symbol", source: "tracks",
      layout: { "icon-image": ["get", "mark"], "icon-allow-overlap": true, "icon-ignore-placement": true },
      paint: { "icon-opacity": faded as never },
    });
    this.map.addLayer({
      id: "tracks-name", type: "symbol", source: "tracks", minzoom: NAMES_FROM,
      layout: { "text-field": ["get", "label"], "text-font": [FONT], "text-size": 12, "text-offset": [0, 1.7], "text-anchor": "top", "text-optional": true },
      paint: { "text-color": ink, "text-halo-color": dark ? "#0e1a20" : "#ffffff", "text-halo-width": 1.5 },
    });
  }

  private take({ changed, gone, whole }: Moved): void {
    const source = this.map.getSource<GeoJSONSource>("tracks");
    if (source === undefined) return;
    const levels = new Map(watch.groups.flatMap((one) => (one.track ? [[one.id, one.level as string]] : [])));
    if (whole) {
      this.old.clear();
      this.trails.clear();
    }
    for (const name of gone) {
      this.old.delete(name);
      this.trails.delete(name);
    }
    const add: GeoJSON.Feature[] = [];
    const update: GeoJSONFeatureDiff[] = [];
    for (const [name, track] of watch.tracks) {
      const old = isOld(track);
      const level = levels.get(name) ?? "";
      const known = this.old.get(name);
      const moved = changed.has(name);
      if (known === undefined) add.push(feature(name, track, old, level, this.reader));
      else if (moved || known !== old || level !== (this.levels.get(name) ?? "")) update.push(diff(name, track, old, level, this.reader));
      if (moved) this.lengthen(name, track, level);
      this.old.set(name, old);
    }
    this.levels.clear();
    for (const [name, level] of levels) this.levels.set(name, level);
    void source.updateData({ removeAll: whole, remove: [...gone], add, update });
    this.lines();
  }

  private lengthen(name: string, track: Track, level: string): void {
    const wanted = level !== "" || name === this.picked || watch.tracks.size <= TRAILS_MAX;
    if (!wanted) {
      this.trails.delete(name);
      return;
    }
    const trail = this.trails.get(name) ?? [];
    trail.push([track.lon, track.lat]);
    if (trail.length > TRAIL_POINTS) trail.shift();
    this.trails.set(name, trail);
  }

  private lines(): void {
    const trails = [...this.trails.values()].filter((one) => one.length > 1);
    this.put("trails", trails);
    this.put("nearing", this.nearing());
  }

  /** From the picked track to what it nears, where the map shows that. */
  private nearing(): Place[][] {
    const track = this.picked === null ? undefined : watch.tracks.get(this.picked);
    const group = watch.groups.find((one) => one.id === this.picked);
    if (track === undefined || group === undefined) return [];
    const here: Place = [track.lon, track.lat];
    return group.alerts.flatMap((one) => {
      const there = one.entry?.object ? this.nearest(one.entry.object, here) : null;
      return there === null ? [] : [[here, there]];
    });
  }

  private nearest(object: string, here: Place): Place | null {
    const places = KINDS.flatMap((kind) =>
      this.map.querySourceFeatures("picture", { sourceLayer: kind, filter: ["==", ["get", "object"], object] as never })
        .flatMap((one) => placesOf("coordinates" in one.geometry ? one.geometry.coordinates : [])));
    let best: Place | null = null;
    for (const one of places) if (best === null || apart(one, here) < apart(best, here)) best = one;
    return best;
  }

  private put(name: string, lines: readonly Place[][]): void {
    const features = lines.map((coordinates) => ({ type: "Feature" as const, properties: {}, geometry: { type: "LineString" as const, coordinates } }));
    this.map.getSource<GeoJSONSource>(name)?.setData({ type: "FeatureCollection", features });
  }
}

/** By the node's own times, both of them. */
function isOld(track: Track): boolean {
  return watch.asOf !== null && Date.parse(watch.asOf) - Date.parse(track.time) > OLD_S * 1_000;
}

function propertiesOf(name: string, track: Track, old: boolean, level: string, reader: string): Record<string, string | number | boolean> {
  const course = track.course_deg;
  return {
    name, old, level,
    mark: markOf(track, reader),
    label: `${track.name || track.track}${track.speed_m_s ? ` ${Math.round(track.speed_m_s * 1.943844)} kt` : ""}`,
    ...(course === null || course === undefined ? {} : { course }),
  };
}

function feature(name: string, track: Track, old: boolean, level: string, reader: string): GeoJSON.Feature {
  return { type: "Feature", geometry: { type: "Point", coordinates: [track.lon, track.lat] }, properties: propertiesOf(name, track, old, level, reader) };
}

function diff(name: string, track: Track, old: boolean, level: string, reader: string): GeoJSONFeatureDiff {
  const properties = Object.entries(propertiesOf(name, track, old, level, reader)).map(([key, value]) => ({ key, value }));
  return { id: name, newGeometry: { type: "Point", coordinates: [track.lon, track.lat] }, addOrUpdateProperties: properties };
}

function apart(one: Place, other: Place): number {
  return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2;
}

function placesOf(nested: unknown): Place[] {
  if (!Array.isArray(nested)) return [];
  return typeof nested[0] === "number" ? [nested as Place] : nested.flatMap(placesOf);
}
