// What stands on the map by itself: zoom, scale, and whose data it is; in the language of the page.

import { AttributionControl, type IControl, type Map as MapLibre, NavigationControl, ScaleControl } from "maplibre-gl";
import { listed, say } from "./words";

const LABELS = {
  ".maplibregl-ctrl-zoom-in": "map.zoom-in",
  ".maplibregl-ctrl-zoom-out": "map.zoom-out",
  ".maplibregl-ctrl-attrib-button": "map.sources",
} as const;

/** Put them on the map, in the place of those in another language. */
export function controlsOn(map: MapLibre, before: readonly IControl[] = []): readonly IControl[] {
  for (const one of before) map.removeControl(one);
  const scale = new ScaleControl({ unit: "metric" });
  const zoom = new NavigationControl({ showCompass: false });
  const whose = new AttributionControl({ compact: true, customAttribution: listed(["Natural Earth", "GeoNames (CC BY 4.0)", say("look-no-evidence")], "list.semicolon") });
  map.addControl(zoom, "top-right").addControl(scale, "bottom-left").addControl(whose, "bottom-right");
  for (const [selector, word] of Object.entries(LABELS)) {
    const button = map.getContainer().querySelector<HTMLElement>(selector);
    button?.setAttribute("aria-label", say(word));
    button?.setAttribute("title", say(word));
  }
  return [zoom, scale, whose];
}
