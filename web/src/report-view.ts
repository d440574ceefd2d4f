// One report: its words, its label, what it is about, and its STIX object as it was given.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Schemas, View } from "./api";
import { ask } from "./api";
import "./acknowledge";
import { begin } from "./drafts";
import { tell } from "./events";
import "./own-object";
import { nameOf, placeOf } from "./picture-panel";
import { when } from "./read-back";
import { Speaking, at, say } from "./words";

type Report = Schemas["Report"];
const NAMES = ["name", "value", "path", "abstract", "opinion", "pattern", "description"];
const NAME_MAX = 200;

@customElement("detente-report")
export class ReportView extends Speaking {
  @property({ attribute: false }) view: View | null = null;
  @property() party = "";
  @state() private about: readonly View[] = [];
  private shown = "";

  override willUpdate(): void {
    const key = `${this.view?.object}/${this.view?.version}`;
    if (key === this.shown) return;
    this.shown = key;
    this.about = [];
    void this.look(key);
  }

  override render(): unknown {
    const view = this.view;
    const report = view?.value as Report | null | undefined;
    if (!view || !report) return nothing;
    const [volume] = report.volumes ?? [];
    const place = placeOf(view);
    return html`<section class="details" aria-label=${report.title}>
      <h3 dir="auto" lang=${report.language ?? ""}>${report.title}</h3>
      <p dir="auto" class="text" lang=${report.language ?? ""}>${report.text}</p>
      ${(report.translations ?? []).map((one) => html`<details><summary>${one.language}: ${say("speak.translated-by", { name: one.translator })}</summary><p dir="auto" class="text" lang=${one.language}>${one.text}</p></details>`)}
      ${report.request ? html`<p class="question"><span dir="auto">${report.request.asks}</span>${report.request.due ? ` (${say("speak.by-then", { time: at(report.request.due) })})` : ""}</p>` : nothing}
      ${this.about.length === 0 ? nothing : html`<h3>${say("speak.concerns")}</h3><ul class="found">${this.about.map((one) => html`<li><button type="button" class="link" @click=${() => tell("detente-object", one.object)}>${nameOf(one)}</button> <small>${one.party}</small></li>`)}</ul>`}
      ${report.stix ? html`<p>${stixInWords(report.stix)}</p>` : nothing}
      <dl class="facts">
        <dt>${say("party")}</dt><dd>${view.party}</dd>
        <dt>TLP</dt><dd>TLP:${(view.tlp ?? "").toUpperCase() || "–"}${report.release?.originator_control ? `${say("list.comma")}${say("speak.control")}` : ""}</dd>
        <dt>${say("speak.reliability")}</dt><dd>${(report.reliability ?? "f").toUpperCase()}: ${say(`speak.reliability.${report.reliability ?? "f"}`)}</dd>
        <dt>${say("speak.credibility")}</dt><dd>${credibility(report.credibility ?? 6)}</dd>
        ${report.observed ? html`<dt>${say("speak.observed")}</dt><dd dir="ltr">${at(report.observed)}</dd>` : nothing}
        ${place === null ? nothing : html`<dt>${say("position")}</dt><dd dir="ltr">${place[1].toFixed(7)}, ${place[0].toFixed(7)}</dd>`}
        ${volume === undefined ? nothing : when(volume)}
      </dl>
      <div class="row">
        <button type="button" @click=${() => this.save(report)}>${say("speak.download")}</button>
        ${report.request && view.party !== this.party ? html`<button type="button" @click=${() => this.answer(view, report)}>${say("speak.answer")}</button>` : nothing}
      </div>
      ${view.party === this.party ? html`<detente-own .view=${view}></detente-own>` : html`<detente-acknowledge .view=${view}></detente-acknowledge>`}
    </section>`;
  }

  private async look(key: string): Promise<void> {
    const report = this.view?.value as Report | null | undefined;
    const ids = [...(report?.links ?? []), ...(report?.refers ?? []), report?.answers ?? "", report?.sighting?.of ?? ""].filter(Boolean);
    const found = await Promise.all(ids.map((one) => ask<View>("GET", `/v1/objects/${one}`).catch(() => null)));
    if (key === this.shown) this.about = found.filter((one) => one !== null);
  }

  private answer(view: View, report: Report): void {
    begin({ object: view.object, name: report.title, passedOn: false, answers: true });
  }

  /** The STIX object to the byte; a report without one as the node gives it. */
  private save(report: Report): void {
    const text = report.stix || JSON.stringify(report, null, 2);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `${report.source_id.replace(/[^\w-]+/g, "_")}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 0);
  }
}

function credibility(value: number): string {
  const known = Math.min(6, Math.max(1, value)) as 1 | 2 | 3 | 4 | 5 | 6;
  return `${known}: ${say(`speak.credibility.${known}`)}`;
}

/** Type and name of a STIX object; its other words are in the file. */
export function stixInWords(text: string): string {
  const object = JSON.parse(text) as Record<string, unknown>;
  const name = NAMES.map((one) => object[one]).find((one) => typeof one === "string") ?? object.id;
  return `STIX ${String(object.type)}: ${String(name).slice(0, NAME_MAX)}`;
}
