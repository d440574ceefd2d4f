// Admit a party, or change one: all of what it is but its keys.

import { html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { Schemas } from "./api";
import { Speaking, say } from "./words";

type Party = Schemas["Party"];
type Desk = Schemas["Desk"];

const FIRST = "duty";

/** A desk as it is being written; a new one has an id to choose. */
interface Row {
  number: number;
  desk: Desk;
  isNew: boolean;
}

/** Tells by `detente-admitted` what is to be put on record. */
@customElement("detente-party")
export class PartyForm extends Speaking {
  @property({ attribute: false }) parties: readonly Party[] = [];
  @state() private rows: readonly Row[] = [];
  private numbers = 0;
  private known: Party | undefined;

  constructor() {
    super();
    this.rows = [this.row({ id: FIRST, name: "" }, true)];
  }

  override render(): unknown {
    return html`<form @submit=${(event: Event) => this.put(event)}>
      <p class="hint">${say("speak.admit-what")}</p>
      <label>${say("speak.party-id")}<input name="id" required pattern="[a-z0-9][a-z0-9._\\-]*" maxlength="63" dir="ltr" list="party-ids" autocomplete="off" @change=${(event: Event) => this.fill((event.target as HTMLInputElement).form!)}></label>
      <datalist id="party-ids">${this.parties.map((one) => html`<option value=${one.id}>${one.name}</option>`)}</datalist>
      <label>${say("own-name")}<input name="name" required maxlength="200"></label>
      ${repeat(this.rows, (one) => one.number, (one) => this.desk(one))}
      <div><button type="button" name="add-desk" @click=${() => this.add()}>${say("speak.add-desk")}</button></div>
      <label>${say("speak.subject-name")}<input name="subject" maxlength="200" dir="ltr"></label>
      <button class="main">${say("speak.admit")}</button></form>`;
  }

  private desk({ number, desk, isNew }: Row): unknown {
    return html`<fieldset class="desk"><legend>${say("speak.desk-name")}</legend>
      <div class="pair">
        <label>${say("speak.party-id")}<input name="desk-id" required pattern="[a-z0-9][a-z0-9._\\-]*" maxlength="63" dir="ltr" ?readonly=${!isNew} .defaultValue=${desk.id}></label>
        <label>${say("own-name")}<input name="desk" required maxlength="200" .defaultValue=${desk.name}></label>
      </div>
      <label>${say("speak.contacts")}<textarea name="contacts" rows="2" dir="ltr" .defaultValue=${(desk.contacts ?? []).join("\n")}></textarea></label>
      <div><button type="button" class="link" name="remove-desk" aria-label="${say("speak.remove")}: ${desk.name || desk.id}" @click=${() => this.drop(number)}>${say("speak.remove")}</button></div></fieldset>`;
  }

  private row(desk: Desk, isNew: boolean): Row {
    return { number: this.numbers++, desk, isNew };
  }

  private add(): void {
    this.rows = [...this.rows, this.row({ id: this.rows.length === 0 ? FIRST : "", name: "" }, true)];
    void this.updateComplete.then(() => [...this.querySelectorAll<HTMLInputElement>("[name=desk-id]")].at(-1)?.focus());
  }

  private drop(number: number): void {
    this.rows = this.rows.filter((one) => one.number !== number);
  }

  /** What is known of a party that is changed: left out, it would be gone. */
  private fill(form: HTMLFormElement): void {
    const known = this.parties.find((one) => one.id === String(new FormData(form).get("id")).trim());
    if (known === this.known) return;
    this.known = known;
    if (known === undefined) return;
    this.rows = (known.desks ?? []).map((one) => this.row(one, false));
    for (const [name, fact] of Object.entries({ name: known.name, subject: known.subject ?? "" })) {
      (form.elements.namedItem(name) as HTMLInputElement).value = fact;
    }
  }

  private put(event: Event): void {
    event.preventDefault();
    const given = new FormData(event.target as HTMLFormElement);
    const text = (name: string): string => String(given.get(name) ?? "").trim();
    const all = (name: string): string[] => given.getAll(name).map((one) => String(one).trim());
    const [names, contacts] = [all("desk"), all("contacts")];
    const desks = all("desk-id").map((id, at) => ({ id, name: names[at], contacts: (contacts[at] ?? "").split("\n").map((one) => one.trim()).filter(Boolean) }));
    const detail = { id: text("id"), name: text("name"), desks, ...(text("subject") === "" ? {} : { subject: text("subject") }) };
    this.dispatchEvent(new CustomEvent("detente-admitted", { detail }));
  }

  /** It is on record: the form is for another. */
  clear(): void {
    this.known = undefined;
    this.rows = [this.row({ id: FIRST, name: "" }, true)];
    this.querySelector("form")!.reset();
  }
}
