// What a plan meets and its author was not shown: he is to know of it before he files.

import { html } from "lit";
import type { Schemas } from "./api";
import { called, listed, say } from "./words";

type Missing = Schemas["Missing"];

export function missing(all: readonly Missing[], then: () => Promise<void>): unknown {
  return html`<div class="missing" role="alert"><p>${say("unaware", { count: all.length })}</p>
    ${all.map((one) => one.withheld ? withheld(one.withheld) : html`<p class="withheld">${listed([called("kind", one.view?.kind), one.view?.party])}: ${called("category", one.view?.category)}</p>`)}
    <button type="button" @click=${() => void then()}>${say("file-aware")}</button></div>`;
}

export function withheld(one: Schemas["Withheld"]): unknown {
  const desk = one.desk && listed([one.desk.name, ...(one.desk.contacts ?? []), one.party]);
  return html`<p class="withheld">${desk ? say("withheld", { desk }) : say("withheld-nobody")}</p>`;
}

/** How many entries of an answer are stale, and how many withheld. */
export function counted({ stale = 0, withheld: hidden = 0 }: Schemas["Verdict"]["counts"]): string {
  return say("counts", { stale: say("counts.stale", { count: stale }), withheld: say("counts.withheld", { count: hidden }) });
}
