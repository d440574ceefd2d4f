// Where and when a subscription is of: drawn or typed, and read by the node before it is asked for.

import { html } from "lit";
import { customElement, query } from "lit/decorators.js";
import { type Readings, readBack } from "./api";
import { features, typed } from "./forms";
import { HEIGHTS, heights } from "./heights";
import { whyRefused } from "./read-back";
import "./where";
import type { Where } from "./where";
import { Speaking, say } from "./words";

@customElement("detente-subscription-area")
export class SubscriptionArea extends Speaking {
  @query("detente-where") private where!: Where;

  override render(): unknown {
    return html`<p class="hint">${say("sub.area-hint")}</p>
      <detente-where></detente-where>
      <label>${say("radius")}<input name="radius" inputmode="decimal" dir="ltr"></label>
      ${heights()}
      <div class="pair">
        <label>${say("from")}<input type="datetime-local" name="start"></label>
        <label>${say("until")}<input type="datetime-local" name="end"></label>
      </div>
      <p class="hint">${say("utc")}</p>`;
  }

  /** All that is drawn, or the position that is typed, as one plan: what a check would ask. */
  async read(): Promise<Readings> {
    const form = this.closest("form")!;
    const given = typed(form, ["position", ...HEIGHTS, "start", "end"]);
    const { shapes } = this.where;
    if (shapes.length === 0 && given.position === undefined) throw new Error(say("sub.need-area"));
    if (shapes.length > 0) delete given.position;
    const radius = typed(form, ["radius"]).radius ?? "";
    const read = await readBack("plans", features(shapes, { ...given, plan: "area", name: "area" }, radius));
    // Told of less than was asked for, one would not know.
    if (read.values.length !== 1 || read.refusals.length > 0) throw new Error(whyRefused(read));
    return read;
  }
}
