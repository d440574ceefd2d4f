// A call in one act: where, in which words, and the button that says what is happening calls.

import { html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { type Schemas, act, readBack } from "./api";
import { tell } from "./events";
import { emptying, features, typed } from "./forms";
import { CODES } from "./hotline";
import { volumesOf, whyRefused } from "./read-back";
import { refusal } from "./refused";
import "./where";
import type { Where } from "./where";
import { Speaking, called, say, spoken } from "./words";

@customElement("detente-hotline-form")
export class HotlineForm extends Speaking {
  /** Nobody is signed in: there is no map to draw on. */
  @property({ type: Boolean }) bare = false;
  /** The caller's own, one of which may be named to be called back. */
  @property({ attribute: false }) desks: readonly Schemas["Desk"][] = [];
  @state() private problem = "";
  @state() private said = "";
  @state() private busy = false;
  @query("form") private form!: HTMLFormElement;
  @query("detente-where") private where!: Where | null;

  override render(): unknown {
    return html`<form class="hotline" @submit=${(event: SubmitEvent) => event.preventDefault()}>
        <p class="hint">${say("hotline.how")}</p>
        ${this.bare
          ? html`<label>${say("position")}<input name="position" required autocomplete="off" spellcheck="false" dir="ltr" placeholder="36 43 4.9 N 68 51 44 E"></label>`
          : html`<detente-where></detente-where>`}
        <label>${say("hotline.uncertain")}<input name="radius" inputmode="decimal" dir="ltr" value="200"></label>
        <label>${say("hotline.words")}<textarea name="words" rows="2" maxlength="4000"></textarea></label>
        ${this.desks.length === 0 ? nothing : html`<label>${say("hotline.desk")}<select name="desk"><option value="">${say("hotline.no-desk")}</option>
          ${repeat(this.desks, (one) => one.id, (one) => html`<option value=${one.id}>${one.name}</option>`)}</select></label>`}
        <div class="codes">${CODES.map((one) => html`<button type="button" class="code ${one}" ?disabled=${this.busy} @click=${() => void this.call(one)}>${called("hotline.code", one)}</button>`)}</div>
        <p class="informs">${say("hotline.asks")}</p>
      </form>
      <div role="status" aria-live="polite">
        ${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}
        ${this.said === "" ? nothing : html`<p class="said">${this.said}</p>`}
      </div>`;
  }

  /** Only a button calls: the Enter key in a field would call with whichever stands first. */
  private async call(code: string): Promise<void> {
    this.problem = this.said = "";
    this.busy = true;
    const empty = emptying(this.form);
    try {
      const { position, radius, words, desk } = typed(this.form, ["position", "radius", "words", "desk"]);
      const drawn = this.where?.shapes ?? [];
      if (drawn.length === 0 && position === undefined) throw new Error(say("need-place"));
      const named = { name: "call", category: "call", ...(drawn.length > 0 ? {} : { position: position ?? "" }) };
      const read = await readBack("notices", features(drawn, named, radius ?? ""));
      if (read.refusals.length > 0) throw new Error(whyRefused(read));
      const volumes = read.values.flatMap(volumesOf);
      const said = { code, volumes, ...(words === undefined ? {} : { words, language: spoken() }), ...(desk === undefined ? {} : { desk }) };
      const receipt = await act("/v1/incidents", said);
      this.said = say("hotline.called", { sequence: receipt.sequence });
      tell("detente-asked", read.values);
      tell("detente-called", receipt.sequence);
      if (empty()) this.where?.stop();
    } catch (error) {
      this.problem = refusal(error);
    } finally {
      this.busy = false;
    }
  }
}
