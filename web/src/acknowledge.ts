// Acknowledging further than "received": passed on to a level, acted on. It never approves.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { type Receipt, type Schemas, type View, act, ask } from "./api";
import { refusedLine } from "./refused";
import { Speaking, say } from "./words";

const LEVELS = ["received", "passed_on", "acted_on"] as const;
type Level = (typeof LEVELS)[number];

@customElement("detente-acknowledge")
export class Acknowledge extends Speaking {
  @property({ attribute: false }) view: View | null = null;
  @state() private level: Level = "passed_on";
  @state() private told: unknown = "";
  @state() private busy = false;

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("view")) this.told = "";
  }

  override render(): unknown {
    return html`<details class="act"><summary>${say("speak.acknowledge-how")}</summary>
      <form @submit=${(event: Event) => void this.acknowledge(event)}>
        <label>${say("level")}<select name="level" @change=${(event: Event) => (this.level = (event.target as HTMLSelectElement).value as Level)}>
          ${LEVELS.map((one) => html`<option value=${one} ?selected=${one === this.level}>${say(`level.${one}`)}</option>`)}</select></label>
        ${this.level === "received" ? nothing : html`<label>${say("speak.passed-to")}<input name="to" maxlength="200" ?required=${this.level === "passed_on"}></label>`}
        <label>${say("speak.note")}<input name="note" maxlength="4000"></label>
        <button ?disabled=${this.busy}>${say("speak.acknowledge")}</button>
      </form></details>
      <div role="status">${this.told === "" ? nothing : html`<p class="said">${this.told}</p>`}</div>`;
  }

  private async acknowledge(event: Event): Promise<void> {
    event.preventDefault();
    if (this.busy) return;
    this.busy = true;
    const given = new FormData(event.target as HTMLFormElement);
    const to = String(given.get("to") ?? "").trim();
    try {
      const receipt = await acknowledged(this.view!, this.level, { ...(to ? { to } : {}), note: String(given.get("note") ?? "") });
      this.told = say("acknowledged", { sequence: receipt.sequence });
    } catch (error) {
      this.told = refusedLine(error);
    } finally {
      this.busy = false;
    }
  }
}

/** Acknowledge one entry, by its hash: these bytes and no later ones. */
export async function acknowledged(view: View, level: Level, more: object = {}): Promise<Receipt> {
  const { versions } = await ask<Schemas["Versions"]>("GET", `/v1/objects/${view.object}/history?after=${view.version - 1}&limit=1`);
  return act("/v1/acknowledgements", { entry: versions[0]?.leaf, level, ...more });
}
