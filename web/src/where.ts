// Where: drawn on the map, or typed.

import { html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { type DrawKind, hear, tell } from "./events";
import { Speaking, type Word, say } from "./words";

const KINDS: readonly [DrawKind, Word][] = [
  ["polygon", "draw-area"],
  ["linestring", "draw-line"],
  ["point", "draw-place"],
];

@customElement("detente-where")
export class Where extends Speaking {
  /** Only a place is wanted: no areas and lines. */
  @property({ type: Boolean }) place = false;
  @state() private drawing: DrawKind | null = null;
  @state() shapes: readonly GeoJSON.Geometry[] = [];
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    hear("detente-drawn", (shapes) => (this.shapes = shapes), this.over.signal);
  }

  override disconnectedCallback(): void {
    this.stop();
    this.over?.abort();
    super.disconnectedCallback();
  }

  override render(): unknown {
    const kinds = this.place ? KINDS.slice(2) : KINDS;
    return html`<fieldset>
      <legend>${say("where")}</legend>
      <div class="row">
        ${kinds.map(
          ([kind, word]) => html`<button type="button" aria-pressed=${this.drawing === kind}
            @click=${() => this.draw(kind)}>${say(word)}</button>`,
        )}
        ${this.drawing === null ? "" : html`<button type="button" @click=${() => this.stop()}>${say("clear")}</button>`}
      </div>
      ${this.shapes.length === 0 ? "" : html`<p role="status">${say("drawn", { count: this.shapes.length })}</p>`}
      <label>${say("type-position")}
        <input name="position" autocomplete="off" spellcheck="false" dir="ltr" placeholder="36 43 4.9 N 68 51 44 E"></label>
    </fieldset>`;
  }

  private draw(kind: DrawKind): void {
    this.drawing = kind;
    tell("detente-draw", kind);
  }

  stop(): void {
    if (this.drawing === null) return;
    this.drawing = null;
    this.shapes = [];
    tell("detente-draw", null);
  }
}
