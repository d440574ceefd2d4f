// The map: the picture as released to whoever looks, what is drawn, asked and met.

import "maplibre-gl/dist/maplibre-gl.css";
import { html } from "lit";
import { customElement, property } from "lit/decorators.js";
import { GeoJSONSource, type IControl, Map as MapLibre, type MapMouseEvent, type VectorTileSource, addProtocol, prewarm, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { Protocol } from "pmtiles";
import { controlsOn } from "./map-controls";
import { type Drawing, drawAgain, drawingOn } from "./map-draw";
import { type Told, catchUp, hear, tell } from "./events";
import { type Filter, KINDS, clusterFilter, filter, narrowing, tilesOf } from "./filter";
import { FONT, metFilter, speakOn, styleOf } from "./map-style";
import { boxOf, drawnOn, seenOn, whyNot } from "./map-sight";
import { MARK, MARKED, MARK_SCALE, hatch, symbolOf } from "./marks";
import "./tools";
import { Speaking, say, spoken } from "./words";

setWorkerUrl(workerUrl);
prewarm(); // The worker begins now, and not with the map.
addProtocol("pmtiles", new Protocol().tile);

const CLICKABLE = [...KINDS.flatMap((kind) => [`${kind}-place`, `${kind}-area`]), ...MARKED.map((kind) => `${kind}-mark`)];

const RESTLESS_MS = 5_000;
/** A picture that changes all the time is never at rest: what moves must not wait for that. */

@customElement("detente-map")
export class MapView extends Speaking {
  /** For whom one looks. */
  @property() party = "";
  private map?: MapLibre;
  private drawing?: Drawing;
  private loading: Promise<Drawing> | undefined;
  /** For whom is drawn. */
  private drawer: object | null = null;
  private readonly over = new AbortController();
  /** Which kinds are drawn. */
  private kinds = [...KINDS].sort().join();
  private isMeasuring = false;
  private isNow = true;
  private then: { at: string | null; past: boolean } = { at: null, past: false };
  /** In which language the map is. */
  private named = "";
  private controls: readonly IControl[] = [];

  override render(): unknown {
    return html`<section aria-label=${say("map")}>
      <div class="map"></div>
      <img class="map-printed" alt=${say("map")}>
      <p class="map-note">${say("map-note")}</p>
    </section>
    <detente-tools party=${this.party}></detente-tools>`;
  }

  protected override firstUpdated(): void {
    // The time bar tells the time of an address as soon as it is there, and the first picture is of that.
    hear("detente-time", ({ at, past }) => this.turn(at, past), this.over.signal);
    void this.begin();
  }

  protected override updated(): void {
    if (this.map === undefined || this.named === spoken()) return;
    speakOn(this.map, (this.named = spoken()));
    this.controls = controlsOn(this.map, this.controls);
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
      style: styleOf(dark, tilesOf(location.origin, { ...this.then, narrowing: narrowing(filter()) }), this.party, spoken()),
      center: [15, 35],
      zoom: 1.6,
      hash: "at",
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      fadeDuration: 0, // Names that fade in are drawn a dozen times, each time all that is under them.
    });
    this.map = map;
    this.named = spoken();
    map.setMissingStyleImageResolver(async (id) => {
      const symbol = id.startsWith(MARK) ? await symbolOf(id) : null;
      if (!map.hasImage(id)) map.addImage(id, symbol ?? hatch(dark), symbol === null ? {} : { pixelRatio: MARK_SCALE });
    });
    map.touchZoomRotate.disableRotation();
    this.controls = controlsOn(map);
    map.on("load", () => {
      this.refine(filter());
      this.dataset.ready = "true";
    });
    this.follow(map, dark);
    map.on("idle", () => seenOn(map));
    map.on("error", (event) => void whyNot(event).then((why) => why && tell("detente-not-drawn", why)));
    map.on("click", (event) => this.clicked(event));
    // What was asked, met or to be drawn before there was a map is on it as well.
    map.once("style.load", () => this.listen());
  }

  /** The picture first, then what moves and names of cities; where it never comes to rest, soon. */
  private follow(map: MapLibre, dark: boolean): void {
    let begun = false;
    const begin = (): void => {
      if (begun || this.over.signal.aborted) return;
      begun = true;
      void import("./watch-map").then(({ watchOn }) => watchOn(map, this.party, this.over.signal));
      void import("./map-names").then(({ citiesOn }) => citiesOn(map, dark, location.origin, spoken()));
    };
    map.once("idle", begin);
    map.once("load", () => setTimeout(begin, RESTLESS_MS));
  }

  private listen(): void {
    const { signal } = this.over;
    hear("detente-changed", () => this.isNow && this.map?.refreshTiles("picture"), signal);
    hear("detente-layers", (shown) => this.refine(shown), signal);
    window.addEventListener("beforeprint", () => this.map && drawnOn(this.map, this.querySelector("img.map-printed")!), { signal });
    catchUp({
      "detente-go": (place) => this.map?.flyTo({ center: place, zoom: 12, duration: 600 }),
      "detente-measure": (measure) => this.measure(measure),
      "detente-draw": (wish) => void this.draw(wish),
      "detente-met": (objects) => this.meet(objects),
      "detente-asked": (asked) => this.show(asked.map((one) => one.drawn as GeoJSON.Geometry)),
      "detente-looked-at": (shapes) => this.show(shapes),
    }, signal);
  }

  private measure(measure: Told["detente-measure"]): void {
    this.isMeasuring = measure?.line ?? false;
    const places = measure?.places ?? [];
    const line = measure?.line && places.length > 1 ? [{ type: "LineString" as const, coordinates: [...places] }] : [];
    this.put("measure", [...line, ...places.map((one) => ({ type: "Point" as const, coordinates: one }))]);
  }

  private show(shapes: readonly GeoJSON.Geometry[]): void {
    this.put("asked", shapes);
    const box = boxOf(shapes);
    if (box !== null) this.map?.fitBounds(box, { padding: 80, maxZoom: 13, duration: 600 });
  }

  private put(name: string, shapes: readonly GeoJSON.Geometry[]): void {
    const source = this.map?.getSource<GeoJSONSource>(name);
    const features = shapes.map((geometry) => ({ type: "Feature" as const, geometry, properties: {} }));
    source?.setData({ type: "FeatureCollection", features });
  }

  /** What is left out the node leaves out; which kinds are drawn is a matter of layers. */
  private refine(shown: Filter): void {
    const { map } = this;
    const source = map?.getSource<VectorTileSource>("picture");
    if (map === undefined || source === undefined) return;
    const kinds = [...shown.kinds].sort().join();
    if (kinds === this.kinds) return this.tiles(source);
    this.kinds = kinds;
    for (const { id } of map.getStyle().layers) {
      const kind = KINDS.find((one) => id.startsWith(`${one}-`));
      if (id.startsWith("clusters")) map.setFilter(id, clusterFilter(shown));
      if (kind !== undefined) map.setLayoutProperty(id, "visibility", shown.kinds.has(kind) ? "visible" : "none");
    }
    // Layers that change lay the tiles out anew, in which a change of where tiles are would be lost.
    map.once("render", () => this.tiles(source));
  }

  private meet(objects: readonly string[]): void {
    for (const kind of KINDS) {
      this.map?.setFilter(`${kind}-found`, metFilter(objects, false));
      this.map?.setFilter(`${kind}-found-place`, metFilter(objects, true));
    }
  }

  private turn(at: string | null, past: boolean): void {
    this.then = { at, past };
    this.isNow = at === null;
    this.classList.toggle("then", at !== null);
    const source = this.map?.getSource<VectorTileSource>("picture");
    if (source) this.tiles(source);
    else this.map?.once("load", () => this.turn(at, past));
  }

  /** Ask for the picture anew where what is asked for is another: clusters are counted by the node. */
  private tiles(source: VectorTileSource): void {
    const tiles = tilesOf(location.origin, { ...this.then, narrowing: narrowing(filter()) });
    if (source.tiles[0] !== tiles) source.setTiles([tiles]);
  }

  private clicked({ point, lngLat }: MapMouseEvent): void {
    // Who draws means no object, and what draws may still be loading.
    if (this.drawer !== null) return;
    const place = lngLat.wrap().toArray();
    if (this.isMeasuring) {
      tell("detente-clicked", place);
      return;
    }
    const [track] = this.map?.getLayer("tracks") ? this.map.queryRenderedFeatures([point.x, point.y], { layers: ["tracks"] }) : [];
    if (track !== undefined) {
      tell("detente-track", String(track.properties.name));
      return;
    }
    const [cluster] = this.map?.queryRenderedFeatures([point.x, point.y], { layers: ["clusters"] }) ?? [];
    if (cluster?.geometry.type === "Point") {
      this.map?.easeTo({ center: cluster.geometry.coordinates as [number, number], zoom: this.map.getZoom() + 2 });
      return;
    }
    const [found] = this.map?.queryRenderedFeatures([point.x, point.y], { layers: CLICKABLE }) ?? [];
    const object: unknown = found?.properties.object;
    if (typeof object === "string") tell("detente-object", object);
    else tell("detente-clicked", place);
  }

  private async draw({ by, kind, shapes }: Told["detente-draw"]): Promise<void> {
    const anew = by !== this.drawer;
    // Whoever draws no longer takes nothing from whoever draws now.
    if (kind === null && anew) return;
    this.drawer = kind === null ? null : by;
    this.loading ??= drawingOn(this.map!, () => this.drawer).catch((error: unknown) => {
      // Not loaded, it is asked for again.
      this.loading = undefined;
      throw error;
    });
    this.drawing = await this.loading;
    const { drawing } = this;
    if (kind === null) {
      if (drawing.enabled) drawing.clear();
      if (drawing.enabled) drawing.stop();
      return;
    }
    if (!drawing.enabled) drawing.start();
    if (anew) {
      drawing.clear();
      drawAgain(drawing, shapes);
    }
    drawing.setMode(kind);
  }
}
