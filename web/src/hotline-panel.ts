// The hotline: to call, and to answer.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { type Schemas, ask } from "./api";
import { Turns, follow } from "./following";
import { type Line, closed, lines, load } from "./hotline";
import "./hotline-form";
import "./hotline-heard";
import "./hotline-line";
import { refusal } from "./refused";
import { everyone } from "./release";
import { Speaking, say } from "./words";

@customElement("detente-hotline")
export class HotlinePanel extends Speaking {
  /** Who looks. */
  @property() party = "";
  /** With their desks, which calls name by id. */
  @state() private parties: readonly Schemas["Party"][] = [];
  @state() private device: Schemas["Device"] | null = null;
  @state() private closed: readonly Line[] | null = null;
  @state() private problem = "";
  private readonly asks = new Turns();
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    follow(this, "detente-lines", () => {
      this.requestUpdate();
      void this.know();
      if (this.closed !== null) void this.past(true);
    }, this.over.signal);
    void this.know();
    void load().catch((error: unknown) => (this.problem = refusal(error)));
    void ask<Schemas["Device"]>("GET", "/v1/device").then((one) => (this.device = one), () => undefined);
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    super.disconnectedCallback();
  }

  override render(): unknown {
    const open = lines();
    return html`<h2>${say("tab.hotline")}</h2>
      <div role="status">${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}</div>
      <section aria-labelledby="open-calls"><h3 id="open-calls">${say("hotline.open")}</h3>
        ${open.length === 0 ? html`<p>${say("hotline.none")}</p>` : nothing}
        ${repeat([...open].reverse(), (one) => one.incident.object, (one) => html`<detente-line .line=${one} .parties=${this.parties}></detente-line>`)}</section>
      <detente-hotline-form .desks=${this.parties.find((one) => one.id === this.party)?.desks ?? []}></detente-hotline-form>
      <details class="closed" @toggle=${(event: Event) => void this.past((event.target as HTMLDetailsElement).open)}>
        <summary>${say("hotline.closed-calls")}</summary>
        ${this.closed?.length === 0 ? html`<p>${say("hotline.none-closed")}</p>` : nothing}
        ${repeat(this.closed ?? [], (one) => one.incident.object, (one) => html`<detente-line .line=${one} .parties=${this.parties}></detente-line>`)}</details>
      <detente-hotline-heard></detente-hotline-heard>
      <details class="device"><summary>${say("hotline.device")}</summary>
        <p class="hint">${say("hotline.device-hint")}</p>
        ${this.device === null
          ? html`<button type="button" @click=${() => void this.enrol()}>${say("hotline.enrol")}</button>`
          : html`<p>${say("hotline.device-name", { device: this.device.device })}</p>
            <button type="button" @click=${() => void this.forget()}>${say("hotline.forget")}</button>`}
      </details>`;
  }

  /** Statements may follow, and evidence is asked for, when all is over. */
  private async past(open: boolean): Promise<void> {
    const isNews = this.asks.again();
    await this.doing(async () => {
      const found = open ? await closed() : null;
      if (isNews()) this.closed = found;
    });
  }

  private async know(): Promise<void> {
    await everyone().then((found) => (this.parties = found), () => undefined);
  }

  private async enrol(): Promise<void> {
    await this.doing(async () => (this.device = await ask<Schemas["Device"]>("POST", "/v1/device")));
  }

  private async forget(): Promise<void> {
    await this.doing(async () => {
      await ask("DELETE", "/v1/device");
      this.device = null;
    });
  }

  private async doing(act: () => Promise<unknown>): Promise<void> {
    this.problem = "";
    try {
      await act();
    } catch (error) {
      this.problem = refusal(error);
    }
  }
}
