// New terms of the agreement. What is not in the form stays as it is.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { Schemas } from "./api";
import { type InForce, hotlineOf } from "./hotline-terms";
import { Speaking, say } from "./words";

type Agreement = Schemas["Agreement"];
const MM_PER_M = 1_000;
const S_PER_H = 3_600;

@customElement("detente-agreement")
export class AgreementForm extends Speaking {
  @property({ attribute: false }) terms: Agreement | null = null;
  @property({ attribute: false }) parties: readonly Schemas["Party"][] = [];
  @property({ attribute: false }) hotline: InForce | null = null;
  @state() private problem = "";

  override render(): unknown {
    const terms = this.terms;
    if (terms === null) return nothing;
    const separations = Object.entries(terms.separations ?? {}).map(([name, one]) => `${name} ${one.horizontal_mm / MM_PER_M} ${(one.vertical_mm ?? 0) / MM_PER_M}`);
    const leads = Object.entries(terms.lead_times_s ?? {}).map(([name, one]) => `${name} ${one / S_PER_H}`);
    return html`<form @submit=${(event: Event) => this.agree(event, terms)}>
      <label>${say("own-name")}<input name="name" required maxlength="200" value=${terms.name}></label>
      <fieldset><legend>${say("speak.member-list")}</legend><p class="hint">${say("speak.members-hint")}</p>
        ${repeat(this.parties, (one) => one.id, (one) => html`<label class="check"><input type="checkbox" name="members" value=${one.id} ?checked=${terms.members?.includes(one.id) ?? false}>${one.name}</label>`)}</fieldset>
      <label>${say("speak.separations-form")}<textarea name="separations" rows="3" dir="ltr">${separations.join("\n")}</textarea></label>
      <label>${say("speak.lead-times-form")}<textarea name="leads" rows="3" dir="ltr">${leads.join("\n")}</textarea></label>
      <label>${say("speak.source-age")} (h)<input name="age" type="number" min="0" step="any" dir="ltr" value=${terms.source_age_max_s == null ? "" : terms.source_age_max_s / S_PER_H}></label>
      ${this.hotline === null ? nothing : html`<detente-ladder .terms=${this.hotline}></detente-ladder>`}
      ${this.problem === "" ? nothing : html`<p class="refused" role="alert">${this.problem}</p>`}
      <button>${say("speak.put-agreement")}</button></form>`;
  }

  private agree(event: Event, terms: Agreement): void {
    event.preventDefault();
    const given = new FormData(event.target as HTMLFormElement);
    this.problem = "";
    try {
      const separations = rows(given.get("separations"), 3).map(([name, horizontal, vertical]) =>
        [name, { horizontal_mm: Math.round(Number(horizontal) * MM_PER_M), vertical_mm: Math.round(Number(vertical) * MM_PER_M) }]);
      const leads = rows(given.get("leads"), 2).map(([name, hours]) => [name, Math.round(Number(hours) * S_PER_H)]);
      const age = String(given.get("age"));
      const detail = {
        ...terms, name: String(given.get("name")), members: given.getAll("members"),
        separations: Object.fromEntries(separations), lead_times_s: Object.fromEntries(leads),
        source_age_max_s: age === "" ? null : Math.round(Number(age) * S_PER_H),
        ...(given.has("near") ? { hotline: hotlineOf(given) } : {}),
      };
      this.dispatchEvent(new CustomEvent("detente-agreed", { detail }));
    } catch (error) {
      this.problem = (error as Error).message;
    }
  }
}

/** Lines of so many words, of which all but the first are numbers; what is none is not sent. */
function rows(text: FormDataEntryValue | null, words: number): string[][] {
  const lines = String(text ?? "").split("\n").map((one) => one.trim()).filter(Boolean);
  return lines.map((one) => {
    const parts = one.split(/\s+/);
    const numbers = parts.slice(1);
    if (parts.length !== words || !numbers.every((part) => Number.isFinite(Number(part)))) throw new Error(say("speak.bad-line", { line: one }));
    return parts;
  });
}
