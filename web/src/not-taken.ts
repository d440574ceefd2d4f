// Objects of a bundle that were refused: by reason, the first of each at once.

import { html, nothing } from "lit";
import type { Schemas } from "./api";
import { grouped } from "./grouped";
import { meaningOf, verbatim } from "./refused";
import { say } from "./words";

type Outcome = Schemas["Outcomes"]["outcomes"][number];

const FIRST = 5;
/** A bundle that is wrong throughout has a thousand of them. */

const MORE_MAX = 200;
/** And of those, what is laid out when one opens the others. */

/** Those that were refused, each with its place in the bundle; nothing where all were taken. */
export function notTaken(outcomes: readonly Outcome[]): unknown {
  const failed = outcomes.flatMap((one, number) => (one.message ? [{ ...one, number: number + 1 }] : []));
  const groups = grouped(failed, (one) => one.code ?? "");
  return groups.length === 0 ? "" : groups.map((group) => {
    const rest = group.slice(FIRST);
    return html`<section class="not-taken"><p>${say("speak.not-taken", { count: group.length, why: meaningOf(group[0].code) || verbatim(group[0].code ?? "") })}</p>
      <ol>${group.slice(0, FIRST).map(line)}</ol>
      ${rest.length === 0 ? nothing : html`<details><summary>${say("and-more", { count: rest.length })}</summary>
        <ol>${rest.slice(0, MORE_MAX).map(line)}</ol>
        ${rest.length > MORE_MAX ? html`<p>${say("and-more", { count: rest.length - MORE_MAX })}</p>` : nothing}</details>`}</section>`;
  });
}

function line(one: Outcome & { number: number }): unknown {
  return html`<li value=${one.number}>${one.id ? html`<bdi>${one.id}</bdi> ` : nothing}${verbatim(one.message ?? "")}</li>`;
}
