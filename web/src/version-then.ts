// What an old version said, as it had been shown to whoever looks, beside the version before.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { type Schemas, Refusal, ask } from "./api";
import { hear, tell } from "./events";
import { Turns, isOpen } from "./following";
import { refusal } from "./refused";
import { Speaking, at, called, say } from "./words";

export type Version = Schemas["Version"];
type Said = GeoJSON.Feature<GeoJSON.Geometry, Record<string, unknown>>;

const COLLECTIONS: Record<string, string> = { notice: "notices", zone: "zones", presence: "presence", plan: "plans" };
const FIELDS = [
  "name", "grade", "category", "state", "rule", "start", "end", "lower_m", "upper_m", "radius_m", "width_m", "buffer_m",
  "standoff_m", "volumes", "stale", "disputed", "desk", "tlp", "late",
];

/** Whether what an object of this kind said can be shown on the map. */
export function isShown(kind: string): boolean {
  return kind in COLLECTIONS;
}

@customElement("detente-version")
export class VersionThen extends Speaking {
  @property() object = "";
  @property() kind = "";
  /** All that the node names, oldest first. */
  @property({ attribute: false }) versions: readonly Version[] = [];
  @property({ type: Number }) version = 0;
  @state() private said: Said | null | undefined;
  @state() private earlier: Said | null = null;
  @state() private problem = "";
  /** Whether the map shows where it was. */
  private isLookedAt = false;
  private readonly loads = new Turns();
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    hear("detente-opened", () => isOpen(this) !== this.isLookedAt && this.lookAt(), this.over.signal);
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has("version") && !changed.has("object")) return;
    // What another version said is not said under this one's name.
    this.said = undefined;
    void this.load();
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    this.loads.next();
    if (this.isLookedAt) tell("detente-looked-at", []);
    super.disconnectedCallback();
  }

  override render(): unknown {
    if (this.problem !== "") return html`<p class="refused" role="alert">${this.problem}</p>`;
    if (this.said === undefined) return nothing;
    return html`<section class="said-then" aria-label=${say("map.what-said", { version: this.version })}>
      <h4>${say("map.what-said", { version: this.version })}</h4>
      ${this.said === null ? html`<p>${say("map.not-shown")}</p>` : this.table(this.said, this.earlier)}</section>`;
  }

  private table(said: Said, before: Said | null): unknown {
    const told = FIELDS.filter((name) => isTold(said, name) || (before !== null && isTold(before, name)));
    const rows = told.map((name) => ({ name: called("map.say", name), now: worded(name, said), then: before && worded(name, before) }));
    const moved = before !== null && JSON.stringify(before.geometry) !== JSON.stringify(said.geometry);
    if (moved) rows.push({ name: say("map.say.place"), now: say("map.moved"), then: "" });
    const changed = rows.filter((one) => one.then !== null && one.then !== one.now).length;
    return html`${this.version === 1 ? html`<p>${say("map.first")}</p>` : nothing}
      <table><thead><tr><th scope="col">${say("map.field")}</th>
        ${before === null ? nothing : html`<th scope="col">${say("map.before", { version: this.version - 1 })}</th>`}
        <th scope="col">${say("map.before", { version: this.version })}</th></tr></thead>
      <tbody>${rows.map((one) => {
        const differs = one.then !== null && one.then !== one.now;
        return html`<tr class=${differs ? "changed" : ""}><th scope="row">${one.name}${differs ? html` <small>${say("map.differs")}</small>` : nothing}</th>
          ${before === null ? nothing : html`<td dir="auto">${one.then}</td>`}<td dir="auto">${one.now}</td></tr>`;
      })}</tbody></table>
      ${before === null ? nothing : html`<p class="hint">${changed === 0 ? say("map.as-before") : say("map.same", { version: this.version - 1 })}</p>`}`;
  }

  private async load(): Promise<void> {
    const { version } = this;
    const isLast = this.loads.next();
    this.problem = "";
    try {
      const [said, before] = await Promise.all([this.ask(version), version > 1 ? this.ask(version - 1) : null]);
      if (!isLast()) return;
      [this.said, this.earlier] = [said, before];
      this.lookAt();
    } catch (error) {
      if (isLast()) this.problem = refusal(error);
    }
  }

  private lookAt(): void {
    this.isLookedAt = isOpen(this);
    tell("detente-looked-at", this.isLookedAt && this.said ? [this.said.geometry] : []);
  }

  /** A version as it stood until the next came; nothing where it was not shown by then. */
  private async ask(version: number): Promise<Said | null> {
    const next = this.versions.find((one) => one.version === version + 1);
    const then = next === undefined ? "" : `?as-of=${encodeURIComponent(justBefore(next.received))}`;
    try {
      const said = await ask<Said>("GET", `/ogc/collections/${COLLECTIONS[this.kind]}/items/${this.object}${then}`);
      return said.properties.version === version ? said : null;
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return null;
      throw error;
    }
  }
}

/** A microsecond earlier: so exact is the node's word of when it took an entry in. */
function justBefore(time: string): string {
  const [, whole = "", part = ""] = /^([^.Z]*)(?:\.(\d+))?Z$/.exec(time) ?? [];
  const us = BigInt(Date.parse(`${whole}Z`)) * 1_000n + BigInt(part.padEnd(6, "0").slice(0, 6)) - 1n;
  const second = new Date(Number(us / 1_000n)).toISOString().slice(0, 19);
  return `${second}.${String(us % 1_000_000n).padStart(6, "0")}Z`;
}

function isTold(said: Said, name: string): boolean {
  const value = said.properties[name];
  return value !== null && value !== undefined && value !== false;
}

function worded(name: string, said: Said): string {
  const value = said.properties[name];
  if (value === null || value === undefined) return "\u2013";
  if (typeof value === "boolean") return say(value ? "map.yes" : "map.no");
  if (name === "start" || name === "end") return at(String(value));
  const group = { grade: "grade", rule: "rule", state: "look-state", category: "category" }[name];
  return group === undefined ? String(value) : called(group, String(value));
}
