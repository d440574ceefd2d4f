// Where something is, and how far: the node measures along geodesics.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { hear, tell } from "./events";
import { type Measured, type Place, measured, placeOfText } from "./position";
import { refusal } from "./refused";
import { Speaking, say } from "./words";

@customElement("detente-measure")
export class Measure extends Speaking {
  /** A line is measured; else each place takes the place of the one before. */
  @property({ type: Boolean }) line = false;
  @property({ attribute: false }) first: Place | undefined;
  @state() private places: readonly Place[] = [];
  @state() private found: Measured | null = null;
  @state() private problem = "";
  @state() private busy = false;
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    hear("detente-clicked", (place) => this.put(place), this.over.signal);
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    tell("detente-measure", null);
    super.disconnectedCallback();
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("line")) this.show(this.first === undefined || this.line ? [] : [this.first]);
  }

  override render(): unknown {
    const last = this.places.at(-1);
    return html`<h2>${say(this.line ? "look-measure" : "look-here")}</h2>
      ${this.line ? html`<p class="hint">${say("look-measure-hint")}</p>` : nothing}
      <form class="row" @submit=${(event: Event) => void this.typed(event)}>
        <label>${say("look-type")}<input name="place" required autocomplete="off" spellcheck="false" dir="ltr" maxlength="100"></label>
        <button ?disabled=${this.busy}>${say("look-add")}</button>
      </form>
      <div role="status" aria-live="polite">
        ${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}
        ${this.line && this.found !== null ? this.legs(this.found) : nothing}
      </div>
      ${last === undefined ? nothing : html`<detente-position .place=${last}></detente-position>`}
      ${this.places.length === 0 ? nothing : html`<button type="button" @click=${() => this.show([])}>${say("clear")}</button>`}`;
  }

  private legs(found: Measured): unknown {
    if (found.legs.length === 0) return nothing;
    return html`<table class="legs"><tbody>
      ${found.legs.map((leg, number) => html`<tr><th scope="row">${say("look-leg", { number: number + 1 })}</th>
        <td dir="ltr">${far(leg.distance_m)}</td>
        <td dir="ltr">${leg.bearing_deg == null ? "" : say("look-bearing", { bearing: leg.bearing_deg.toFixed(1).padStart(5, "0") })}</td></tr>`)}
      <tr><th scope="row">${say("look-total")}</th><td dir="ltr" class="total">${far(found.length_m)}</td><td></td></tr>
    </tbody></table>`;
  }

  private put(place: Place): void {
    this.show(this.line ? [...this.places, place] : [place]);
  }

  private show(places: readonly Place[]): void {
    this.places = places;
    this.found = null;
    this.problem = "";
    tell("detente-measure", { line: this.line, places });
    if (this.line && places.length > 1) void this.ask(places);
  }

  private async ask(places: readonly Place[]): Promise<void> {
    try {
      const found = await measured(places);
      if (this.places === places) this.found = found;
    } catch (error) {
      if (this.places === places) this.problem = refusal(error);
    }
  }

  /** One after the other: in the order in which they are typed they are the line. */
  private async typed(event: Event): Promise<void> {
    event.preventDefault();
    if (this.busy) return;
    const field = (event.target as HTMLFormElement).elements.namedItem("place") as HTMLInputElement;
    const text = field.value;
    this.busy = true;
    try {
      const place = await placeOfText(text);
      // The next may have been begun.
      if (field.value === text) field.value = "";
      this.put(place);
      tell("detente-go", place);
    } catch (error) {
      this.problem = refusal(error);
    } finally {
      this.busy = false;
    }
  }
}

function far(distance_m: number): string {
  const nautical = (distance_m / 1852).toFixed(2);
  return distance_m < 10_000 ? `${distance_m.toFixed(1)} m` : `${(distance_m / 1000).toFixed(3)} km = ${nautical} NM`;
}
