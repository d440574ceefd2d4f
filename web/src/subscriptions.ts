// How a party is told of what happens: its subscriptions, those of its desks, and a form for another.

import { html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { type Readings, type Schemas, type Volume, ask, sent } from "./api";
import { hear, tell } from "./events";
import { Following, Turns, isOpen } from "./following";
import { emptying } from "./forms";
import { areaFacts, remarks, volumesOf } from "./read-back";
import { refusal } from "./refused";
import { everyone } from "./release";
import "./subscription-area";
import type { SubscriptionArea } from "./subscription-area";
import { type Word, at, called, listed, say } from "./words";

type Subscribed = Schemas["Subscribed"];
type Looked = Schemas["SubscribedWithSecret"];
type Desk = Schemas["Desk"];

const KINDS = ["notice", "zone", "presence", "plan", "report", "call", "alert"] as const;
/** Kinds that are offered; others are made by the interface. */
const CALLS = "call";

@customElement("detente-subscriptions")
export class Subscriptions extends Following {
  @property() party = "";
  @state() private all: readonly Subscribed[] = [];
  @state() private desks: readonly Desk[] = [];
  @state() private desk = "";
  /** Only what is within an area is wanted. */
  @state() private within = false;
  /** What the node read of the area of the last one made. */
  @state() private read: Readings | null = null;
  /** Whose area is shown on the map. */
  @state() private looked: Looked | null = null;
  @state() private secret = "";
  @state() private problem = "";
  @state() private busy = false;
  @query("detente-subscription-area") private area!: SubscriptionArea | null;

  private readonly looks = new Turns();
  private left?: AbortController;

  override connectedCallback(): void {
    super.connectedCallback();
    this.left = new AbortController();
    hear("detente-opened", () => isOpen(this) || this.close(), this.left.signal);
  }

  override disconnectedCallback(): void {
    this.left?.abort();
    this.close();
    super.disconnectedCallback();
  }

  private close(): void {
    this.looks.next();
    if (this.looked !== null) tell("detente-looked-at", []);
    this.looked = null;
  }

  override render(): unknown {
    return html`<div role="status" aria-live="polite">
        ${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}
        ${this.secret === "" ? nothing : html`<p class="said">${say("sub.secret")} <code dir="ltr">${this.secret}</code></p>`}
        ${this.read === null ? nothing : remarks(this.read)}</div>
      ${this.all.length === 0 ? html`<p>${say("sub.none")}</p>` : html`<ul class="subscriptions">${this.all.map((one) => this.line(one))}</ul>`}
      <form @submit=${(event: Event) => void this.make(event)}>
        <label>${say("sub.desk")}<select name="desk" @change=${(event: Event) => (this.desk = (event.target as HTMLSelectElement).value)}>
          <option value="">${say("sub.party")}</option>${this.desks.map((one) => html`<option value=${one.id}>${one.name}</option>`)}</select></label>
        ${this.desk === "" ? [this.kinds(), this.place()] : html`<p class="hint">${say("sub.desk-hint")}</p>`}
        <label>${say("sub.people")}<input name="people" maxlength="1000" dir="ltr" autocomplete="off" placeholder="mailtos://…"></label>
        <label>${say("sub.url")}<input name="url" maxlength="1000" dir="ltr" placeholder="https://…"></label>
        <p class="hint">${say("sub.how")}</p>
        <button ?disabled=${this.busy}>${say("sub.make")}</button>
      </form>`;
  }

  private kinds(): unknown {
    return html`<fieldset><legend>${say("sub.of")}</legend>
      ${KINDS.map((one) => html`<label class="check"><input type="checkbox" name="kinds" value=${one}>${named(one)}</label>`)}
      <p class="hint">${say("sub.all-hint")}</p></fieldset>`;
  }

  private place(): unknown {
    return html`<label>${say("where")}<select name="within" @change=${(event: Event) => (this.within = (event.target as HTMLSelectElement).value !== "")}>
        <option value="">${say("sub.everywhere")}</option><option value="area" ?selected=${this.within}>${say("sub.within")}</option></select></label>
      ${this.within ? html`<detente-subscription-area></detente-subscription-area>` : nothing}`;
  }

  private line(one: Subscribed): unknown {
    const { value, progress } = one;
    const desk = this.desks.find((known) => known.id === value.desk)?.name ?? value.desk;
    const what = listed((value.kinds as string[] | undefined ?? []).map(named)) || say("sub.everything");
    return html`<li><strong>${desk ? say("sub.of-desk", { desk }) : what}</strong>
      ${value.volumes?.length ? this.where(one, value.volumes as readonly Volume[], what) : nothing}
      <br><small>${value.url ? html`<span dir="ltr">${value.url}</span>` : say(value.people ? "sub.by-people" : "sub.by-asking")}</small>
      ${progress?.failing_since ? html`<br><span class="late">${say("sub.failing", { time: at(progress.failing_since), count: progress.attempts ?? 0 })}</span>` : nothing}
      <button type="button" ?disabled=${this.busy} @click=${() => void this.doing(() => ask("DELETE", `/v1/subscriptions/${one.object}`))}
        aria-label="${say("sub.end")}: ${desk ? say("sub.of-desk", { desk }) : what}">${say("sub.end")}</button></li>`;
  }

  /** A button that shows the area on the map, and writes beside it where and when that is. */
  private where({ object }: Subscribed, volumes: readonly Volume[], what: string): unknown {
    const looked = this.looked?.subscription.object === object ? this.looked : null;
    return html`<button type="button" class="link" name="look" aria-expanded=${looked !== null} aria-label="${say("sub.in-area")}: ${what}"
        @click=${() => void this.look(looked === null ? object : null)}>${say("sub.in-area")}</button>
      ${looked?.area ? areaFacts(looked.area, volumes) : nothing}`;
  }

  private async look(object: string | null): Promise<void> {
    const isLast = this.looks.next();
    try {
      const looked = object === null ? null : await ask<Looked>("GET", `/v1/subscriptions/${object}`);
      if (!isLast()) return;
      this.looked = looked;
      const drawn = this.looked?.area?.drawn as GeoJSON.Geometry | undefined;
      tell("detente-looked-at", drawn === undefined ? [] : [drawn]);
    } catch (error) {
      if (isLast()) this.problem = refusal(error);
    }
  }

  private async make(event: Event): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const given = new FormData(form);
    const empty = emptying(form);
    const text = (name: string): Record<string, string> => (given.get(name) ? { [name]: String(given.get(name)).trim() } : {});
    const kinds = this.desk === "" ? given.getAll("kinds") : [CALLS];
    await this.doing(async () => {
      const read = (await this.area?.read()) ?? null;
      const volumes = read?.values.flatMap(volumesOf) ?? [];
      const body = { ...text("desk"), ...text("people"), ...text("url"), kinds, volumes };
      const made = await sent<Schemas["NewlySubscribed"]>("POST", "/v1/subscriptions", body);
      this.secret = made.secret ?? "";
      this.read = read;
      if (empty()) {
        this.desk = "";
        this.within = false;
      }
      if (read !== null) await this.look(made.receipt.object_id);
    });
    await this.updateComplete;
    this.querySelector(".subscriptions [aria-expanded=true]")?.scrollIntoView({ block: "center" });
  }

  private async doing(act: () => Promise<unknown>): Promise<void> {
    this.problem = this.secret = "";
    this.read = null;
    this.busy = true;
    try {
      await act();
      await this.load();
    } catch (error) {
      this.problem = refusal(error);
    } finally {
      this.busy = false;
    }
  }

  protected async load(): Promise<void> {
    const isNews = this.asking();
    try {
      const [parties, page] = await Promise.all([everyone(), ask<Schemas["SubscriptionPage"]>("GET", "/v1/subscriptions?limit=1000")]);
      if (!isNews()) return;
      this.desks = parties.find((one) => one.id === this.party)?.desks ?? [];
      this.all = page.subscriptions;
      const object = this.looked?.subscription.object;
      if (object !== undefined && !this.all.some((one) => one.object === object)) await this.look(null);
    } catch (error) {
      if (isNews()) this.problem = refusal(error);
    }
  }
}

function named(kind: string): string {
  return kind === CALLS || kind === "alert" ? say(`sub.kind.${kind}` as Word) : called("kind", kind);
}
