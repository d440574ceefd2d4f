// What stands on the map: where, how far, when; a link, and paper.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { type Schemas, ask } from "./api";
import { hear } from "./events";
import { KINDS } from "./filter";
import { copy, linked } from "./link";
import "./measure";
import type { Place } from "./position";
import "./time-bar";
import { Speaking, at, say } from "./words";

type Tool = "here" | "measure" | "time";
const TOOLS = { here: "look-here", measure: "look-measure", time: "look-time" } as const;
const KIND_WORDS = { notices: "kind.notice", zones: "kind.zone", presence: "kind.presence", plans: "kind.plan" } as const;
const BEYOND = 2 ** 53 - 2;
/** No entry comes after it: a list after it says the register's version and nothing else. */

@customElement("detente-tools")
export class Tools extends Speaking {
  @property() party = "";
  @state() private open: Tool | null = linked("time") === null ? null : "time";
  @state() private told = "";
  @state() private sequence: number | null = null;
  @state() private when = "";
  private first: Place | undefined;
  private readonly over = new AbortController();

  override connectedCallback(): void {
    super.connectedCallback();
    const { signal } = this.over;
    hear("detente-clicked", (place) => {
      if (this.open === "here" || this.open === "measure") return;
      this.first = place;
      this.toggle("here");
    }, signal);
    window.addEventListener("beforeprint", () => (this.when = new Date().toISOString()), { signal });
    void this.version().catch(() => undefined);
  }

  override disconnectedCallback(): void {
    this.over.abort();
    super.disconnectedCallback();
  }

  override render(): unknown {
    return html`<section class="tools" aria-label=${say("look-tools")}>
        ${(Object.keys(TOOLS) as Tool[]).map((one) => html`<button type="button" name="tool-${one}" aria-expanded=${this.open === one}
          @click=${() => { this.first = undefined; this.toggle(one); }}>${say(TOOLS[one])}</button>`)}
        <button type="button" name="tool-link" @click=${() => void this.link()}>${say("look-link")}</button>
        <button type="button" name="tool-print" @click=${() => void this.print()}>${say("look-print")}</button>
        <div role="status" aria-live="polite">${this.told === "" ? nothing : html`<p class="said">${this.told}</p>`}</div>
      </section>
      ${this.open === null ? nothing : html`<section class="tool" aria-label=${say(TOOLS[this.open])} @keydown=${(event: KeyboardEvent) => event.key === "Escape" && this.close()}>
        ${this.open === "time" ? html`<detente-time></detente-time>` : html`<detente-measure .line=${this.open === "measure"} .first=${this.first}></detente-measure>`}
        <button type="button" name="tool-close" @click=${() => this.close()}>${say("close")}</button></section>`}
      <aside class="legend" aria-label=${say("look-legend")}>
        <ul>${KINDS.map((kind) => html`<li class="check ${kind}">${say(KIND_WORDS[kind])}</li>`)}
          ${(["stale", "disputed", "area", "plan", "many"] as const).map((one) => html`<li>${say(`look-legend-${one}`)}</li>`)}</ul>
        <p>${say("look-printed", { time: at(this.when), party: this.party, sequence: this.sequence ?? "?", shown: document.querySelector(".time-is")?.textContent ?? "" })}</p>
        <p>${say("informs")} ${say("map-note")}</p>
      </aside>`;
  }

  /** Whoever works by keyboard is where the tool was opened, and not at the top of the page. */
  private close(): void {
    this.querySelector<HTMLElement>(`[name=tool-${this.open}]`)?.focus();
    this.open = null;
  }

  private toggle(tool: Tool): void {
    this.open = this.open === tool ? null : tool;
    this.told = "";
  }

  private async link(): Promise<void> {
    await copy(location.href);
    this.told = say("look-linked");
  }

  private async version(): Promise<void> {
    const page = await ask<Schemas["Page"]>("GET", `/v1/objects?limit=1&after=${BEYOND}`);
    this.sequence = page.sequence;
  }

  private async print(): Promise<void> {
    await this.version().catch(() => undefined);
    this.when = new Date().toISOString();
    await this.updateComplete;
    window.print();
  }
}
