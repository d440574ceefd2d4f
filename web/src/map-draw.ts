// Drawing on the map, with what terra-draw does; it is loaded when somebody draws.

import type { Map as MapLibre } from "maplibre-gl";
import { tell } from "./events";

export type Drawing = import("terra-draw").TerraDraw;

const MODES = { Polygon: "polygon", LineString: "linestring", Point: "point" } as const;

/** Tells what is drawn, once it is whole, and for whom. */
export async function drawingOn(map: MapLibre, by: () => object | null): Promise<Drawing> {
  const [draw, { TerraDrawMapLibreGLAdapter }] = await Promise.all([
    import("terra-draw"),
    import("terra-draw-maplibre-gl-adapter"),
  ]);
  const made = new draw.TerraDraw({
    adapter: new TerraDrawMapLibreGLAdapter({ map }),
    modes: [new draw.TerraDrawPolygonMode(), new draw.TerraDrawLineStringMode(), new draw.TerraDrawPointMode()],
  });
  made.on("finish", () => {
    // What is still being drawn is not there yet.
    const whole = made.getSnapshot().filter((one) => !one.properties.currentlyDrawing && isMade(one));
    tell("detente-drawn", { by: by() ?? made, shapes: whole.map((one) => one.geometry as GeoJSON.Geometry) });
  });
  return made;
}

/** Draw what was drawn before. */
export function drawAgain(on: Drawing, shapes: readonly GeoJSON.Geometry[]): void {
  const known = shapes.filter((one) => one.type in MODES) as (GeoJSON.Polygon | GeoJSON.LineString | GeoJSON.Point)[];
  on.addFeatures(known.map((geometry) => ({ type: "Feature", geometry, properties: { mode: MODES[geometry.type] } }) as Parameters<Drawing["addFeatures"]>[0][number]));
}

/** The modes mark their own guide points. */
function isMade(one: { properties: Record<string, unknown> }): boolean {
  return ["polygon", "linestring", "point"].includes(String(one.properties.mode));
}
