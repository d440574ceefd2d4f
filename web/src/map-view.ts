// The map: the picture as released to whoever looks, what is drawn, asked and met.

import "maplibre-gl/dist/maplibre-gl.css";
import { html } from "lit";
import { customElement } from "lit/decorators.js";
import { AttributionControl, GeoJSONSource, Map as MapLibre, NavigationControl, ScaleControl, addProtocol, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { Protocol } from "pmtiles";
import { type DrawKind, hear, tell } from "./events";
import { FONT, KINDS, hatch, metFilter, styleOf } from "./map-style";
import { Speaking, say } from "./words";

setWorkerUrl(workerUrl);
addProtocol("pmtiles", new Protocol().tile);

const CLICKABLE = KINDS.flatMap((kind) => [`${kind}-place`, `${kind}-area`]);

/** What terra-draw does, of which only this is used; it is loaded when somebody draws. */
type Drawing = import("terra-draw").TerraDraw;

@customElement("detente-map")
export class MapView extends Speaking {
  private map?: MapLibre;
  private drawing?: Drawing;
  private readonly over = new AbortController();

  override render(): unknown {
    return html`<section aria-label=${say("map")}>
      <div class="map"></div>
      <p class="map-note">${say("map-note")}</p>
    </section>`;
  }

  protected override firstUpdated(): void {
    void this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.over.abort();
    this.map?.remove();
  }

  private async begin(): Promise<void> {
    // Names are drawn with the page's own font, which must be there first.
    await document.fonts.load(`12px "${FONT}"`);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const map = new MapLibre({
      container: this.querySelector<HTMLElement>(".map")!,
      style: styleOf(dark, location.origin),
      center: [15, 35],
      zoom: 1.6,
      hash: "at",
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
    });
    this.map = map;
    map.setMissingStyleImageResolver((id) => void map.addImage(id, hatch()));
    map.touchZoomRotate.disableRotation();
    map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new ScaleControl({ unit: "metric" }), "bottom-left");
    map.addControl(new AttributionControl({ compact: true }), "bottom-right");
    map.on("load", () => {
      this.dataset.ready = "true";
      void import("./watch-map").then(({ watchOn }) => watchOn(map, this.over.signal));
    });
    map.on("click", (event) => this.clicked(event.point));
    this.listen();
  }

  private listen(): void {
    const { signal } = this.over;
    hear("detente-changed", () => this.map?.refreshTiles("picture"), signal);
    hear("detente-go", (place) => this.map?.flyTo({ center: place, zoom: 12, duration: 600 }), signal);
    hear("detente-layers", (shown) => this.show(shown), signal);
    hear("detente-draw", (kind) => void this.draw(kind), signal);
    hear("detente-met", (objects) => this.meet(objects), signal);
    hear("detente-asked", (asked) => {
      const shapes = asked.map((one) => one.drawn as GeoJSON.Geometry);
      this.put("asked", shapes);
      const box = boxOf(shapes);
      if (box !== null) this.map?.fitBounds(box, { padding: 80, maxZoom: 13, duration: 600 });
    }, signal);
  }

  private put(name: string, shapes: readonly GeoJSON.Geometry[]): void {
    const source = this.map?.getSource<GeoJSONSource>(name);
    const features = shapes.map((geometry) => ({ type: "Feature" as const, geometry, properties: {} }));
    source?.setData({ type: "FeatureCollection", features });
  }

  private show(shown: ReadonlySet<string>): void {
    for (const kind of KINDS) {
      for (const layer of this.map?.getStyle().layers ?? []) {
        if (!layer.id.startsWith(`${kind}-`)) continue;
        this.map?.setLayoutProperty(layer.id, "visibility", shown.has(kind) ? "visible" : "none");
      }
    }
  }

  private meet(objects: readonly string[]): void {
    for (const kind of KINDS) {
      this.map?.setFilter(`${kind}-found`, metFilter(objects, false));
      this.map?.setFilter(`${kind}-found-place`, metFilter(objects, true));
    }
  }

  private clicked(point: { x: number; y: number }): void {
    if (this.drawing?.enabled) return;
    // A track that is clicked is the watch's to show.
    if (this.map?.getLayer("tracks") && this.map.queryRenderedFeatures([point.x, point.y], { layers: ["tracks"] }).length > 0) return;
    const [cluster] = this.map?.queryRenderedFeatures([point.x, point.y], { layers: ["clusters"] }) ?? [];
    if (cluster?.geometry.type === "Point") {
      this.map?.easeTo({ center: cluster.geometry.coordinates as [number, number], zoom: this.map.getZoom() + 2 });
      return;
    }
    const [found] = this.map?.queryRenderedFeatures([point.x, point.y], { layers: CLICKABLE }) ?? [];
    const object: unknown = found?.properties.object;
    if (typeof object === "string") tell("detente-object", object);
  }

  private async draw(kind: DrawKind | null): Promise<void> {
    const drawing = (this.drawing ??= await this.drawingOf());
    if (kind === null) {
      if (drawing.enabled) drawing.clear();
      if (drawing.enabled) drawing.stop();
      tell("detente-drawn", []);
      return;
    }
    if (!drawing.enabled) drawing.start();
    drawing.setMode(kind);
  }

  private async drawingOf(): Promise<Drawing> {
    const [draw, { TerraDrawMapLibreGLAdapter }] = await Promise.all([
      import("terra-draw"),
      import("terra-draw-maplibre-gl-adapter"),
    ]);
    const made = new draw.TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map: this.map! }),
      modes: [new draw.TerraDrawPolygonMode(), new draw.TerraDrawLineStringMode(), new draw.TerraDrawPointMode()],
    });
    const drawn = (): void => {
      // What is still being drawn is not there yet.
      const whole = made.getSnapshot().filter((one) => !one.properties.currentlyDrawing && isMade(one));
      tell("detente-drawn", whole.map((one) => one.geometry as GeoJSON.Geometry));
    };
    made.on("finish", drawn);
    return made;
  }
}

/** The modes mark their own guide points. */
function isMade(one: { properties: Record<string, unknown> }): boolean {
  return ["polygon", "linestring", "point"].includes(String(one.properties.mode));
}

function boxOf(shapes: readonly GeoJSON.Geometry[]): [number, number, number, number] | null {
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
