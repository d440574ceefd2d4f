// The hotline's terms: what is in force, and a form for what is to be.

import { html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Schemas } from "./api";
import { Speaking, called, say } from "./words";

export type InForce = Schemas["HotlineTold"];
const MM_PER_KM = 1_000_000;
const RINGS = ["next_desk", "all_desks", "all_members"] as const;

/** In one line. */
export function hotlineLine(terms: InForce): string {
  const rungs = terms.ladder.map((one) => say("map.rung-line", { seconds: one.after_s, rings: called("hotline.rings", one.rings) }));
  return say("map.hotline-what", { km: terms.near_mm / MM_PER_KM, rungs: rungs.join(", ") || say("map.no-ladder") });
}

/** What a form says of the hotline; whether that can be agreed the node decides. */
export function hotlineOf(given: FormData): object {
  const rings = given.getAll("rings");
  const ladder = given.getAll("after").flatMap((after, at) => (after === "" ? [] : [{ after_s: Number(after), rings: rings[at] }]));
  return { near_mm: Math.round(Number(given.get("near")) * MM_PER_KM), ladder };
}

/** Fields of a form around it, each beside what is in force. */
@customElement("detente-ladder")
export class Ladder extends Speaking {
  @property({ attribute: false }) terms!: InForce;
  @state() private more = 0;

  override render(): unknown {
    const { ladder, near_mm } = this.terms;
    const rungs = [...ladder, ...Array.from({ length: this.more }, () => null)];
    return html`<fieldset><legend>${say("map.ladder")}</legend>
      <label>${say("map.near")}<input name="near" type="number" min="0" step="any" required dir="ltr" .defaultValue=${String(near_mm / MM_PER_KM)}>
        <small>${say("map.in-force")}: ${near_mm / MM_PER_KM} km</small></label>
      <p class="hint">${say("map.ladder-hint")}</p>
      <table class="ladder-terms"><thead><tr><th scope="col">${say("map.rung")}</th><th scope="col">${say("map.in-force")}</th>
        <th scope="col">${say("map.after")}</th><th scope="col">${say("map.rings")}</th></tr></thead>
        <tbody>${rungs.map((one, at) => html`<tr><th scope="row">${at + 1}</th>
          <td>${one === null ? "–" : say("map.rung-line", { seconds: one.after_s, rings: called("hotline.rings", one.rings) })}</td>
          <td><input name="after" type="number" step="1" dir="ltr" aria-label="${say("map.after")} (${at + 1})" .defaultValue=${String(one?.after_s ?? "")}></td>
          <td><select name="rings" aria-label="${say("map.rings")} (${at + 1})">${RINGS.map((name) => html`<option value=${name} ?selected=${name === (one?.rings ?? "all_members")}>${called("hotline.rings", name)}</option>`)}</select></td></tr>`)}</tbody></table>
      <div><button type="button" name="add-rung" @click=${() => (this.more += 1)}>${say("map.add-rung")}</button></div></fieldset>`;
  }
}
