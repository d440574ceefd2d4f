// Between which heights, and above what they are.

import { html } from "lit";
import { say } from "./words";

export const HEIGHTS = ["lower_m", "upper_m", "altitude_reference"] as const;

export function heights(): unknown {
  return html`<div class="pair">
      <label>${say("lower")}<input name="lower_m" inputmode="decimal" dir="ltr"></label>
      <label>${say("upper")}<input name="upper_m" inputmode="decimal" dir="ltr"></label>
    </div>
    <label>${say("reference")}
      <select name="altitude_reference">
        ${(["AGL", "MSL", "WGS84", "FL"] as const).map((one) => html`<option value=${one}>${say(`reference.${one}`)}</option>`)}
      </select></label>`;
}
