// A notice, entered with read-back: what is stored is shown, and said aloud, before it is.

import { html, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { type Readings, type Receipt, ask, once, readBack } from "./api";
import { refusal } from "./check-panel";
import { tell } from "./events";
import { features, typed } from "./forms";
import { remarks, understood } from "./read-back";
import "./where";
import type { Where } from "./where";
import { Speaking, say } from "./words";

const FIELDS = ["position", "name", "category", "standoff_m", "start", "end"];
const CATEGORIES = ["medical", "school", "water", "shelter", "aid", "religious", "power", "other"];
const GRADES = ["full", "area", "contact", "none"] as const;

@customElement("detente-notice")
export class NoticePanel extends Speaking {
  @state() private read: Readings | null = null;
  @state() private typed = "";
  @state() private problem = "";
  @state() private said = "";
  @query("form") private form!: HTMLFormElement;
  @query("dialog") private dialog!: HTMLDialogElement;
  @query("detente-where") private where!: Where;
  private key: Record<string, string> = {};

  override render(): unknown {
    return html`<h2>${say("tab.notice")}</h2>
      <form @submit=${(event: Event) => void this.reading(event)}>
        <label>${say("own-name")}<input name="name" required maxlength="200"></label>
        <label>${say("what-it-is")}<input name="category" required list="categories" dir="ltr" value="medical" pattern="[a-z0-9_\\-]+"></label>
        <datalist id="categories">${CATEGORIES.map((one) => html`<option value=${one}></option>`)}</datalist>
        <detente-where></detente-where>
        <div class="pair">
          <label>${say("radius")}<input name="radius" inputmode="decimal" dir="ltr"></label>
          <label>${say("standoff")}<input name="standoff_m" inputmode="decimal" dir="ltr"></label>
          <label>${say("from")}<input type="datetime-local" name="start"></label>
          <label>${say("until")}<input type="datetime-local" name="end"></label>
        </div>
        <p class="hint">${say("utc")}</p>
        <label>${say("release")}
          <select name="release">${GRADES.map((one) => html`<option value=${one}>${say(`release.${one}`)}</option>`)}</select></label>
        <button class="main">${say("read-it-back")}</button>
      </form>
      <div role="status" aria-live="polite">
        ${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}
        ${this.said === "" ? nothing : html`<p class="said">${this.said}</p>`}
      </div>
      <dialog aria-labelledby="read-back">
        <h2 id="read-back">${say("read-back")}</h2>
        ${this.typed === "" ? nothing : html`<p>${say("typed")}: <code dir="ltr">${this.typed}</code></p>`}
        <h3>${say("stored")}</h3>
        ${this.read === null ? nothing : html`${this.read.values.map(understood)}${remarks(this.read)}`}
        <p class="question">${say("read-back-ask")}</p>
        <div class="row">
          <button class="main" type="button" @click=${() => void this.confirmed()}>${say("confirm")}</button>
          <button type="button" @click=${() => this.dialog.close()}>${say("change")}</button>
        </div>
      </dialog>`;
  }

  private async reading(event: Event): Promise<void> {
    event.preventDefault();
    this.problem = this.said = "";
    try {
      const given = typed(this.form, FIELDS);
      const drawn = this.where.shapes;
      if (drawn.length === 0 && given.position === undefined) throw new Error(say("need-place"));
      if (drawn.length > 0) delete given.position;
      const radius = typed(this.form, ["radius"]).radius ?? "";
      // The author's own id: two notices of one name are two places.
      const id = crypto.randomUUID();
      this.read = await readBack("notices", features(drawn.slice(0, 1), { ...given, id }, radius));
      this.typed = given.position ?? "";
      this.key = once();
      if (this.read.values.length === 0) {
        const [why] = this.read.refusals;
        throw new Error(say("failed", { why: [why?.what, why?.expected, why?.got].filter(Boolean).join(", ") }));
      }
      tell("detente-asked", this.read.values);
      this.dialog.showModal();
    } catch (error) {
      this.problem = refusal(error);
    }
  }

  private async confirmed(): Promise<void> {
    const [one] = this.read?.values ?? [];
    if (one === undefined) return;
    const grade = String(new FormData(this.form).get("release"));
    const release = grade === "none" ? {} : { release: { members: grade } };
    this.dialog.close();
    try {
      // Sent again after a cut line, it is the same act (the key), not a second notice.
      const receipt = await ask<Receipt>("POST", "/v1/notices", { ...one.value, ...release }, this.key);
      this.said = say("notified", { name: one.value.name ?? one.value.source_id, sequence: receipt.sequence });
      this.form.reset();
      this.where.stop();
      tell("detente-changed", receipt.sequence);
    } catch (error) {
      this.problem = refusal(error);
    }
  }
}
