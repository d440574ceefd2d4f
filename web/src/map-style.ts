// How the picture looks. Shape and pattern say what colour says, for who sees no colour.

import type { ExpressionSpecification, FilterSpecification, LayerSpecification, Map as MapLibre, SourceSpecification, StyleSpecification } from "maplibre-gl";

import { KINDS } from "./filter";
import { MARKED, MARKED_RADIUS_M, markIn } from "./marks";

export const FONT = "Noto Sans";

/** From which zoom to which scripts/basemap.py makes tiles of lines between provinces. */
const PROVINCES = { minzoom: 4, maxzoom: 6 };

const MARKS_FROM = 5;
/** Nearer than this, symbols have room. */

const FOUND = "#c2185b";
const NOTHING = ["literal", false] as unknown as FilterSpecification;

/** Of the layers that show what was met: these objects, places as places. */
export function metFilter(objects: readonly string[], isPlace: boolean): FilterSpecification {
  const among = ["in", ["get", "object"], ["literal", objects]];
  return ["all", among, [isPlace ? "==" : "!=", ["geometry-type"], "Point"]] as unknown as FilterSpecification;
}

interface Palette {
  sea: string;
  land: string;
  river: string;
  border: string;
  province: string;
  text: string;
  halo: string;
  asked: string;
}

export const LIGHT: Palette = { sea: "#dbe7ec", land: "#f6f4ee", river: "#b3c9d4", border: "#9a9284", province: "#cbc4b6", text: "#4b463d", halo: "#ffffff", asked: "#111111" };
export const DARK: Palette = { sea: "#0e1a20", land: "#1b262b", river: "#0a1216", border: "#5d6a70", province: "#39464d", text: "#b9c4c8", halo: "#0e1a20", asked: "#f4f4f4" };

export const COLOURS: Record<string, string> = {
  notices: "#0a7d74",
  zones: "#9a3b1f",
  presence: "#2456b8",
  plans: "#7a3fa0",
};

/** The layers of one kind: areas, their edges, places, and what is disputed, hatched. */
function layersOf(kind: string, palette: Palette, reader: string): LayerSpecification[] {
  const colour = COLOURS[kind] ?? "#333333";
  const source = { source: "picture", "source-layer": kind };
  const faded = ["case", ["==", ["get", "stale"], true], 0.45, 1] as unknown as number;
  const place: ["==", unknown, string] = ["==", ["geometry-type"], "Point"];
  const coarse = ["==", ["get", "grade"], "area"];
  return [
    {
      id: `${kind}-area`, type: "fill", ...source, filter: ["!=", ["geometry-type"], "Point"],
      paint: { "fill-color": colour, "fill-opacity": ["*", faded, ["case", coarse, 0.12, 0.26]] as never },
    },
    {
      id: `${kind}-hatch`, type: "fill", ...source,
      filter: ["all", ["!=", ["geometry-type"], "Point"], ["==", ["get", "disputed"], true]] as never,
      paint: { "fill-pattern": "hatch" },
    },
    {
      id: `${kind}-edge`, type: "line", ...source, filter: ["!=", ["geometry-type"], "Point"],
      paint: {
        "line-color": colour, "line-width": 1.5, "line-opacity": faded,
        ...(kind === "plans" ? { "line-dasharray": [3, 2] } : {}),
      },
    },
    {
      id: `${kind}-place`, type: "circle", ...source, filter: place as never,
      paint: {
        "circle-color": colour, "circle-radius": 6, "circle-opacity": faded,
        "circle-stroke-color": palette.halo, "circle-stroke-width": 1.5,
      },
    },
    ...(MARKED.includes(kind) ? [{
      id: `${kind}-mark`, type: "symbol", ...source, minzoom: MARKS_FROM,
      filter: ["all", ["!=", ["get", "disputed"], true], ["any", place, ["<=", ["coalesce", ["get", "radius_m"], MARKED_RADIUS_M + 1], MARKED_RADIUS_M]]],
      layout: { "icon-image": markIn(kind, reader), "icon-padding": 0 },
      paint: { "icon-opacity": faded },
    }] : []),
    // What a check met; the map is told which by a filter.
    {
      id: `${kind}-found`, type: "line", ...source, filter: NOTHING,
      paint: { "line-color": FOUND, "line-width": 4 },
    },
    {
      id: `${kind}-found-place`, type: "circle", ...source, filter: NOTHING,
      paint: {
        "circle-color": "rgba(0,0,0,0)", "circle-radius": 18,
        "circle-stroke-color": FOUND, "circle-stroke-width": 3,
      },
    },
    {
      id: `${kind}-name`, type: "symbol", ...source, minzoom: 9,
      layout: {
        "text-field": ["coalesce", ["get", "name"], ""], "text-font": [FONT], "text-size": 12,
        "text-offset": [0, 1.7], "text-anchor": "top", "text-max-width": 9,
      },
      paint: { "text-color": palette.text, "text-halo-color": palette.halo, "text-halo-width": 1.4 },
    },
  ] as LayerSpecification[];
}

/** For a reader, by the name of his party, in his language. */
export function styleOf(dark: boolean, tiles: string, reader: string, language: string): StyleSpecification {
  const palette = dark ? DARK : LIGHT;
  const text = { "text-color": palette.text, "text-halo-color": palette.halo, "text-halo-width": 1.4 };
  const empty: SourceSpecification = { type: "geojson", data: { type: "FeatureCollection", features: [] } };
  return {
    version: 8,
    sources: {
      base: {
        type: "vector",
        url: `pmtiles://${location.origin}/page/base.pmtiles`,
      },
      waters: { type: "vector", url: `pmtiles://${location.origin}/page/waters.pmtiles` },
      // By tiles and not by the file's own account of itself, which would be asked for at once.
      provinces: {
        type: "vector",
        tiles: [`pmtiles://${location.origin}/page/provinces.pmtiles/{z}/{x}/{y}`],
        ...PROVINCES,
      },
      picture: {
        type: "vector",
        tiles: [tiles],
        maxzoom: 16,
      },
      asked: empty,
      measure: empty,
    },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": palette.sea } },
      {
        id: "land", type: "fill", source: "base", "source-layer": "base",
        filter: ["==", ["get", "kind"], "land"], paint: { "fill-color": palette.land },
      },
      {
        id: "river", type: "line", source: "waters", "source-layer": "waters",
        filter: ["==", ["get", "kind"], "river"], minzoom: 3,
        paint: { "line-color": palette.river, "line-width": ["interpolate", ["linear"], ["zoom"], 3, 0.5, 7, 1.6] },
      },
      {
        id: "lake", type: "fill", source: "waters", "source-layer": "waters",
        filter: ["==", ["get", "kind"], "lake"], minzoom: 3, paint: { "fill-color": palette.sea },
      },
      {
        id: "province", type: "line", source: "provinces", "source-layer": "provinces", minzoom: PROVINCES.minzoom,
        paint: { "line-color": palette.province, "line-width": ["interpolate", ["linear"], ["zoom"], PROVINCES.minzoom, 0.4, 7, 1] },
      },
      {
        id: "border", type: "line", source: "base", "source-layer": "base",
        filter: ["==", ["get", "kind"], "border"],
        paint: { "line-color": palette.border, "line-width": 1 },
      },
      {
        id: "border-disputed", type: "line", source: "base", "source-layer": "base",
        filter: ["==", ["get", "kind"], "disputed"],
        paint: { "line-color": palette.border, "line-width": 1.2, "line-dasharray": [3, 3] },
      },
      {
        id: "country", type: "symbol", source: "base", "source-layer": "base", maxzoom: 8,
        filter: ["==", ["get", "kind"], "country"],
        layout: { "text-field": nameIn(language), "text-font": [FONT], "text-size": 12 },
        paint: text,
      },
      ...KINDS.flatMap((kind) => layersOf(kind, palette, reader)),
      {
        id: "clusters", type: "circle", source: "picture", "source-layer": "clusters",
        paint: {
          "circle-color": ["match", ["get", "kind"], "notice", COLOURS.notices, "zone", COLOURS.zones,
            "presence", COLOURS.presence, COLOURS.plans] as never,
          "circle-opacity": 0.8,
          "circle-radius": ["interpolate", ["linear"], ["ln", ["get", "count"]], 0, 8, 7, 20],
          "circle-stroke-color": palette.halo, "circle-stroke-width": 1.5,
        },
      },
      {
        id: "clusters-count", type: "symbol", source: "picture", "source-layer": "clusters",
        layout: { "text-field": ["to-string", ["get", "count"]], "text-font": [FONT], "text-size": 11 },
        paint: { "text-color": "#ffffff" },
      },
      {
        id: "asked-area", type: "fill", source: "asked",
        paint: { "fill-color": palette.asked, "fill-opacity": 0.16 },
      },
      {
        id: "asked-edge", type: "line", source: "asked",
        paint: { "line-color": palette.asked, "line-width": 2.5, "line-dasharray": [2, 1.5] },
      },
      {
        id: "asked-place", type: "circle", source: "asked", filter: ["==", ["geometry-type"], "Point"],
        paint: { "circle-color": palette.asked, "circle-radius": 7, "circle-stroke-color": palette.halo, "circle-stroke-width": 2 },
      },
      {
        id: "measure-line", type: "line", source: "measure",
        paint: { "line-color": palette.asked, "line-width": 2 },
      },
      {
        id: "measure-place", type: "circle", source: "measure", filter: ["==", ["geometry-type"], "Point"],
        paint: { "circle-color": palette.halo, "circle-radius": 5, "circle-stroke-color": palette.asked, "circle-stroke-width": 2.5 },
      },
    ],
  };
}

/** A name of the map in a language; English where it has none. */
export function nameIn(language: string): ExpressionSpecification {
  return ["coalesce", ["get", language], ["get", "name"]];
}

/** Turn all names of the map to a language. */
export function speakOn(map: MapLibre, language: string): void {
  for (const layer of ["country", "city"]) if (map.getLayer(layer)) map.setLayoutProperty(layer, "text-field", nameIn(language));
}
