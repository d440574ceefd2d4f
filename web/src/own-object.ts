// One's own object: to whom it is released, changed by a new version; and who was told of it.

import { html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { type Schemas, type View, ask, sent } from "./api";
import { tell } from "./events";
import { Turns, follow } from "./following";
import { refusedLine } from "./refused";
import "./release";
import { type Release, type ReleaseChoice, released } from "./release";
import { Speaking, at, called, listed, say } from "./words";

@customElement("detente-own")
export class OwnObject extends Speaking {
  @property({ attribute: false }) view: View | null = null;
  /** Only who was told of it. */
  @property({ type: Boolean }) brief = false;
  @state() private account: Schemas["Account"] | null = null;
  @state() private told: unknown = "";
  @query("detente-release") private release!: ReleaseChoice;
  private readonly counts = new Turns();
  private open = false;
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    follow(this, "detente-changed", () => void this.recount(), this.over.signal);
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    super.disconnectedCallback();
  }

  override willUpdate(changed: Map<string, unknown>): void {
    const before = changed.get("view") as View | null | undefined;
    if (changed.has("view") && before?.object !== this.view?.object) {
      this.account = null;
      this.told = "";
      void this.recount();
    }
  }

  override render(): unknown {
    const view = this.view;
    if (view === null) return nothing;
    const release = releaseOf(view);
    return html`${this.brief ? nothing : html`<p>${say("release")}: ${released(release)}</p>
      <details class="act"><summary>${say("speak.change-release")}</summary>
        <form @submit=${(event: Event) => void this.change(event)}>
          <detente-release .given=${release} own=${view.party}></detente-release>
          <button>${say("speak.put-release")}</button>
        </form></details>
      <details class="act"><summary>${say("speak.end")}</summary>
        <form @submit=${(event: Event) => void this.end(event)}><p>${say("speak.end-what")}</p><button>${say("speak.end-it")}</button></form></details>`}
      <details class="act" @toggle=${(event: Event) => this.opened(event)}><summary>${say("speak.who-told")}</summary>
        ${this.account === null ? nothing : recounted(this.account)}</details>
      <div role="status">${this.told === "" ? nothing : html`<p class="said">${this.told}</p>`}</div>`;
  }

  /** The same value with another release: a version of its own, and only of what was seen. */
  private async change(event: Event): Promise<void> {
    event.preventDefault();
    const view = this.view!;
    try {
      // Every later version of a report is a correction of it.
      const state = view.kind === "report" ? { state: "corrected" } : {};
      const body = { value: { ...view.value, ...state, release: this.release.value() } };
      const receipt = await sent("PUT", `/v1/objects/${view.object}`, body, { "if-match": `"${view.token}"` });
      this.view = await ask<View>("GET", `/v1/objects/${view.object}`);
      this.told = say("speak.release-changed", { sequence: receipt.sequence });
      tell("detente-changed", receipt.sequence);
    } catch (error) {
      this.told = refusedLine(error);
    }
  }

  /** A last version: withdrawn, ended or retracted; nothing is removed. */
  private async end(event: Event): Promise<void> {
    event.preventDefault();
    const view = this.view!;
    try {
      const receipt = await sent("DELETE", `/v1/objects/${view.object}`, undefined, { "if-match": `"${view.token}"` });
      this.told = say("speak.ended", { sequence: receipt.sequence });
      tell("detente-changed", receipt.sequence);
    } catch (error) {
      this.told = refusedLine(error);
    }
  }

  private opened(event: Event): void {
    this.open = (event.target as HTMLDetailsElement).open;
    void this.recount();
  }

  private async recount(): Promise<void> {
    if (!this.open || this.view === null) return;
    const { object } = this.view;
    const isNews = this.counts.again();
    try {
      const account = await ask<Schemas["Account"]>("GET", `/v1/objects/${object}/told`);
      if (object === this.view?.object && isNews()) this.account = account;
    } catch (error) {
      if (object === this.view?.object && isNews()) this.told = refusedLine(error);
    }
  }
}

export function releaseOf(view: View): Release | null {
  return view.value && "release" in view.value ? (view.value.release ?? null) : null;
}

function recounted(account: Schemas["Account"]): unknown {
  const { disclosed, acknowledged } = account;
  if (disclosed.length + acknowledged.length === 0) return html`<p>${say("speak.told-nobody")}</p>`;
  return html`${account.more ? html`<p class="hint">${say("speak.account-more")}</p>` : nothing}
    <table><thead><tr><th scope="col">${say("told-at")}</th><th scope="col">${say("who")}</th><th scope="col">${say("speak.how")}</th></tr></thead>
    <tbody>${disclosed.map((one) => html`<tr><td dir="ltr">${at(one.at)}</td><td>${one.to}</td>
        <td>${listed([called("speak.by", one.how), called("speak.grade", one.grade), one.outcome === "failed" && say("speak.undelivered")])}</td></tr>`)}
      ${acknowledged.map((one) => html`<tr><td dir="ltr">${at(one.at)}</td><td>${one.party}</td>
        <td>${called("level", one.level)}${one.to ? `: ${one.to}` : ""}${one.note ? html`<br><small dir="auto">${one.note}</small>` : ""}
          <br><small>${listed([say(one.authorship === "own" ? "speak.signed" : "speak.attested"), `${say("version").toLowerCase()} ${one.version}`])}</small></td></tr>`)}</tbody></table>`;
}
