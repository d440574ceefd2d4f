// Notify: a site, a movement, own people, a zone. What is stored is shown, and confirmed, before it is.

import { html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { type Readings, act, readBack } from "./api";
import { tell } from "./events";
import { emptying, features, typed } from "./forms";
import { accompanied } from "./escort";
import { Turns, isOpen } from "./following";
import { HEIGHTS, heights } from "./heights";
import "./legs";
import type { Legs } from "./legs";
import { remarks, understood, whyRefused } from "./read-back";
import { refusal } from "./refused";
import "./release";
import { type ReleaseChoice, released } from "./release";
import "./where";
import type { Where } from "./where";
import { Speaking, called, say } from "./words";

const FIELDS = ["position", "name", "rule", "standoff_m", ...HEIGHTS, "start", "end"];
const RULES = ["no_activity", "coordinate_first", "corridor", "boundary"] as const;

/** What may be said here: as it is read, and where it is put on record. */
const KINDS = {
  site: ["notices", "/v1/notices"],
  movement: ["notices", "/v1/movements"],
  presence: ["presence", "/v1/presence"],
  zone: ["zones", "/v1/zones"],
} as const;
type Kind = keyof typeof KINDS;

/** Words for what it is that have names here; whoever needs another writes it. */
const CATEGORIES: Record<Kind, readonly string[]> = {
  site: ["medical", "school", "water", "shelter", "aid", "religious", "power", "other"],
  movement: ["convoy", "medical", "medevac", "aid", "other"],
  presence: ["presence", "medical", "aid", "survey", "other"],
  zone: ["zone", "medical", "aid", "other"],
};
const OWN_WORD = "";

@customElement("detente-notice")
export class NoticePanel extends Speaking {
  @property() party = "";
  @state() private kind: Kind = "site";
  @state() private category = "medical";
  @state() private read: Readings | null = null;
  @state() private typed = "";
  @state() private problem = "";
  @state() private said = "";
  private readonly readings = new Turns();
  @query("form") private form!: HTMLFormElement;
  @query("dialog") private dialog!: HTMLDialogElement;
  @query("detente-where") private where!: Where;
  @query("detente-legs") private legs!: Legs | null;
  @query("detente-release") private release!: ReleaseChoice;

  override render(): unknown {
    const moves = this.kind === "movement";
    return html`<h2>${say("tab.notice")}</h2>
      <form @submit=${(event: Event) => void this.reading(event)}>
        <label>${say("speak.kind")}<select name="kind" @change=${(event: Event) => this.become((event.target as HTMLSelectElement).value as Kind)}>
          ${(Object.keys(KINDS) as Kind[]).map((one) => html`<option value=${one} ?selected=${one === this.kind}>${say(`speak.kind.${one}`)}</option>`)}</select></label>
        <label>${say("own-name")}<input name="name" required maxlength="200"></label>
        <label>${say("what-it-is")}<select name="category" @change=${(event: Event) => (this.category = (event.target as HTMLSelectElement).value)}>
          ${keyed(this.kind, [...CATEGORIES[this.kind], OWN_WORD].map((one) => html`<option value=${one} ?selected=${one === this.category}>${called("category", one) || say("category-own")}</option>`))}</select></label>
        ${this.category === OWN_WORD ? html`<label>${say("category-word")}<input name="word" required dir="ltr" maxlength="63" pattern="[a-z0-9_\\-]+"></label>` : nothing}
        ${this.kind === "zone" ? html`<label>${say("rule")}<select name="rule">${RULES.map((one) => html`<option value=${one}>${say(`rule.${one}`)}</option>`)}</select></label>` : nothing}
        ${moves ? html`<detente-legs></detente-legs>` : html`<detente-where></detente-where>`}
        <div class="pair">
          ${moves ? nothing : html`<label>${say("radius")}<input name="radius" inputmode="decimal" dir="ltr"></label>`}
          <label>${say("standoff")}<input name="standoff_m" inputmode="decimal" dir="ltr"></label>
          ${moves ? nothing : html`<label>${say("from")}<input type="datetime-local" name="start"></label>
          <label>${say("until")}<input type="datetime-local" name="end"></label>`}
        </div>
        <p class="hint">${say("utc")}</p>
        ${this.kind === "zone" || this.kind === "presence" ? heights() : nothing}
        <detente-release own=${this.party}></detente-release>
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
        ${this.read === null ? nothing : html`${this.read.values.map((one) => html`${understood(one)}${accompanied(one.value)}`)}${remarks(this.read)}`}
        <p>${say("release")}: ${this.read === null ? "" : released(this.release.value())}</p>
        <p class="question">${say("read-back-ask")}</p>
        <div class="row">
          <button class="main" type="button" @click=${() => void this.confirmed()}>${say("confirm")}</button>
          <button type="button" @click=${() => this.dialog.close()}>${say("change")}</button>
        </div>
      </dialog>`;
  }

  private become(kind: Kind): void {
    this.readings.next();
    this.where?.stop();
    this.legs?.clear();
    this.kind = kind;
    this.category = CATEGORIES[kind][0]!;
  }

  private async reading(event: Event): Promise<void> {
    event.preventDefault();
    const isLast = this.readings.next();
    this.problem = this.said = "";
    try {
      const found = this.asked(crypto.randomUUID());
      const { kind } = this;
      const read = await readBack(KINDS[kind][0], found);
      // Confirmed is what one was shown, of the kind that was asked.
      if (!isLast()) return;
      this.read = read;
      if (read.values.length === 0 || (kind === "movement" && read.refusals.length > 0)) throw new Error(whyRefused(read));
      tell("detente-asked", read.values);
      // Of a hidden panel nobody would see it, and all else would be shut.
      if (isOpen(this)) this.dialog.showModal();
    } catch (error) {
      if (isLast()) this.problem = refusal(error);
    }
  }

  /** What is typed and drawn, for the node to read. */
  private asked(id: string): ReturnType<typeof features> {
    const { word, category = word ?? "", ...given } = typed(this.form, [...FIELDS, "category", "word"]);
    given.category = category;
    if (this.legs !== null) {
      const about = Object.fromEntries(Object.entries(given).filter(([name]) => name !== "position"));
      if (this.legs.pending()) this.legs.add();
      const found = this.legs.features(id, about);
      if (found.length === 0 || this.legs.pending()) throw new Error(say("speak.no-legs"));
      this.typed = this.legs.typed();
      return found;
    }
    const drawn = this.where.shapes;
    if (drawn.length === 0 && given.position === undefined) throw new Error(say("need-place"));
    if (drawn.length > 0) delete given.position;
    this.typed = given.position ?? "";
    // Which of several is meant, nobody but who drew them knows.
    if (drawn.length > 1) throw new Error(say("one-shape", { count: drawn.length }));
    return features(drawn, { ...given, id }, typed(this.form, ["radius"]).radius ?? "");
  }

  private async confirmed(): Promise<void> {
    const [one] = this.read?.values ?? [];
    if (one === undefined) return;
    const release = this.release.value();
    this.dialog.close();
    const empty = emptying(this.form);
    try {
      // Its own name comes with the act: read back anew after a cut line, it is no second notice.
      const { source_id: _, ...said } = one.value;
      const receipt = await act(KINDS[this.kind][1], { ...said, ...(release === null ? {} : { release }) });
      this.said = say("notified", { name: one.value.name ?? one.value.source_id, sequence: receipt.sequence });
      if (empty()) this.become("site");
      tell("detente-changed", receipt.sequence);
    } catch (error) {
      this.problem = refusal(error);
    }
  }
}
