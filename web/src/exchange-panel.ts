// The exchange: reports and requests in and out, and requests to pass something on.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import type { Schemas, View } from "./api";
import { Following } from "./following";
import { latest } from "./latest";
import "./passing";
import { refusal } from "./refused";
import "./report-form";
import "./report-view";
import { listed, say } from "./words";

type Report = Schemas["Report"];
const SHOWN_MAX = 100;
const DAY_MS = 86_400_000;
const SINCE_DAYS = [1, 7, 30, 365] as const;
const SHOWS = ["in", "out", "requests", "all"] as const;

@customElement("detente-exchange")
export class ExchangePanel extends Following {
  @property() party = "";
  @state() private views: readonly View[] | null = null;
  @state() private more = false;
  @state() private open: string | null = null;
  @state() private shows: (typeof SHOWS)[number] = "all";
  @state() private days: number = 30;
  @state() private problem = "";
  override render(): unknown {
    const views = (this.views ?? []).filter((one) => this.wanted(one));
    const open = views.find((one) => one.object === this.open);
    return html`<h2>${say("tab.exchange")}</h2>
      <div class="pair">
        <label>${say("speak.show")}<select @change=${(event: Event) => (this.shows = (event.target as HTMLSelectElement).value as (typeof SHOWS)[number])}>
          ${SHOWS.map((one) => html`<option value=${one} ?selected=${one === this.shows}>${say(`speak.shows.${one}`)}</option>`)}</select></label>
        <label>${say("speak.since")}<select @change=${(event: Event) => this.since(Number((event.target as HTMLSelectElement).value))}>
          ${SINCE_DAYS.map((one) => html`<option value=${one} ?selected=${one === this.days}>${say("speak.days", { count: one })}</option>`)}</select></label>
      </div>
      <div role="status">${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}</div>
      ${this.views !== null && views.length === 0 ? html`<p>${say("speak.no-reports")}</p>` : nothing}
      <ul class="found reports">${views.map((one) => this.line(one))}</ul>
      ${this.more ? html`<p class="hint">${say("speak.newest-only", { count: SHOWN_MAX })}</p>` : nothing}
      ${open === undefined ? nothing : keyed(open.object, html`<detente-report .view=${open} party=${this.party}></detente-report>`)}
      <detente-passing party=${this.party}></detente-passing>
      <h3>${say("speak.write")}</h3>
      <detente-report-form party=${this.party}></detente-report-form>`;
  }

  private line(view: View): unknown {
    const report = view.value as Report | null | undefined;
    const out = view.party === this.party;
    return html`<li><button type="button" class="link" aria-expanded=${this.open === view.object}
        @click=${() => (this.open = this.open === view.object ? null : view.object)}><span dir="auto">${report?.title ?? say("grade.area")}</span></button>
      <span class="tlp tlp-${(view.tlp ?? "red").replace("+", "-")}">TLP:${(view.tlp ?? "").toUpperCase() || "–"}</span>
      <small>${listed([
        out ? say("speak.out") : say("speak.in-from", { party: view.party }),
        report?.request && say("speak.a-request"),
        report?.state && report.state !== "issued" && say(`speak.state.${report.state}`),
        `${say("entry").toLowerCase()} ${view.sequence}`,
      ])}</small></li>`;
  }

  private wanted(view: View): boolean {
    const report = view.value as Report | null | undefined;
    if (this.shows === "in") return view.party !== this.party;
    if (this.shows === "out") return view.party === this.party;
    return this.shows === "all" || report?.request != null;
  }

  private since(days: number): void {
    this.days = days;
    void this.load();
  }

  protected async load(): Promise<void> {
    const isNews = this.asking();
    try {
      const since = new Date(Date.now() - this.days * DAY_MS).toISOString();
      const found = await latest(`kind=report&ended=true&changed_since=${since}`, SHOWN_MAX);
      if (!isNews()) return;
      [this.views, this.more] = [found.views, found.more];
      this.problem = "";
    } catch (error) {
      if (isNews()) this.problem = refusal(error);
    }
  }
}
