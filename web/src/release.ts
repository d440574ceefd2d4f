// Consent: to whom, how much, how long, and whether they may pass it on. Nobody, unless said.

import { html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { type Schemas, ask } from "./api";
import { whenOpenedAgain } from "./following";
import { Speaking, say } from "./words";

export type Release = Schemas["Release"];
type Grade = Schemas["Grade"];

const GRADES = ["full", "area", "contact"] as const;
const TLP = ["red", "amber+strict", "amber", "green", "clear"] as const;
const KM_MM = 1_000_000;
const NODE = "node";

/** All parties but the node. */
export async function everyone(): Promise<readonly Schemas["Party"][]> {
  const { parties } = await ask<Schemas["Parties"]>("GET", "/v1/parties");
  return parties.filter((one) => one.id !== NODE);
}

@customElement("detente-release")
export class ReleaseChoice extends Speaking {
  /** As it is now. */
  @property({ attribute: false }) given: Release | null = null;
  /** Whose it is: that party sees all of it. */
  @property() own = "";
  @state() private parties: readonly Schemas["Party"][] = [];
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    whenOpenedAgain(this, () => void this.load(), this.over.signal);
    void this.load();
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    super.disconnectedCallback();
  }

  private async load(): Promise<void> {
    await everyone().then((found) => (this.parties = found), () => undefined);
  }

  override render(): unknown {
    const given = this.given ?? {};
    return html`<fieldset class="release"><legend>${say("release")}</legend>
      <label>${say("speak.members")}<select name="release-members">${grades(given.members ?? "", "speak.nobody")}</select></label>
      <div class="recipients">${repeat(this.parties.filter((one) => one.id !== this.own), (one) => one.id, (one) => html`
        <label>${one.name}<select name="release-to" data-party=${one.id}>${grades(given.parties?.[one.id] ?? "", "speak.as-members")}</select></label>`)}</div>
      <label>TLP<select name="release-tlp">${TLP.map((one) => html`<option value=${one} ?selected=${one === (given.tlp ?? "amber+strict")}>TLP:${one.toUpperCase()}</option>`)}</select></label>
      <p class="hint">${say("speak.tlp-hint")}</p>
      <label class="check"><input type="checkbox" name="release-control" ?checked=${given.originator_control ?? false}>${say("speak.control")}</label>
      <div class="pair">
        <label>${say("speak.release-until")}<input type="datetime-local" name="release-until" value=${given.until?.slice(0, 16) ?? ""}></label>
        <label>${say("speak.grid")}<input type="number" name="release-grid" dir="ltr" min="0.1" max="100" step="0.1" value=${(given.grid_mm ?? 10 * KM_MM) / KM_MM}></label>
      </div>
    </fieldset>`;
  }

  /** What was chosen; null is nobody. */
  value(): Release | null {
    const members = this.field("release-members").value as Grade | "";
    const named = [...this.querySelectorAll<HTMLSelectElement>("select[name=release-to]")].filter((one) => one.value !== "");
    if (members === "" && named.length === 0) return null;
    const until = this.field("release-until").value;
    return {
      parties: Object.fromEntries(named.map((one) => [one.dataset.party ?? "", one.value as Grade])),
      ...(members === "" ? {} : { members }),
      ...(until === "" ? {} : { until: `${until}:00Z` }),
      tlp: this.field("release-tlp").value as Schemas["Tlp"],
      originator_control: (this.field("release-control") as HTMLInputElement).checked,
      grid_mm: Math.round(Number(this.field("release-grid").value) * KM_MM),
    };
  }

  private field(name: string): HTMLInputElement | HTMLSelectElement {
    return this.querySelector(`[name=${name}]`)!;
  }
}

function grades(chosen: string, nobody: "speak.nobody" | "speak.as-members"): unknown {
  return html`<option value="" ?selected=${chosen === ""}>${say(nobody)}</option>${GRADES.map(
    (one) => html`<option value=${one} ?selected=${one === chosen}>${say(`speak.grade.${one}`)}</option>`)}`;
}

/** A release in words: to whom, how much, and its label. */
export function released(release: Release | null | undefined): string {
  if (!release) return say("speak.nobody");
  const named = Object.entries(release.parties ?? {}).map(([party, grade]) => `${party}: ${say(`speak.grade.${grade}`)}`);
  const members = release.members ? [`${say("speak.members")}: ${say(`speak.grade.${release.members}`)}`] : [];
  const all = [...members, ...named].join("; ");
  return `${all || say("speak.nobody")} (TLP:${(release.tlp ?? "amber+strict").toUpperCase()})`;
}
