// Whoever is called cannot miss it, whatever panel is open, or page beside it: it is shown, and rings.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { hear, tell } from "./events";
import { type Line, lines, load, message, span, waits } from "./hotline";
import { notify } from "./notify";
import { letRing, ring, ringOncePressed } from "./ring";
import { Speaking, say } from "./words";

const AGAIN_MS = 5_000;
/** Asked again where the node did not answer: a call is not missed for one request. */

const TITLE = document.title;

@customElement("detente-hotline-banner")
export class HotlineBanner extends Speaking {
  @property() party = "";
  @state() private waiting: readonly Line[] = [];
  private over?: AbortController;
  private ticking = 0;
  private again = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    hear("detente-called", () => void this.ask(), this.over.signal);
    hear("detente-lines", () => this.look(), this.over.signal);
    ringOncePressed(this.over.signal);
    void letRing();
    void this.ask();
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    clearInterval(this.ticking);
    clearTimeout(this.again);
    document.title = TITLE;
    ring(false);
    notify("");
    super.disconnectedCallback();
  }

  override render(): unknown {
    return html`<section aria-label=${say("tab.hotline")}><div role="alert" class=${this.waiting.length > 0 ? "ringing" : ""}>${this.waiting.map((one) => html`<p>
        <strong>${say("hotline.alert", { party: one.incident.party })}</strong>
        <span class="message">${message(one)}</span>
        <button type="button" @click=${() => tell("detente-tab", "hotline")}>${say("hotline.answer")}</button></p>`)}</div>
      ${this.waiting.length === 0 ? nothing : html`<p class="ringing-clock" role="timer">${this.waiting.map((one) => html`<span>${span(one.opened)}</span>`)}</p>`}</section>`;
  }

  private look(): void {
    const before = new Set(this.waiting.map((one) => one.incident.object));
    this.waiting = lines().filter((one) => waits(one, this.party));
    clearInterval(this.ticking);
    const [first] = this.waiting;
    document.title = first === undefined ? TITLE : `(${this.waiting.length}) ${say("hotline.alert", { party: first.incident.party })}`;
    ring(first !== undefined);
    if (first === undefined) notify("");
    else if (this.waiting.some((one) => !before.has(one.incident.object))) notify(document.title);
    if (this.waiting.length > 0) this.ticking = window.setInterval(() => this.requestUpdate(), 1_000);
  }

  private async ask(): Promise<void> {
    clearTimeout(this.again);
    await load().catch(() => (this.again = window.setTimeout(() => void this.ask(), AGAIN_MS)));
  }
}
