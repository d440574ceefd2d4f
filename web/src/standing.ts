// How an object stands: versions, who was told and who is silent, objections, what may follow.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { type Receipt, type Schemas, type View, Refusal, act, ask, sent } from "./api";
import { tell } from "./events";
import { Turns, follow } from "./following";
import { emptying } from "./forms";
import { missing } from "./missing";
import { refusedLine } from "./refused";
import { type Version, isShown } from "./version-then";
import { Speaking, at, called, listed, say } from "./words";

type Missing = Schemas["Missing"];
type Versions = Schemas["Versions"];
type Contest = Schemas["Contest"];

/** After these a plan counts no more, and nothing follows: they are not done by one press. */
const OVER = new Set(["ended", "withdrawn"]);

@customElement("detente-standing")
export class Standing extends Speaking {
  @property({ attribute: false }) view!: View;
  @property() party = "";
  @state() private standing: Schemas["ObjectStanding"] | null = null;
  @state() private versions: Versions | null = null;
  /** Of which version is shown what it said. */
  @state() private then: number | null = null;
  @state() private told: unknown = "";
  @state() private busy = false;
  /** What stands between a plan and its next state: entries of which its author did not know. */
  @state() private unaware: { state: string; missing: readonly Missing[] } | null = null;
  private readonly loads = new Turns();
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    follow(this, "detente-changed", () => void this.load(), this.over.signal);
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    super.disconnectedCallback();
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has("view")) return;
    // Of another version of the same, what is half-written stays.
    const before = changed.get("view") as View | undefined;
    if (before?.object !== this.view.object) this.standing = this.versions = this.unaware = this.then = null;
    void this.load();
  }

  override render(): unknown {
    const own = this.view.party === this.party;
    return html`<div role="status" aria-live="polite">${this.told === "" ? nothing : html`<p class="said">${this.told}</p>`}</div>
      ${this.standing === null ? nothing : html`
        ${own && this.standing.state ? this.steps(this.standing) : nothing}
        <h4>${say("look-objections")}</h4>
        ${this.standing.objections.length === 0 ? html`<p>${say("look-no-objections")}</p>` : repeat(this.standing.objections, (one) => one.objection, (one) => this.contest(one, own))}
        ${own ? nothing : this.say("look-object-to", "look-reasons", (text) => this.object(text))}
        ${own ? this.recipients(this.standing) : nothing}`}
      ${this.versions === null ? nothing : html`<h4>${say("look-versions")}</h4>
        <ol class="versions" reversed>${[...this.versions.versions].reverse().map((one) => html`<li>${this.line(one)}</li>`)}</ol>
        ${this.then === null ? nothing : html`<detente-version object=${this.view.object} kind=${this.view.kind} .versions=${this.versions.versions} version=${this.then}></detente-version>`}`}`;
  }

  /** A version, and a button that shows what it said. */
  private line(one: Version): unknown {
    const told = say("look-version-line", { version: one.version, sequence: one.sequence, time: at(one.received) });
    if (one.erased || !isShown(this.view.kind)) return told;
    return html`<button type="button" class="link" aria-pressed=${this.then === one.version} name="version-${one.version}"
      @click=${() => (this.then = this.then === one.version ? null : one.version)}>${told}</button>`;
  }

  private steps(standing: Schemas["ObjectStanding"]): unknown {
    return html`<h4>${say("state")}: ${called("look-state", standing.state)}</h4>
      ${standing.next.length === 0 ? html`<p>${say("look-final")}</p>` : html`<p>${say("look-steps")}</p><div class="row">
        ${standing.next.filter((one) => !OVER.has(one)).map((one) => this.stepping(one, called("look-state", one)))}</div>
        ${standing.next.filter((one) => OVER.has(one)).map((one) => html`<details class="act"><summary>${called("look-state", one)}</summary>
          <p>${say("speak.end-what")}</p>${this.stepping(one, say("look-step-it", { state: called("look-state", one) }))}</details>`)}`}
      ${this.unaware === null ? nothing : missing(this.unaware.missing, () => this.step(this.unaware!.state, this.unaware!.missing.map((one) => one.token)))}`;
  }

  private stepping(state: string, words: string): unknown {
    return html`<button type="button" name="step-${state}" ?disabled=${this.busy} @click=${() => void this.step(state, [])}>${words}</button>`;
  }

  private contest(one: Contest, own: boolean): unknown {
    return html`<article class="objection"><p><b>${one.party}</b>${say("list.comma")}${at(one.raised)}</p><p>${one.text}</p>
      ${one.answer ? html`<p class="answer">${say("look-answered", { time: at(one.answered), text: one.answer })}</p>` : html`
        <p class="late">${say(this.view.kind === "plan" ? "look-unanswered" : "look-open")}</p>
        ${own ? this.say("look-answer", "look-answer", (text) => this.answer(one, text)) : nothing}`}</article>`;
  }

  private say(act: "look-object-to" | "look-answer", label: "look-reasons" | "look-answer", then: (text: string) => Promise<Receipt>): unknown {
    const given = async (event: Event): Promise<void> => {
      event.preventDefault();
      const form = event.target as HTMLFormElement;
      const empty = emptying(form);
      await this.act(async () => {
        const receipt = await then(String(new FormData(form).get("text")));
        empty();
        return act === "look-object-to" ? say("look-objected", { sequence: receipt.sequence }) : "";
      });
    };
    return html`<form class=${act} @submit=${(event: Event) => void given(event)}>
      <label>${say(label)}<textarea name="text" required maxlength="4000" rows="2"></textarea></label>
      <button ?disabled=${this.busy}>${say(act)}</button></form>`;
  }

  private recipients(standing: Schemas["ObjectStanding"]): unknown {
    return html`<h4>${say("look-told")}</h4>
      ${standing.told.length === 0 ? html`<p>${say("look-told-nobody")}</p>` : html`<table class="told"><thead><tr>
        <th scope="col">${say("who")}</th><th scope="col">${say("grade")}</th><th scope="col">${say("told-at")}</th><th scope="col">${say("level")}</th></tr></thead>
        <tbody>${standing.told.map((one) => html`<tr><td>${one.party}</td><td>${called("grade", one.grade)}</td>
          <td>${one.told ? at(one.told) : say("never-told")}</td>
          <td>${called("level", one.level ?? "none")}${one.passed_on?.length ? `: ${listed(one.passed_on)}` : ""}</td></tr>`)}</tbody></table>`}`;
  }

  private async load(): Promise<void> {
    const { object, grade } = this.view;
    const isNews = this.loads.again();
    try {
      const [standing, versions] = await Promise.all([
        ask<Schemas["ObjectStanding"]>("GET", `/v1/objects/${object}/standing`),
        grade === "full" ? ask<Versions>("GET", `/v1/objects/${object}/history`) : null,
      ]);
      if (object === this.view.object && isNews()) [this.standing, this.versions] = [standing, versions];
    } catch (error) {
      if (object === this.view.object && isNews()) this.told = refusedLine(error);
    }
  }

  private object(text: string): Promise<Receipt> {
    return act("/v1/objections", { object: this.view.object, text });
  }

  private answer(one: Contest, text: string): Promise<Receipt> {
    return act("/v1/answers", { objection: one.objection, text });
  }

  /** The plan's next version: as it stands on record now, in another state. */
  private step(state: string, key: readonly string[]): Promise<void> {
    return this.act(async () => {
      const path = `/v1/objects/${this.view.object}`;
      const now = await ask<View>("GET", path);
      try {
        const receipt = await sent("PUT", path, { value: { ...now.value, state }, key }, { "if-match": `"${now.token}"` });
        this.unaware = null;
        const { value } = now;
        const name = value && "volumes" in value ? ("name" in value && value.name) || value.source_id : "";
        return say("look-stepped", { name, state: called("look-state", state), sequence: receipt.sequence });
      } catch (error) {
        const lacking = error instanceof Refusal ? (error.problem as Partial<Schemas["Unaware"]>).missing : undefined;
        if (lacking === undefined) throw error;
        this.unaware = { state, missing: lacking };
        return "";
      }
    });
  }

  private async act(act: () => Promise<string>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      this.told = await act();
      await this.load();
      tell("detente-changed", 0);
    } catch (error) {
      this.told = refusedLine(error);
    } finally {
      this.busy = false;
    }
  }
}
