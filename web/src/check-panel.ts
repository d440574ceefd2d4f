// The check: what would it meet? It informs, and never permits.

import { html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import {
  type Finding, type Readings, type Schemas, type Understood, type Verdict, type View,
  Refusal, ask, readBack, sent,
} from "./api";
import { remember } from "./asked";
import { tell } from "./events";
import { features, typed } from "./forms";
import { HEIGHTS, heights } from "./heights";
import { counted, missing, withheld } from "./missing";
import { remarks, understood, whyRefused } from "./read-back";
import { explained, refusal } from "./refused";
import type { ReleaseChoice } from "./release";
import "./where";
import type { Where } from "./where";
import { Speaking, at, called, deskOf, listed, say } from "./words";

const FIELDS = ["position", "name", ...HEIGHTS, "start", "end", "hazard_m"];

const WORKBOOK = /\.xls[xm]$/i;

type Missing = Schemas["Missing"];

interface Answer {
  plan: Understood["value"];
  verdict: Verdict;
}

@customElement("detente-check")
export class CheckPanel extends Speaking {
  @property() party = "";
  @state() private read: Readings | null = null;
  @state() private answers: readonly Answer[] = [];
  @state() private problem = "";
  @state() private said = "";
  @state() private filed: readonly string[] = [];
  /** What stands between a plan and its filing: entries of which its author did not know. */
  @state() private unaware: { plan: Understood["value"]; missing: readonly Missing[] } | null = null;
  @state() private busy = false;
  /** Whether the file is a workbook, whose sheet may have to be named. */
  @state() private workbook = false;
  private tokens: readonly string[] = [];
  @query("form") private form!: HTMLFormElement;
  @query("detente-where") private where!: Where;

  override render(): unknown {
    return html`<h2>${say("tab.check")}</h2>
      <p class="informs">${say("informs")}</p>
      <form @submit=${(event: Event) => this.asked(event)}>
        <detente-where></detente-where>
        <label>${say("drop-file")}<input type="file" name="file" accept=".geojson,.json,.csv,.xlsx,.xlsm,.txt" @change=${() => (this.workbook = WORKBOOK.test(this.dropped?.name ?? ""))}></label>
        ${this.workbook ? html`<label>${say("sheet")}<input name="sheet" dir="auto"></label>` : nothing}
        <div class="pair">
          <label>${say("radius")}<input name="radius" inputmode="decimal" dir="ltr"></label>
          <label>${say("hazard")}<input name="hazard_m" inputmode="decimal" dir="ltr"></label>
        </div>
        ${heights()}
        <div class="pair">
          <label>${say("from")}<input type="datetime-local" name="start"></label>
          <label>${say("until")}<input type="datetime-local" name="end"></label>
        </div>
        <p class="hint">${say("utc")}</p>
        <label>${say("own-name")}<input name="name" maxlength="200"></label>
        <details class="act" @toggle=${() => void import("./release")}><summary>${say("release")}</summary><detente-release own=${this.party}></detente-release></details>
        <button class="main" ?disabled=${this.busy}>${say("ask")}</button>
      </form>
      <div role="status" aria-live="polite">${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}${this.said === "" ? nothing : html`<p class="said">${this.said}</p>`}</div>
      ${this.answers.map((one) => this.answer(one))}
      ${this.read === null ? nothing : html`${this.read.refusals.length > 0 ? nothing : html`<details><summary>${say("understood")}</summary>${this.read.values.map(understood)}</details>`}${remarks(this.read)}`}
      <detente-asked></detente-asked>`;
  }

  private answer({ plan, verdict }: Answer): unknown {
    const { counts } = verdict;
    return html`<section class="verdict ${verdict.verdict}" aria-label=${say(`verdict.${verdict.verdict}`)}>
      <h3>${say(`verdict.${verdict.verdict}`)}</h3>
      <p>${say("register-version", { sequence: verdict.sequence, time: at(verdict.as_of) })};
        ${counted(counts)}</p>
      ${(verdict.sources ?? []).filter((one) => one.problem).map((one) => html`<p class="refused">${told(one)}</p>`)}
      ${verdict.findings.length === 0 ? nothing : html`<table>
        <thead><tr><th scope="col">${say("finding")}</th><th scope="col">${say("distance")}</th><th scope="col">${say("desk")}</th></tr></thead>
        <tbody>${verdict.findings.map((one) => this.finding(one))}</tbody></table>`}
      ${(verdict.withheld ?? []).map(withheld)}
      ${this.filed.includes(plan.source_id)
        ? nothing
        : html`<button type="button" ?disabled=${this.busy} @click=${() => void this.fileKnowing(plan, verdict)}>${say("file-plan")}</button>`}
      ${this.unaware?.plan === plan ? missing(this.unaware.missing, () => this.file(plan, this.unaware!.missing.map((one) => one.token))) : nothing}
    </section>`;
  }

  private finding(one: Finding): unknown {
    const named = html`${one.name}<br><small>${one.rule} ${listed([called("kind", one.kind), called("category", one.category), one.party])}${
      one.stale ? html`<br>${say("stale")}` : ""}${one.disputed ? html`<br>${say("disputed")}` : ""}</small>`;
    const whom = deskOf(one.call) || (one.desk ?? one.party);
    return html`<tr>
      <td>${one.object ? html`<button type="button" class="link" @click=${() => tell("detente-object", one.object!)}>${named}</button>` : named}</td>
      <td>${say("metres", { distance: one.distance_m.toFixed(0), error: one.distance_error_m.toFixed(1) })}<br>
        <small>${say("asked-separation", { separation: one.separation_m.toFixed(0) })}</small></td>
      <td>${one.party === this.party ? say("party-own") : whom ? say("call", { desk: whom }) : ""}</td></tr>`;
  }

  private async asked(event: Event): Promise<void> {
    event.preventDefault();
    this.busy = true;
    this.problem = this.said = "";
    this.answers = [];
    this.filed = [];
    this.unaware = null;
    this.tokens = [];
    this.read = null;
    try {
      this.read = await this.readings();
      // A plan that lacks one of its volumes would be checked too small.
      if (this.read.refusals.length > 0) throw new Error(whyRefused(this.read));
      const answers = [];
      for (const one of this.read.values) {
        answers.push({ plan: one.value, verdict: await ask<Verdict>("POST", "/v1/check", { plan: one.value }) });
      }
      this.answers = answers;
      remember(answers);
      tell("detente-asked", this.read.values);
      tell("detente-met", answers.flatMap(({ verdict }) => objectsOf(verdict)));
      await this.updateComplete;
      this.querySelector(".verdict, .refused")?.scrollIntoView({ block: "nearest" });
    } catch (error) {
      this.problem = refusal(error);
    } finally {
      this.busy = false;
    }
  }

  private get dropped(): File | null {
    const file = new FormData(this.form).get("file");
    return file instanceof File && file.size > 0 ? file : null;
  }

  private async readings(): Promise<Readings> {
    const file = this.dropped;
    if (file !== null) {
      const besides = Object.keys(typed(this.form, [...FIELDS, "radius"])).filter((one) => one !== "altitude_reference");
      if (besides.length > 0 || this.where.shapes.length > 0) throw new Error(say("file-or-form"));
      const name = encodeURIComponent(file.name.slice(0, 200));
      const { sheet } = typed(this.form, ["sheet"]);
      const of = sheet === undefined ? "" : `&sheet=${encodeURIComponent(sheet)}`;
      return ask("POST", `/v1/readings?kind=plans&name=${name}${of}`, file, { "content-type": mediaType(file.name) });
    }
    const given = typed(this.form, FIELDS);
    if (this.where.shapes.length === 0 && given.position === undefined) throw new Error(say("need-place"));
    if (this.where.shapes.length > 0) delete given.position;
    const now = `${new Date().toISOString().slice(0, 19)}Z`;
    const name = given.name ?? `${say("plan-unnamed")} ${now}`;
    const radius = typed(this.form, ["radius"]).radius ?? "";
    return readBack("plans", features(this.where.shapes, { ...given, plan: given.name ?? `plan ${now}`, name }, radius));
  }

  private async fileKnowing(plan: Understood["value"], verdict: Verdict): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await this.file(plan, await tokensOf(verdict));
    } catch (error) {
      this.problem = refusal(error);
    } finally {
      this.busy = false;
    }
  }

  /** File with the tokens of all that its author was shown, those of the last refusal included. */
  private async file(plan: Understood["value"], shown: readonly string[]): Promise<void> {
    this.problem = this.said = "";
    const key = (this.tokens = [...new Set([...this.tokens, ...shown])]);
    try {
      const release = this.querySelector<ReleaseChoice>("detente-release:defined")?.value() ?? null;
      const value = { ...plan, state: "accepted", ...(release === null ? {} : { release }) };
      const receipt = await sent("POST", "/v1/plans", { plan: value, key });
      this.unaware = null;
      this.filed = [...this.filed, plan.source_id];
      this.said = say("filed", { name: plan.name ?? plan.source_id, sequence: receipt.sequence });
      tell("detente-changed", receipt.sequence);
    } catch (error) {
      const missing = error instanceof Refusal ? (error.problem as Partial<Schemas["Unaware"]>).missing : undefined;
      this.unaware = missing === undefined ? null : { plan, missing };
      if (missing === undefined) this.problem = refusal(error);
    }
  }
}

/** What is wrong with something that was asked. */
function told({ name, problem }: Schemas["Source"]): string {
  const said = explained("source", name, problem ?? "");
  return called("source", name) === name ? `${name}: ${said}` : said;
}

/** The objects that an answer names. */
function objectsOf(verdict: Verdict): string[] {
  const shown = [...verdict.findings, ...(verdict.withheld ?? [])];
  return shown.map((one) => one.object).filter((one) => one != null);
}

/** The version tokens of what was shown: who files says by them that he knows of it. */
async function tokensOf(verdict: Verdict): Promise<string[]> {
  const objects = new Set(objectsOf(verdict));
  const views = await Promise.all([...objects].map((one) => ask<View>("GET", `/v1/objects/${one}`)));
  // Nobody was shown a version that is younger than the answer: the node will name it.
  return views.filter((one) => one.sequence < verdict.sequence).map((one) => one.token);
}

/** What a file's name says that it is; the node goes by its bytes. */
function mediaType(name: string): string {
  if (/\.csv$/i.test(name)) return "text/csv";
  if (/\.(geo)?json$/i.test(name)) return "application/geo+json";
  if (WORKBOOK.test(name)) return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
  return "text/plain";
}
