// Drawing on the map, with what terra-draw does; it is loaded when somebody draws.

import type { Map as MapLibre } from "maplibre-gl";
import { tell } from "./events";

export type Drawing = import("terra-draw").TerraDraw;

/** Tells what is drawn, once it is whole. */
export async function drawingOn(map: MapLibre): Promise<Drawing> {
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
    tell("detente-drawn", whole.map((one) => one.geometry as GeoJSON.Geometry));
  });
  return made;
}

/** The modes mark their own guide points. */
function isMade(one: { properties: Record<string, unknown> }): boolean {
  return ["polygon", "linestring", "point"].includes(String(one.properties.mode));
}
