// The acknowledgement board: who was told what and when, how far it has come, and who is silent.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { type Schemas, type SilencePage, ask } from "./api";
import { tell } from "./events";
import { Following } from "./following";
import { refusal } from "./refused";
import { at, called, listed, say } from "./words";

const AWAITED = ["received", "passed_on", "acted_on"] as const;
const PAGE = 100;

@customElement("detente-told")
export class ToldPanel extends Following {
  /** Who looks. */
  @property() of = "";
  @state() private lines: readonly Schemas["Silence"][] | null = null;
  @state() private parties: readonly Schemas["PartySilence"][] = [];
  @state() private next: number | null = null;
  @state() private problem = "";
  @state() private text = "";
  private silentOnly = true;
  private awaited: (typeof AWAITED)[number] = "received";
  private party = "";
  /** Of what the lines are. */
  private listed = "";

  override render(): unknown {
    const lines = (this.lines ?? []).filter((one) => (one.name ?? one.object).toLowerCase().includes(this.text));
    return html`<h2>${say("tab.told")}</h2>
      <form class="board-filter" @change=${(event: Event) => this.choose(event)} @submit=${(event: Event) => event.preventDefault()}>
        <div class="pair">
          <label>${say("speak.show")}<select name="silent"><option value="silent">${say("speak.show-silent")}</option><option value="all">${say("speak.show-all")}</option></select></label>
          <label>${say("speak.awaited")}<select name="awaited">${AWAITED.map((one) => html`<option value=${one}>${say(`level.${one}`)}</option>`)}</select></label>
          <label>${say("who")}<select name="party"><option value="">${say("speak.every-party")}</option>${repeat(this.parties, (one) => one.party, (one) => html`<option>${one.party}</option>`)}</select></label>
          <label>${say("object")}<input name="text" maxlength="100" @input=${(event: Event) => (this.text = (event.target as HTMLInputElement).value.trim().toLowerCase())}></label>
        </div>
      </form>
      <div role="status">${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}</div>
      <h3>${say(this.silentOnly ? "board" : "speak.board-all")}</h3>
      ${this.lines !== null && lines.length === 0 ? html`<p>${say(this.silentOnly ? "board-empty" : "speak.board-nothing")}</p>` : nothing}
      ${lines.length === 0 ? nothing : html`<table class="board"><thead><tr>
          <th scope="col">${say("object")}</th><th scope="col">${say("who")}</th><th scope="col">${say("told-at")}</th>
          <th scope="col">${say("level")}</th><th scope="col">${say("silent-for")}</th></tr></thead>
        <tbody>${lines.map(line)}</tbody></table>`}
      ${this.next === null ? nothing : html`<button type="button" @click=${() => void this.load(this.next!)}>${say("speak.more")}</button>`}
      ${this.standing()}
      <button type="button" @click=${() => void this.load()}>${say("refresh")}</button>
      <details class="act" @toggle=${() => void import("./subscriptions")}><summary>${say("sub.title")}</summary>
        <detente-subscriptions party=${this.of}></detente-subscriptions></details>`;
  }

  /** How parties stand with acknowledging at all. */
  private standing(): unknown {
    if (this.parties.length === 0) return nothing;
    return html`<h3>${say("speak.parties-stand")}</h3><table><thead><tr><th scope="col">${say("who")}</th><th scope="col">${say("speak.last-acknowledged")}</th>
      <th scope="col">${say("speak.not-since")}</th></tr></thead><tbody>${this.parties.map((one) => html`<tr><td>${one.party}</td>
        <td dir="ltr">${at(one.last_acknowledged)}</td><td><span dir="ltr">${at(one.not_acknowledging_since)}</span>
          ${one.unreachable_since ? html`<br><span class="late">${say("speak.unreachable", { time: at(one.unreachable_since) })}</span>` : nothing}</td></tr>`)}</tbody></table>`;
  }

  private choose(event: Event): void {
    const given = new FormData(event.currentTarget as HTMLFormElement);
    this.silentOnly = given.get("silent") === "silent";
    this.awaited = given.get("awaited") as (typeof AWAITED)[number];
    this.party = String(given.get("party") ?? "");
    void this.load();
  }

  protected async load(after = -1): Promise<void> {
    const isNews = this.asking();
    const party = this.party ? `&party=${encodeURIComponent(this.party)}` : "";
    const of = `level=${this.awaited}&whom=${this.silentOnly ? "silent" : "everyone"}${party}`;
    try {
      const page = await ask<SilencePage>("GET", `/v1/silence?${of}&limit=${PAGE}&after=${after}`);
      // More goes on where the list ends that it was asked for, and no other.
      if (after >= 0 && (after !== this.next || of !== this.listed)) return;
      if (!isNews()) return;
      this.listed = of;
      this.lines = after < 0 ? page.silences : [...(this.lines ?? []), ...page.silences];
      if (after < 0 && this.party === "") this.parties = page.parties;
      this.next = page.more ? page.after : null;
      this.problem = "";
    } catch (error) {
      if (isNews()) this.problem = refusal(error);
    }
  }
}

function line(one: Schemas["Silence"]): unknown {
  return html`<tr>
    <td><button type="button" class="link" @click=${() => tell("detente-object", one.object)}>${one.name ?? one.object.slice(0, 8)}</button>
      <br><small>${listed([called("kind", one.kind), `${say("version").toLowerCase()} ${one.version}`])}</small></td>
    <td>${one.party}<br><small>${called("speak.grade", one.grade)}</small></td>
    <td>${one.told ? html`<span dir="ltr">${at(one.told)}</span><br><small>${say("speak.ago", { age: age(one.told) })}</small>` : say("never-told")}</td>
    <td>${called("level", one.level ?? "none")}${(one.passed_on ?? []).length > 0 ? html`<br><small dir="auto">${listed(one.passed_on!)}</small>` : ""}
      ${one.acknowledged ? html`<br><small dir="ltr">${at(one.acknowledged)}</small>` : ""}</td>
    <td>${one.silent_s > 0 || !one.level ? say("minutes", { count: Math.floor(one.silent_s / 60) }) : ""}</td></tr>`;
}

function age(time: string): string {
  return say("minutes", { count: Math.max(0, Math.floor((Date.now() - Date.parse(time)) / 60_000)) });
}
