// What the node understood, as it would be stored.

import { html, nothing } from "lit";
import type { Readings, Schemas, Understood, Volume } from "./api";
import { fieldName } from "./fields";
import { beside, worded } from "./refused";
import { at, called, listed, say } from "./words";

type Remark = Schemas["Remark"];

const MM = 1_000;

export function understood(one: Understood): unknown {
  return areaFacts(one, volumesOf(one));
}

export function volumesOf({ value }: Understood): readonly Volume[] {
  return "volumes" in value ? (value.volumes ?? []) : [];
}

/** Where volumes are, in three spellings, and when. */
export function areaFacts({ legs = [], places, positions }: Schemas["Area"], volumes: readonly Volume[]): unknown {
  if (legs.length > 0) return html`<ol class="read-legs">${legs.map((leg, number) => html`<li>${facts(leg.places, leg.positions, volumes[number])}</li>`)}</ol>`;
  return facts(places, positions, volumes[0]);
}

function facts(places: readonly string[], positions: number, first: Volume | undefined): unknown {
  return html`<dl class="facts">
    <dt>${say("position")}</dt>
    <dd><ul class="places">${places.map((place) => html`<li dir="ltr">${spellings(place)}</li>`)}
      ${positions > places.length ? html`<li>… ${positions}</li>` : nothing}</ul></dd>
    ${first === undefined ? nothing : when(first)}
  </dl>`;
}

/** One line a spelling: a slip in one is seen in another. */
function spellings(place: string): unknown {
  return place.split(" = ").map((one) => html`<span>${one}</span>`);
}

export function when(volume: Volume): unknown {
  return html`<dt>${say("altitude")}</dt><dd dir="ltr">${altitudes(volume)}</dd>
    <dt>${say("from")}</dt><dd>${at(volume.start) || say("always")}</dd>
    <dt>${say("until")}</dt><dd>${at(volume.end) || say("further-notice")}</dd>`;
}

function altitudes(volume: Volume): string {
  const { lower_mm: lower, upper_mm: upper } = volume;
  if (lower == null && upper == null) return say("altitude-all");
  return `${metres(lower)} – ${metres(upper)} ${say("reference.WGS84")}`;
}

function metres(mm: number | null | undefined): string {
  return mm == null ? "…" : `${Math.round(mm / MM)}`;
}

/** Why the node read nothing, or not all, of what it was given. */
export function whyRefused(read: Readings): string {
  const [why] = read.refusals;
  if (why === undefined) return worded({ code: "malformed_input" }, "");
  return worded({ code: why.code }, inWords(why), fieldName(why.what));
}

export function remarks(read: Readings): unknown {
  return [
    [say("refusals"), read.refusals] as const,
    [say("doubts"), read.doubts] as const,
  ].map(([title, list]) =>
    list.length === 0
      ? nothing
      : html`<h3>${title}</h3><ul class="refused">${list.map((one) => html`<li>${remark(one)}</li>`)}</ul>`,
  );
}

/** Which row and field, what is wrong with it, and the node's own words. */
function remark(one: Remark): unknown {
  const doubt = called("remark", one.code);
  const meaning = doubt === one.code ? called("refused", one.code) : doubt;
  const of = listed([say("remark-row", { row: one.row }), fieldName(one.what)]);
  return html`${of}${one.name ? html` (<bdi>${one.name}</bdi>)` : ""}: ${beside(meaning, inWords(one))}`;
}

function inWords({ what, expected, got }: Remark): string {
  const parts = [expected && `expected ${expected}`, got && `got ${got}`].filter(Boolean);
  return [what, parts.join(", ")].filter(Boolean).join(": ");
}
