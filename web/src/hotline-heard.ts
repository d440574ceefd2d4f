// Whether a call is heard and shown here, and what would let it be.

import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { hear } from "./events";
import { letNotify, mayNotify } from "./notify";
import { chime, letRing, mayRing } from "./ring";
import { Speaking, say } from "./words";

/** Says that no call would be heard, as long as that is so. */
@customElement("detente-no-sound")
export class NoSound extends Speaking {
  private readonly over = new AbortController();

  override connectedCallback(): void {
    super.connectedCallback();
    hear("detente-sound", () => this.requestUpdate(), this.over.signal);
  }

  override disconnectedCallback(): void {
    this.over.abort();
    super.disconnectedCallback();
  }

  override render(): unknown {
    return html`<p class="no-sound" role="status">${mayRing() ? nothing : html`${say("hotline.no-sound")}
      <button type="button" @click=${() => void letRing()}>${say("hotline.let-sound")}</button>`}</p>`;
  }
}

@customElement("detente-hotline-heard")
export class HotlineHeard extends Speaking {
  @state() private shows = mayNotify();
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    hear("detente-sound", () => this.requestUpdate(), this.over.signal);
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    super.disconnectedCallback();
  }

  override render(): unknown {
    return html`<details><summary>${say("hotline.heard")}</summary>
      <p>${say(mayRing() ? "hotline.sound" : "hotline.no-sound")}</p>
      ${mayRing() ? html`<button type="button" name="try-sound" @click=${() => chime()}>${say("hotline.try-sound")}</button>` : nothing}
      ${this.shows === null ? nothing : html`<p>${say(`hotline.notify.${this.shows}`)}</p>`}
      ${this.shows === "default" ? html`<button type="button" name="notify" @click=${() => void this.allow()}>${say("hotline.let-notify")}</button>` : nothing}
    </details>`;
  }

  private async allow(): Promise<void> {
    await letNotify();
    this.shows = mayNotify();
  }
}
