// A position in every form, as the node writes it, each to be copied.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { type Schemas, ask, readBack } from "./api";
import { copy } from "./link";
import { whyRefused } from "./read-back";
import { refusedLine } from "./refused";
import { Speaking, type Word, say } from "./words";

const E7 = 1e7;
const FORMS = ["decimal", "minutes", "seconds", "mgrs", "utm"] as const;

export type Place = [number, number];
export type Measured = Schemas["Measured"];

/** Measure a line of places, longitude first, in degrees. */
export function measured(line: readonly Place[]): Promise<Measured> {
  const rounded = line.map(([lon, lat]) => [Math.round(lon * E7), Math.round(lat * E7)]);
  return ask("POST", "/v1/measurements", { line: rounded });
}

/** Where a typed position is; the node reads it. */
export async function placeOfText(text: string): Promise<Place> {
  const feature = { type: "Feature" as const, geometry: null, properties: { position: text } };
  const read = await readBack("notices", [feature]);
  const drawn = read.values[0]?.drawn as GeoJSON.Point | undefined;
  if (drawn === undefined) throw new Error(whyRefused(read));
  return drawn.coordinates as Place;
}

@customElement("detente-position")
export class Position extends Speaking {
  /** Longitude, latitude. */
  @property({ attribute: false, hasChanged: (one: Place, other?: Place) => String(one) !== String(other) }) place?: Place;
  @state() private forms: Schemas["Forms"] | null = null;
  @state() private told: unknown = "";

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("place")) void this.load();
  }

  override render(): unknown {
    return html`${this.forms === null ? nothing : html`<dl class="forms">${FORMS.map((form) => this.form(form))}</dl>`}
      <div role="status" aria-live="polite">${this.told === "" ? nothing : html`<p class="said">${this.told}</p>`}</div>`;
  }

  private form(form: (typeof FORMS)[number]): unknown {
    const text = this.forms?.[form];
    if (!text) return nothing;
    const name = say(`look-form.${form}` as Word);
    return html`<dt>${name}</dt><dd><span dir="ltr">${text}</span>
      <button type="button" class="copy" aria-label=${say("look-copy", { what: name })} title=${say("look-copy", { what: name })}
        @click=${() => void this.copied(text)}></button></dd>`;
  }

  private async copied(text: string): Promise<void> {
    await copy(text);
    this.told = say("look-copied", { what: text });
  }

  private async load(): Promise<void> {
    const { place } = this;
    this.told = "";
    this.forms = null;
    if (place === undefined) return;
    try {
      const found = await measured([place]);
      // The same place may be given anew meanwhile.
      if (String(this.place) === String(place)) this.forms = found.places[0] ?? null;
    } catch (error) {
      if (String(this.place) === String(place)) this.told = refusedLine(error);
    }
  }
}
