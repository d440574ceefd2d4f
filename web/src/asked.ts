// What was asked in this session and answered: kept here alone, as the node keeps no check.

import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { type Schemas, type Understood, type Verdict, ask } from "./api";
import { counted } from "./missing";
import { refusedLine } from "./refused";
import { Speaking, at, say } from "./words";

const KEPT_MAX = 100;
const FILE_KEPT_MS = 60_000;

interface Asked {
  plan: Understood["value"];
  verdict: Verdict;
}

let kept: readonly Asked[] = [];

/** The last is first. */
export function remember(asked: readonly Asked[]): void {
  kept = [...[...asked].reverse(), ...kept].slice(0, KEPT_MAX);
  for (const one of document.querySelectorAll<AskedBefore>("detente-asked")) one.requestUpdate();
}

@customElement("detente-asked")
export class AskedBefore extends Speaking {
  @state() private told: unknown = "";

  override render(): unknown {
    if (kept.length === 0) return nothing;
    return html`<details><summary>${say("look-asked")} (${kept.length})</summary>
      <p class="hint">${say("look-asked-note")}</p>
      <div role="status" aria-live="polite">${this.told === "" ? nothing : html`<p class="said">${this.told}</p>`}</div>
      ${kept.map((one) => this.row(one))}</details>`;
  }

  private row({ plan, verdict }: Asked): unknown {
    const { counts } = verdict;
    return html`<section class="verdict ${verdict.verdict}"><h4>${"name" in plan && plan.name ? plan.name : plan.source_id}: ${say(`verdict.${verdict.verdict}`)}</h4>
      <p>${say("register-version", { sequence: verdict.sequence, time: at(verdict.as_of) })};
        ${counted(counts)}</p>
      ${verdict.findings.length === 0 ? nothing : html`<ul>${verdict.findings.map((one) => html`<li>${one.name}:
        ${say("metres", { distance: one.distance_m.toFixed(0), error: one.distance_error_m.toFixed(1) })}</li>`)}</ul>`}
      <button type="button" class="commit" @click=${() => void this.commit(plan)}>${say("look-commit")}</button></section>`;
  }

  /** What opens the commitment comes once, and goes into a file that `detente verify` reads. */
  private async commit(plan: Understood["value"]): Promise<void> {
    try {
      const told = await ask<Schemas["Committed"]>("POST", "/v1/check", { plan, commit: true });
      const url = URL.createObjectURL(new Blob([told.opening.evidence], { type: "text/html" }));
      const link = document.createElement("a");
      link.href = url;
      link.download = `check-${told.receipt.sequence}.html`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), FILE_KEPT_MS);
      this.told = say("look-committed", { sequence: told.receipt.sequence });
    } catch (error) {
      this.told = refusedLine(error);
    }
  }
}
