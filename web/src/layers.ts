// Which layers are drawn: by kind, party, category and altitude.

import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { hear } from "./events";
import { ALL, KINDS, filter, isFiltering, refine } from "./filter";
import { Speaking, called, say, spoken } from "./words";

const LAYER_WORDS = { notices: "kind.notice", zones: "kind.zone", presence: "kind.presence", plans: "kind.plan" } as const;

/** What the map has shown since the page was opened. */
const seen = { parties: new Set<string>(), categories: new Set<string>() };

@customElement("detente-layers")
export class Layers extends Speaking {
  @state() private shown = filter();
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    hear("detente-layers", (shown) => {
      this.shown = shown;
      this.keep();
    }, this.over.signal);
    this.keep();
    hear("detente-seen", ({ parties, categories }) => {
      for (const one of parties) seen.parties.add(one);
      for (const one of categories) seen.categories.add(one);
      this.requestUpdate();
    }, this.over.signal);
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    super.disconnectedCallback();
  }

  override render(): unknown {
    const { kinds, tracks, noParties, noCategories, low, high } = this.shown;
    return html`<fieldset><legend>${say("layers")}</legend>
        <div class="row">${KINDS.map((kind) => html`<label class="check ${kind}"><input type="checkbox" .checked=${kinds.has(kind)}
          @change=${() => refine({ kinds: toggled(kinds, kind) })}>${say(LAYER_WORDS[kind])}</label>`)}
          <label class="check tracks"><input type="checkbox" .checked=${tracks} @change=${() => refine({ tracks: !tracks })}>${say("look-tracks")}</label></div>
        <details><summary>${say("look-parties")}</summary>${this.boxes(seen.parties, noParties, (one) => one, (hidden) => refine({ noParties: hidden }))}</details>
        <details><summary>${say("look-categories")}</summary>${this.boxes(seen.categories, noCategories, (one) => called("category", one), (hidden) => refine({ noCategories: hidden }))}</details>
        <details><summary>${say("altitude")}</summary>
          <div class="pair">
            <label>${say("look-low")}<input name="filter-low" type="number" dir="ltr" .value=${low === null ? "" : String(low)}
              @change=${(event: Event) => refine({ low: numberOf(event) })}></label>
            <label>${say("look-high")}<input name="filter-high" type="number" dir="ltr" .value=${high === null ? "" : String(high)}
              @change=${(event: Event) => refine({ high: numberOf(event) })}></label>
          </div>
          <p class="hint">${say("look-altitude-note")}</p></details>
        <div role="status">${isFiltering(this.shown) ? html`<p class="hint">${say("look-filtered")}</p>` : nothing}</div>
        ${isFiltering(this.shown) ? html`<button type="button" @click=${() => refine(ALL)}>${say("look-all")}</button>` : nothing}
      </fieldset>`;
  }

  /** What is left out is no longer seen, and can be chosen again. */
  private keep(): void {
    for (const one of this.shown.noParties) seen.parties.add(one);
    for (const one of this.shown.noCategories) seen.categories.add(one);
  }

  private boxes(known: ReadonlySet<string>, hidden: ReadonlySet<string>, named: (one: string) => string, then: (hidden: ReadonlySet<string>) => void): unknown {
    const all = [...new Set([...known, ...hidden])].sort((one, other) => named(one).localeCompare(named(other), spoken()));
    if (all.length === 0) return html`<p class="hint">${say("look-none-here")}</p>`;
    return html`<div class="row">${all.map((one) => html`<label class="check"><input type="checkbox" .checked=${!hidden.has(one)}
      @change=${() => then(toggled(hidden, one))}>${named(one)}</label>`)}</div>`;
  }
}

function toggled(set: ReadonlySet<string>, one: string): ReadonlySet<string> {
  const out = new Set(set);
  if (!out.delete(one)) out.add(one);
  return out;
}

function numberOf(event: Event): number | null {
  const { value } = event.target as HTMLInputElement;
  return value === "" ? null : Number(value);
}
