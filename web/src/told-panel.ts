// The acknowledgement board: who was told what, and who is silent.

import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { type SilencePage, ask } from "./api";
import { refusal } from "./check-panel";
import { hear, tell } from "./events";
import { Speaking, at, called, say } from "./words";

@customElement("detente-told")
export class ToldPanel extends Speaking {
  @state() private page: SilencePage | null = null;
  @state() private problem = "";
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    hear("detente-changed", () => void this.load(), this.over.signal);
    void this.load();
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    super.disconnectedCallback();
  }

  override render(): unknown {
    const silences = this.page?.silences ?? [];
    return html`<h2>${say("tab.told")}</h2>
      <div role="status">${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}</div>
      <h3>${say("board")}</h3>
      ${this.page !== null && silences.length === 0 ? html`<p>${say("board-empty")}</p>` : nothing}
      ${silences.length === 0 ? nothing : html`<table><thead><tr>
          <th scope="col">${say("object")}</th><th scope="col">${say("who")}</th><th scope="col">${say("told-at")}</th>
          <th scope="col">${say("level")}</th><th scope="col">${say("silent-for")}</th></tr></thead>
        <tbody>${silences.map((one) => html`<tr>
          <td><button type="button" class="link" @click=${() => tell("detente-object", one.object)}>${one.name ?? one.object.slice(0, 8)}</button></td>
          <td>${one.party}</td>
          <td>${one.told ? at(one.told) : say("never-told")}</td>
          <td>${called("level", one.level ?? "none")}</td>
          <td>${say("minutes", { count: Math.floor(one.silent_s / 60) })}</td></tr>`)}</tbody></table>`}
      ${this.page?.more ? html`<p>${say("more-found")}</p>` : nothing}
      <button type="button" @click=${() => void this.load()}>${say("refresh")}</button>`;
  }

  private async load(): Promise<void> {
    try {
      this.page = await ask<SilencePage>("GET", "/v1/silence?level=received&limit=100");
      this.problem = "";
    } catch (error) {
      this.problem = refusal(error);
    }
  }
}
