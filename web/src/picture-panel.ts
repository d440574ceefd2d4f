// The picture: layers, search, and one object's details.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { acknowledged } from "./acknowledge";
import { type Schemas, type View, type Volume, Refusal, ask } from "./api";
import { tell } from "./events";
import { Turns, whenOpenedAgain } from "./following";
import "./layers";
import { link } from "./link";
import { placeOfText } from "./position";
import { when } from "./read-back";
import { refusedLine } from "./refused";
import "./standing";
import { Speaking, at, called, deskOf, listed, say } from "./words";

const E7 = 1e7;
const FOUND_MAX = 20;
const OBJECT = /^[0-9a-f]{32}$/;

const PROVEN = new Set<string>(["alert", "incident"]);
/** Kinds that are proven to whoever was told of them. */

const PROVING = new Set<string>(["detente.audit", "detente.admin"]);

@customElement("detente-picture")
export class PicturePanel extends Speaking {
  /** The object whose details are shown. */
  @property() object: string | null = null;
  /** For whom one looks. */
  @property() party = "";
  @state() private view: View | null = null;
  @state() private found: readonly View[] | null = null;
  /** Whether the node gives evidence of it to whoever looks. */
  @state() private proves = false;
  @state() private more = false;
  @state() private told: unknown = "";
  @state() private busy = false;
  /** Where a position that was searched led to. */
  @state() private went: [number, number] | null = null;

  private readonly searches = new Turns();
  private readonly looks = new Turns();
  private over?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.over = new AbortController();
    whenOpenedAgain(this, () => this.object !== null && void this.look(this.object), this.over.signal);
  }

  override disconnectedCallback(): void {
    this.over?.abort();
    super.disconnectedCallback();
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("object")) {
      this.view = null;
      this.told = "";
      link({ object: this.object });
      if (this.object !== null) void this.look(this.object);
    }
  }

  override render(): unknown {
    return html`<h2>${say("tab.picture")}</h2>
      <detente-layers></detente-layers>
      <form class="search" role="search" @submit=${(event: Event) => void this.search(event)}>
        <label>${say("search")}<input name="text" required maxlength="100" placeholder=${say("search-hint")}></label>
        <button>${say("find")}</button>
      </form>
      <div role="status" aria-live="polite">
        ${this.told === "" ? nothing : html`<p class="said">${this.told}</p>`}
        ${this.found?.length === 0 ? html`<p>${say("nothing-found")}</p>` : nothing}
      </div>
      ${this.went === null ? nothing : html`<detente-position .place=${this.went}></detente-position>`}
      ${this.found?.length ? html`<ul class="found">${this.found.map((one) => html`<li><button type="button" class="link"
          @click=${() => this.pick(one)}>${nameOf(one)}</button> <small>${listed([called("kind", one.kind), one.party])}</small></li>`)}</ul>` : nothing}
      ${this.more ? html`<p>${say("more-found")}</p>` : nothing}
      ${this.view === null ? nothing : this.details(this.view)}`;
  }

  private details(view: View): unknown {
    const value = view.value;
    const volumes: readonly Volume[] = value && "volumes" in value ? (value.volumes ?? []) : [];
    const place = placeOf(view);
    const facts: [string, unknown][] = [
      [say("party"), view.party],
      [say("category"), called("category", view.category)],
      [say("grade"), called("grade", view.grade)],
      [say("version"), listed([view.version, `${say("entry").toLowerCase()} ${view.sequence}`])],
      [say("state"), value && "state" in value ? called("look-state", value.state as string) : null],
      [say("rule"), value && "rule" in value ? called("rule", value.rule as string) : null],
      [say("standoff"), value && "standoff_mm" in value && value.standoff_mm ? value.standoff_mm / 1_000 : null],
      ...provenance(value),
      [say("desk"), deskOf(view.desk)],
    ];
    return html`<section class="details" aria-label=${say("details")}>
      <h3>${nameOf(view)}</h3>
      ${view.late ? html`<p class="late">${say("late")}</p>` : nothing}
      ${value && "disputed" in value && value.disputed ? html`<p class="late">${say("disputed")}</p>` : nothing}
      ${place === null ? nothing : html`<detente-position .place=${place}></detente-position>`}
      <dl class="facts">
        ${facts.filter(([, told]) => told).map(([name, told]) => html`<dt>${name}</dt><dd>${told}</dd>`)}
        ${volumes.map(when)}
      </dl>
      <div class="row">
        ${this.proves ? html`<a href="/v1/objects/${view.object}/evidence" download>${say("evidence")}</a>` : nothing}
        ${view.grade === "full" && view.party !== this.party
          ? html`<button type="button" ?disabled=${this.busy} @click=${() => void this.acknowledge(view)}>${say("acknowledge")}</button>`
          : nothing}
        <button type="button" @click=${() => this.close()}>${say("close")}</button>
      </div>
      <detente-speak-object .view=${view} party=${this.party}></detente-speak-object>
      <detente-standing .view=${view} party=${this.party}></detente-standing>
    </section>`;
  }

  private async look(object: string): Promise<void> {
    const isLast = this.looks.next();
    try {
      const [view, me] = await Promise.all([ask<View>("GET", `/v1/objects/${object}`), ask<Schemas["Me"]>("GET", "/v1/me")]);
      void import("./speak-object");
      if (!isLast() || this.object !== object) return;
      // What is half-written beside it stays.
      if (JSON.stringify(view) !== JSON.stringify(this.view)) this.view = view;
      this.proves = view.party === this.party || PROVEN.has(view.kind) || me.scopes.some((one) => PROVING.has(one));
    } catch (error) {
      if (!isLast() || this.object !== object) return;
      if (error instanceof Refusal && error.status === 404) this.view = null;
      this.told = refusedLine(error);
    }
  }

  /** A position leads there; anything else is looked for by name. */
  private async search(event: Event): Promise<void> {
    event.preventDefault();
    const text = String(new FormData(event.target as HTMLFormElement).get("text")).trim();
    const isLast = this.searches.next();
    this.found = null;
    this.more = false;
    this.told = "";
    this.went = null;
    try {
      if (OBJECT.test(text)) {
        tell("detente-object", text);
        return;
      }
      if (/\d/.test(text)) {
        const place = await placeOfText(text).catch(() => null);
        if (!isLast()) return;
        if (place !== null) {
          this.went = place;
          tell("detente-go", place);
          return;
        }
      }
      await this.byName(text, isLast);
    } catch (error) {
      if (isLast()) this.told = refusedLine(error);
    }
  }

  private async byName(text: string, isLast: () => boolean): Promise<void> {
    const found: View[] = [];
    let after = -1;
    let page: Schemas["Page"];
    do {
      page = await ask("GET", `/v1/objects?text=${encodeURIComponent(text)}&after=${after}`);
      found.push(...page.objects);
      after = page.after;
    } while (page.more && found.length < FOUND_MAX);
    if (!isLast()) return;
    this.found = found.slice(0, FOUND_MAX);
    this.more = page.more || found.length > FOUND_MAX;
  }

  /** Whoever works by keyboard goes on from the search, and not from the top of the page. */
  private close(): void {
    this.querySelector<HTMLElement>(".search input")?.focus();
    tell("detente-object", null);
  }

  private pick(view: View): void {
    tell("detente-object", view.object);
    const place = placeOf(view);
    if (place !== null) tell("detente-go", place);
  }

  private async acknowledge(view: View): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      const receipt = await acknowledged(view, "received");
      this.tell(view, say("acknowledged", { sequence: receipt.sequence }));
    } catch (error) {
      this.tell(view, refusedLine(error));
    } finally {
      this.busy = false;
    }
  }

  /** What came of an act is said of what it was of, and not beside another. */
  private tell(of: View, told: unknown): void {
    if (this.object === of.object) this.told = told;
  }
}

export function nameOf(view: View): string {
  const value = view.value;
  const name = value && "name" in value ? value.name : null;
  const title = value && "title" in value ? String(value.title) : null;
  // A plan need have no name; its author knows it by its own, here as under his plans.
  const id = view.kind === "plan" && value && "source_id" in value ? value.source_id : null;
  return name || title || id || `${called("kind", view.kind)}: ${called("category", view.category) || view.object.slice(0, 8)}`;
}

/** Where a place comes from, as far as its author says. */
function provenance(value: View["value"]): [string, unknown][] {
  const found = value && "provenance" in value ? value.provenance : null;
  if (!found) return [];
  const verified = [called("look-verification", found.verification ?? "unverified"), found.verified_by, at(found.verified_at)];
  return [
    [say("look-source"), found.source],
    [say("look-typed"), found.typed ? html`<span dir="auto">${found.typed}</span>` : null],
    [say("look-verified"), listed(verified)],
    [say("look-accuracy"), found.accuracy_mm ? found.accuracy_mm / 1_000 : null],
  ];
}

/** A position of an object, to look at it. */
export function placeOf(view: View): [number, number] | null {
  const value = view.value;
  const volumes: readonly Volume[] = value && "volumes" in value ? (value.volumes ?? []) : (view.area ?? []);
  const shape = volumes[0]?.footprint[0];
  if (shape === undefined) return null;
  const place = shape.type === "circle" ? shape.centre : shape.type === "corridor" ? shape.line[0] : shape.rings[0]?.[0];
  return place === undefined ? null : [Number(place[0]) / E7, Number(place[1]) / E7];
}
