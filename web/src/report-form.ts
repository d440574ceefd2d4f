// A report or a request for information, typed; or a STIX file, given as it stands.

import { html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { type Readings, type Schemas, act, readBack, sent } from "./api";
import { type About, begun } from "./drafts";
import { hear, tell } from "./events";
import { Turns, isOpen } from "./following";
import { emptying, features, typed } from "./forms";
import { notTaken } from "./not-taken";
import { remarks, understood, whyRefused } from "./read-back";
import { refusal } from "./refused";
import { type ReleaseChoice, released } from "./release";
import "./release";
import "./where";
import type { Where } from "./where";
import { LANGUAGES, Speaking, say, spoken } from "./words";

const RELIABILITY = ["a", "b", "c", "d", "e", "f"] as const;
const CREDIBILITY = [1, 2, 3, 4, 5, 6] as const;

@customElement("detente-report-form")
export class ReportForm extends Speaking {
  @property() party = "";
  @state() about: About | null = begun();
  @state() private asks = false;
  @state() private read: Readings | null = null;
  @state() private problem: unknown = "";
  @state() private said = "";
  @query("form") private form!: HTMLFormElement;
  @query("dialog") private dialog!: HTMLDialogElement;
  @query("detente-where") private where!: Where;
  @query("detente-release") private release!: ReleaseChoice;
  private report: Record<string, unknown> = {};
  private readonly readings = new Turns();
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    hear("detente-draft", () => this.take(begun()), this.over.signal);
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    super.disconnectedCallback();
  }

  override render(): unknown {
    const answers = this.about?.answers ?? false;
    return html`<form @submit=${(event: Event) => void this.reading(event)}>
        ${answers ? nothing : html`<label>${say("speak.report-kind")}<select name="kind" @change=${(event: Event) => (this.asks = (event.target as HTMLSelectElement).value === "asks")}>
          <option value="tells">${say("speak.report-tells")}</option><option value="asks">${say("speak.report-asks")}</option></select></label>`}
        ${this.about === null ? nothing : html`<p>${this.abouts()}
          <button type="button" class="link" @click=${() => (this.about = null)}>${say("speak.remove")}</button></p>`}
        <label>${say("speak.subject")}<input name="title" required maxlength="200"></label>
        <label>${say("speak.text")}<textarea name="text" rows="4" maxlength="200000" ?required=${!this.asks}></textarea></label>
        ${this.asks && !answers ? html`<label>${say("speak.asks")}<textarea name="asks" rows="2" required maxlength="4000"></textarea></label>
          <label>${say("speak.due")}<input type="datetime-local" name="due"></label>` : nothing}
        <label>${say("speak.text-language")}<select name="language">${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code} ?selected=${code === spoken()}>${name}</option>`)}</select></label>
        <details><summary>${say("speak.place-source")}</summary>
          <detente-where></detente-where>
          <div class="pair">
            <label>${say("radius")}<input name="radius" inputmode="decimal" dir="ltr"></label>
            <label>${say("speak.observed")}<input type="datetime-local" name="observed"></label>
            <label>${say("speak.reliability")}<select name="reliability">${RELIABILITY.map((one) => html`<option value=${one} ?selected=${one === "f"}>${one.toUpperCase()}: ${say(`speak.reliability.${one}`)}</option>`)}</select></label>
            <label>${say("speak.credibility")}<select name="credibility">${CREDIBILITY.map((one) => html`<option value=${one} ?selected=${one === 6}>${one}: ${say(`speak.credibility.${one}`)}</option>`)}</select></label>
          </div></details>
        <label>${say("speak.stix-file")}<input type="file" name="file" accept=".json,.stix"></label>
        <detente-release own=${this.party}></detente-release>
        <div class="row"><button class="main">${say("read-it-back")}</button>
          <button type="button" @click=${() => void this.give()}>${say("speak.give-stix")}</button></div>
      </form>
      <div role="status" aria-live="polite">
        ${this.problem === "" ? nothing : html`<div class="refused">${this.problem}</div>`}
        ${this.said === "" ? nothing : html`<p class="said">${this.said}</p>`}
      </div>
      <dialog aria-labelledby="report-back">
        <h2 id="report-back">${say("speak.report-back")}</h2>
        ${this.abouts()}
        <p dir="auto"><strong>${this.report.title as string}</strong></p>
        <p dir="auto" class="text">${this.report.text as string}</p>
        ${this.read === null ? nothing : html`${this.read.values.map(understood)}${remarks(this.read)}`}
        <p class="question">${say("release")}: ${released(this.report.release as Schemas["Release"] | undefined)}</p>
        <div class="row">
          <button class="main" type="button" @click=${() => void this.confirmed()}>${say("speak.send")}</button>
          <button type="button" @click=${() => this.dialog.close()}>${say("change")}</button>
        </div>
      </dialog>`;
  }

  /** What it is about, in words. */
  private abouts(): unknown {
    if (this.about === null) return nothing;
    const { name, passedOn, answers } = this.about;
    return html`<span>${say(answers ? "speak.answers" : passedOn ? "speak.passes-on" : "speak.about", { name })}</span>`;
  }

  /** What is written already stays: the form says above it what it is about. */
  private take(about: About | null): void {
    if (about === null) return;
    this.about = about;
    if (about.answers) this.asks = false;
  }

  /** What will be sent, with its place as the node understands it. */
  private async reading(event: Event): Promise<void> {
    event.preventDefault();
    const isLast = this.readings.next();
    this.problem = this.said = "";
    try {
      const read = await this.place();
      if (!isLast()) return;
      this.read = read;
      this.report = this.typed();
      if (isOpen(this)) this.dialog.showModal();
    } catch (error) {
      if (isLast()) this.problem = refusal(error);
    }
  }

  private async place(): Promise<Readings | null> {
    const { position, radius = "" } = typed(this.form, ["position", "radius"]);
    const drawn = this.where.shapes;
    if (drawn.length === 0 && position === undefined) return null;
    const found = await readBack("notices", features(drawn, drawn.length > 0 || position === undefined ? {} : { position }, radius));
    if (found.refusals.length > 0) throw new Error(whyRefused(found));
    return found;
  }

  private typed(): Record<string, unknown> {
    const given = typed(this.form, ["title", "text", "asks", "due", "observed", "language", "reliability", "credibility"]);
    const { object, passedOn, answers } = this.about ?? {};
    const release = this.release.value();
    return {
      title: given.title,
      text: given.text ?? "",
      language: given.language,
      reliability: given.reliability,
      credibility: Number(given.credibility),
      volumes: (this.read?.values ?? []).flatMap((one) => one.value.volumes ?? []),
      ...(given.observed ? { observed: given.observed } : {}),
      ...(given.asks ? { request: { asks: given.asks, ...(given.due ? { due: given.due } : {}) } } : {}),
      ...(object === undefined ? {} : answers ? { answers: object } : passedOn ? { refers: [object] } : { links: [object] }),
      ...(release === null ? {} : { release }),
    };
  }

  private async confirmed(): Promise<void> {
    this.dialog.close();
    const empty = emptying(this.form);
    try {
      const receipt = await act("/v1/reports", this.report);
      this.done(empty, say("speak.sent", { name: String(this.report.title), sequence: receipt.sequence }), receipt.sequence);
    } catch (error) {
      this.problem = refusal(error);
    }
  }

  /** A bundle goes as its text stands: numbers and unknown properties are kept to the byte. */
  private async give(): Promise<void> {
    this.problem = this.said = "";
    const empty = emptying(this.form);
    try {
      const file = new FormData(this.form).get("file");
      if (!(file instanceof File) || file.size === 0) throw new Error(say("speak.need-stix"));
      const given = new FormData(this.form);
      const release = JSON.stringify(this.release.value());
      const body = `{"bundle":${await file.text()},"release":${release},"reliability":${JSON.stringify(given.get("reliability"))}}`;
      const { outcomes } = await sent<Schemas["Outcomes"]>("POST", "/v1/bundles", body);
      const taken = outcomes.filter((one) => !one.message).length;
      this.problem = notTaken(outcomes);
      this.done(empty, say("speak.given", { count: taken, all: outcomes.length }), 0);
    } catch (error) {
      this.problem = refusal(error);
    }
  }

  private done(empty: () => boolean, said: string, sequence: number): void {
    this.said = said;
    if (empty()) {
      this.readings.next();
      this.asks = false;
      this.about = null;
      this.where.stop();
    }
    tell("detente-changed", sequence);
  }
}
