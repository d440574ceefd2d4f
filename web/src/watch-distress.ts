// Calls for help that are heard: above all else of the watch, as long as the node shows them.

import { html, nothing } from "lit";
import { tell } from "./events";
import { type Track, nameOf, watch } from "./watch-live";
import { called_ } from "./watch-words";
import { at, called, listed, say } from "./words";

const KINDS = new Set(["distress", "distress_test"]);

/** All of them, those in earnest first. */
export function distress(): unknown {
  const heard = [...watch.tracks.values()].filter((one) => KINDS.has(one.kind)).sort((one, other) => one.kind.length - other.kind.length);
  if (heard.length === 0) return nothing;
  return html`<section class="distress" aria-label=${say("watch.distress")}>
    <h3>${say("watch.distress")}</h3>
    <ul>${heard.map((one) => line(one))}</ul>
  </section>`;
}

function line(one: Track): unknown {
  const doubts = (one.doubts ?? []).map((doubt) => called("watch.doubt", doubt));
  return html`<li class=${one.kind === "distress" ? "" : "test"}>
    <button type="button" class="link" @click=${() => tell("detente-track", nameOf(one))}>${called_(one)}</button>
    ${called("watch.kind", one.kind)}<br>
    ${one.lat.toFixed(5)}, ${one.lon.toFixed(5)} ± ${Math.round(one.accuracy_m)} m, ${at(one.time)}
    ${doubts.length > 0 ? html`<br>${listed(doubts, "list.semicolon")}` : nothing}
  </li>`;
}
