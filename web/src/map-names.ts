// Names of cities, in the language of the page. They come after the picture.

import type { Map as MapLibre } from "maplibre-gl";
import { DARK, FONT, LIGHT, nameIn } from "./map-style";

const FIRST = 4;
/** From this zoom there is room for names of cities; scripts/basemap.py has no tiles before. */

/** The rank of a city that is named from each zoom on: the world's largest and capitals are 0. */
const RANKS = [[5, 1], [6, 2], [7, 3], [9, 4]] as const;

/** Add the names of cities, under what was drawn before. */
export function citiesOn(map: MapLibre, dark: boolean, origin: string, language: string): void {
  const palette = dark ? DARK : LIGHT;
  map.addSource("places", { type: "vector", url: `pmtiles://${origin}/page/places.pmtiles` });
  const shown = ["step", ["zoom"], 0, ...RANKS.flat()];
  map.addLayer({
    id: "city", type: "symbol", source: "places", "source-layer": "places", minzoom: FIRST,
    filter: ["<=", ["get", "rank"], shown] as never,
    layout: {
      "text-field": nameIn(language), "text-font": [FONT], "text-max-width": 8,
      "text-size": ["match", ["get", "rank"], 0, 13, 1, 12, 11],
      "symbol-sort-key": ["get", "rank"], "text-padding": 6,
    },
    paint: { "text-color": palette.text, "text-opacity": 0.85, "text-halo-color": palette.halo, "text-halo-width": 1.2 },
  }, map.getLayer("notices-area") ? "notices-area" : undefined);
}
