// Parties and agreement, for all to see; and for administrators, to change.

import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { type Schemas, type View, ask, sent } from "./api";
import "./agreement-form";
import { tell } from "./events";
import { Following } from "./following";
import { type InForce, hotlineLine } from "./hotline-terms";
import "./party-form";
import type { PartyForm } from "./party-form";
import { refusal } from "./refused";
import { everyone } from "./release";
import { at, called, deskOf, listed, say } from "./words";

type Agreement = Schemas["Agreement"];
type Party = Schemas["Party"];
const MM_PER_M = 1_000;
const S_PER_H = 3_600;

@customElement("detente-admin")
export class AdminPanel extends Following {
  @state() private view: View | null = null;
  @state() private parties: readonly Party[] = [];
  @state() private hotline: InForce | null = null;
  @state() private may = false;
  @state() private told = "";
  @state() private problem = "";
  override render(): unknown {
    const terms = this.view?.value as Agreement | undefined;
    return html`<h2>${say("tab.admin")}</h2>
      <div role="status" aria-live="polite">
        ${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}
        ${this.told === "" ? nothing : html`<p class="said">${this.told}</p>`}
      </div>
      ${terms === undefined ? nothing : html`${agreed(terms, this.view!.version, this.hotline)}
        ${this.may ? html`${keyed(terms.state, this.suspending(terms))}
          <details class="act"><summary>${say("speak.change-agreement")}</summary>
            <detente-agreement .terms=${terms} .hotline=${this.hotline} .parties=${this.parties} @detente-agreed=${(event: CustomEvent<Agreement>) => void this.put("/v1/agreement", event.detail)}></detente-agreement></details>` : nothing}`}
      <h3>${say("speak.parties")}</h3>
      <table><thead><tr><th scope="col">${say("party")}</th><th scope="col">${say("desk")}</th><th scope="col">${say("speak.keys")}</th></tr></thead>
        <tbody>${this.parties.map((one) => html`<tr><td>${one.name}<br><small dir="ltr">${one.id}</small></td>
          <td>${(one.desks ?? []).map((desk) => html`<div>${deskOf(desk)}</div>`)}</td>
          <td>${(one.keys ?? []).length}</td></tr>`)}</tbody></table>
      ${this.may ? this.admitting() : html`<p class="hint">${say("speak.not-administrator")}</p>`}
      <p class="hint">${say("speak.accounts-cli")} <code dir="ltr">detente account new</code></p>`;
  }

  /** What stops plans is done by whoever writes the agreement's name, not by a click. */
  private suspending(terms: Agreement): unknown {
    const suspended = terms.state === "suspended";
    return html`<details class="act"><summary>${say(suspended ? "speak.resume" : "speak.suspend")}</summary>
      <form @submit=${(event: Event) => void this.turn(event, terms, suspended ? "resume" : "suspend")}>
        <p>${say(suspended ? "speak.resume-what" : "speak.suspend-what")}</p>
        <label>${say("speak.type-name", { name: terms.name })}<input name="typed" required autocomplete="off"></label>
        <button>${say(suspended ? "speak.resume" : "speak.suspend")}</button></form></details>`;
  }

  private admitting(): unknown {
    return html`<details class="act"><summary>${say("speak.admit")}</summary>
      <detente-party .parties=${this.parties} @detente-admitted=${(event: CustomEvent<object>) => void this.admit(event)}></detente-party></details>`;
  }

  private async turn(event: Event, terms: Agreement, way: "suspend" | "resume"): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    if (new FormData(form).get("typed") !== terms.name) {
      this.problem = say("speak.other-name");
      return;
    }
    form.reset();
    await this.put(`/v1/agreement/${way}`);
  }

  private async admit(event: CustomEvent<object>): Promise<void> {
    const form = event.target as PartyForm;
    if (await this.put("/v1/parties", event.detail)) form.clear();
  }

  private async put(path: string, body?: object): Promise<boolean> {
    this.told = this.problem = "";
    // Sent again it is the same act only of the same terms: else whoever suspends what others resumed would not.
    const seen = path.startsWith("/v1/agreement") ? { "if-match": `"${this.view!.token}"` } : {};
    try {
      const receipt = await sent("POST", path, body, seen);
      this.told = say("speak.on-record", { sequence: receipt.sequence });
      tell("detente-changed", receipt.sequence);
      return true;
    } catch (error) {
      this.problem = refusal(error);
      return false;
    }
  }

  protected async load(): Promise<void> {
    const isNews = this.asking();
    try {
      const [view, parties, me, lines] = await Promise.all([
        ask<View>("GET", "/v1/agreement"), everyone(), ask<Schemas["Me"]>("GET", "/v1/me"),
        // Terms that nobody changed are not in the agreement's value; here all of them are.
        ask<Schemas["LinePage"]>("GET", "/v1/incidents?open=true").catch(() => null),
      ]);
      if (!isNews()) return;
      this.hotline = lines?.hotline ?? null;
      [this.view, this.parties, this.may] = [view, parties, me.scopes.includes("detente.admin")];
    } catch (error) {
      if (isNews()) this.problem = refusal(error);
    }
  }
}

function agreed(terms: Agreement, version: number, hotline: InForce | null): unknown {
  const separations = Object.entries(terms.separations ?? {});
  const leads = Object.entries(terms.lead_times_s ?? {});
  const facts: [string, unknown][] = [
    [say("version"), version],
    [say("state"), terms.state === "suspended" ? html`<span class="late">${say("speak.suspended", { time: at(terms.suspended_at) })}</span>` : say("speak.in-force")],
    [say("speak.member-list"), (terms.members ?? []).length === 0 ? say("speak.all-parties") : listed(terms.members!)],
    [say("speak.area"), (terms.area ?? []).length === 0 ? say("speak.everywhere") : say("speak.areas", { count: terms.area!.length })],
    [say("speak.activities"), (terms.activities ?? []).length === 0 ? say("speak.all-activities") : listed(terms.activities!.map((one) => called("category", one)))],
    [say("speak.separations"), separations.length === 0 ? say("speak.none-agreed") : separations.map(([name, one]) =>
      html`<div>${called("category", name)}: ${say("speak.apart", { horizontal: one.horizontal_mm / MM_PER_M, vertical: (one.vertical_mm ?? 0) / MM_PER_M })}</div>`)],
    [say("speak.lead-times"), leads.length === 0 ? say("speak.none-agreed") : leads.map(([name, one]) => html`<div>${called("category", name)}: ${say("speak.hours", { count: one / S_PER_H })}</div>`)],
    [say("speak.source-age"), terms.source_age_max_s == null ? say("speak.none-agreed") : say("speak.hours", { count: terms.source_age_max_s / S_PER_H })],
    [say("tab.hotline"), hotline === null ? "" : hotlineLine(hotline)],
    [say("desk"), deskOf(terms.desk) || say("speak.none-agreed")],
  ];
  return html`<section class="agreement" aria-label=${say("speak.agreement")}><h3 dir="auto">${terms.name}</h3>
    <dl class="facts">${facts.map(([name, told]) => html`<dt>${name}</dt><dd>${told}</dd>`)}</dl></section>`;
}
