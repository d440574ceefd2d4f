// A movement: its legs, each a line or places with its own times, and what accompanies it.

import { html, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import type { Feature } from "./api";
import { tell } from "./events";
import { features, typed } from "./forms";
import "./where";
import type { Where } from "./where";
import { Speaking, at, say } from "./words";

interface Leg {
  shapes: readonly GeoJSON.Geometry[];
  position: string;
  radius: string;
  start: string;
  end: string;
}

const ESCORT = ["escort", "vehicles", "vehicle_count", "marking", "marking_visible_day", "marking_visible_thermal"];
const GUARDS = ["unescorted", "unarmed", "armed"] as const;

@customElement("detente-legs")
export class Legs extends Speaking {
  @state() private legs: readonly Leg[] = [];
  @state() private problem = "";
  @query("detente-where") private where!: Where;

  override render(): unknown {
    return html`<fieldset class="legs"><legend>${say("speak.legs")}</legend>
      ${this.legs.length === 0 ? html`<p class="hint">${say("speak.no-legs")}</p>` : html`<ol>${this.legs.map((leg, number) => html`<li>
        <span dir="auto">${leg.position || say("drawn", { count: leg.shapes.length })}</span>, <span dir="ltr">${at(leg.start)} – ${at(leg.end)}</span>
        <button type="button" class="link" aria-label=${say("speak.remove-leg", { number: number + 1 })} @click=${() => this.drop(number)}>${say("speak.remove")}</button></li>`)}</ol>`}
      <detente-where></detente-where>
      <div class="pair">
        <label>${say("radius")}<input name="leg-radius" inputmode="decimal" dir="ltr"></label><span></span>
        <label>${say("from")}<input type="datetime-local" name="leg-start"></label>
        <label>${say("until")}<input type="datetime-local" name="leg-end"></label>
      </div>
      ${this.problem === "" ? nothing : html`<p class="refused" role="alert">${this.problem}</p>`}
      <button type="button" @click=${() => this.add()}>${say("speak.add-leg")}</button>
    </fieldset>
    <fieldset><legend>${say("speak.accompanied")}</legend>
      <div class="pair">
        <label>${say("speak.vehicle-count")}<input name="vehicle_count" type="number" min="1" max="10000" dir="ltr"></label>
        <label>${say("speak.escort")}<select name="escort"><option value="">${say("speak.not-said")}</option>${GUARDS.map(
          (one) => html`<option value=${one}>${say(`speak.guard.${one}`)}</option>`)}</select></label>
      </div>
      <label>${say("speak.vehicles")}<input name="vehicles" maxlength="4000"></label>
      <label>${say("speak.marking")}<input name="marking" maxlength="4000"></label>
      <div class="pair">${(["day", "thermal"] as const).map((how) => html`<label>${say(`speak.visible.${how}`)}
        <select name="marking_visible_${how}"><option value="">${say("speak.not-said")}</option>
          <option value="true">${say("speak.yes")}</option><option value="false">${say("speak.no")}</option></select></label>`)}</div>
    </fieldset>`;
  }

  /** What is typed now becomes a leg; how many there are. */
  add(): number {
    this.problem = "";
    const field = (name: string): HTMLInputElement => this.querySelector(`input[name="${name}"]`)!;
    const [position, radius, start, end] = ["position", "leg-radius", "leg-start", "leg-end"].map(field);
    const form = this.closest("form")!;
    const times = typed(form, ["leg-start", "leg-end"]);
    if (this.where.shapes.length === 0 && position!.value.trim() === "") {
      this.problem = say("need-place");
    } else if (!times["leg-start"] || !times["leg-end"]) {
      this.problem = say("speak.leg-times");
    } else {
      const shapes = this.where.shapes;
      this.legs = [...this.legs, {
        shapes, position: shapes.length > 0 ? "" : position!.value.trim(), radius: radius!.value.trim(),
        start: times["leg-start"], end: times["leg-end"],
      }];
      position!.value = "";
      start!.value = end!.value;
      end!.value = "";
      this.where.stop();
    }
    return this.legs.length;
  }

  /** Whether something was typed or drawn that is no leg yet. */
  pending(): boolean {
    return this.where.shapes.length > 0 || this.querySelector<HTMLInputElement>("input[name=position]")!.value.trim() !== "";
  }

  clear(): void {
    this.legs = [];
    this.where.stop();
  }

  typed(): string {
    return this.legs.map((one) => one.position || say("drawn", { count: one.shapes.length })).join("; ");
  }

  /** All legs as features of one movement. */
  features(movement: string, said: Record<string, string>): Feature[] {
    const about = typed(this.closest("form")!, ESCORT);
    const properties = { ...said, ...about, movement };
    return this.legs.flatMap((leg) => features(leg.shapes, {
      ...properties, start: leg.start, end: leg.end, ...(leg.position ? { position: leg.position } : {}),
    }, leg.radius));
  }

  private drop(number: number): void {
    this.legs = this.legs.filter((_, index) => index !== number);
    tell("detente-asked", []);
  }
}
