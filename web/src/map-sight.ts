// What is on the map: told to the page, drawn for paper, measured for its frame.

import type { Map as MapLibre } from "maplibre-gl";
import type { Problem } from "./api";
import { tell } from "./events";
import { KINDS } from "./filter";
import { worded } from "./refused";

/** Tell whose what is in view is, and of which categories. */
export function seenOn(map: MapLibre): void {
  const found = KINDS.flatMap((kind) => map.querySourceFeatures("picture", { sourceLayer: kind }));
  const named = (name: string): string[] =>
    [...new Set(found.map((one) => one.properties[name] as unknown))].filter((one) => typeof one === "string");
  tell("detente-seen", { parties: named("party"), categories: named("category") });
}

/** Why the node refuses a tile of the picture; nothing where it is no refusal. */
export async function whyNot(event: { error: unknown }): Promise<string> {
  const { status, body } = event.error as { status?: number; body?: Blob };
  if (status === undefined || status < 400 || body === undefined) return "";
  const told = (await body.text().then(JSON.parse).catch(() => ({}))) as Partial<Problem>;
  return worded({ ...told, status }, told.detail ?? `${status}`);
}

/** What is drawn now, as a picture: paper is not drawn on by the graphics card. */
export function drawnOn(map: MapLibre, image: HTMLImageElement): void {
  map.redraw();
  image.src = map.getCanvas().toDataURL();
}

/** West, south, east, north of some shapes. */
export function boxOf(shapes: readonly GeoJSON.Geometry[]): [number, number, number, number] | null {
  const places = shapes.flatMap((shape) => placesOf("coordinates" in shape ? shape.coordinates : []));
  if (places.length === 0) return null;
  const lon = places.map((one) => one[0]);
  const lat = places.map((one) => one[1]);
  return [Math.min(...lon), Math.min(...lat), Math.max(...lon), Math.max(...lat)];
}

function placesOf(nested: unknown): [number, number][] {
  if (!Array.isArray(nested)) return [];
  return typeof nested[0] === "number" ? [nested as [number, number]] : nested.flatMap(placesOf);
}
