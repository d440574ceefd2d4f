// Where: drawn on the map, or typed.

import { html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { type DrawKind, hear, tell } from "./events";
import { isOpen } from "./following";
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
    const { signal } = this.over;
    hear("detente-drawn", ({ by, shapes }) => {
      if (by === this) this.shapes = shapes;
    }, signal);
    hear("detente-draw", ({ by, kind }) => {
      if (by !== this && kind !== null && isOpen(this)) this.drawing = null;
    }, signal);
    hear("detente-opened", () => this.turn(), signal);
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
        ${this.drawing === null && this.shapes.length === 0 ? "" : html`<button type="button" @click=${() => this.stop()}>${say("clear")}</button>`}
      </div>
      ${this.shapes.length === 0 ? "" : html`<p role="status">${say("drawn", { count: this.shapes.length })}</p>`}
      <label>${say("type-position")}
        <input name="position" autocomplete="off" spellcheck="false" dir="ltr" placeholder="36 43 4.9 N 68 51 44 E"></label>
    </fieldset>`;
  }

  private draw(kind: DrawKind): void {
    this.drawing = kind;
    tell("detente-draw", { by: this, kind, shapes: this.shapes });
  }

  /** The map shows what was drawn in the open panel; in another it is kept here. */
  private turn(): void {
    if (this.drawing === null) return;
    if (isOpen(this)) this.draw(this.drawing);
    else tell("detente-draw", { by: this, kind: null, shapes: [] });
  }

  stop(): void {
    this.drawing = null;
    this.shapes = [];
    tell("detente-draw", { by: this, kind: null, shapes: [] });
  }
}
