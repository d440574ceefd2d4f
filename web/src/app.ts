// The page: who one is, which panel is open, and what the node tells as it happens.

import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { type Schemas, type WhoAmI, Refusal, ask } from "./api";
import { hear, tell } from "./events";
import { Turns } from "./following";
import { hearAgain, hearStream, signedIn, signedOut, whenEntered } from "./hearing";
import "./hotline-banner";
import "./hotline-heard";
import { linked } from "./link";
import { objected } from "./objected";
import { PANELS, TABS, type Tab } from "./panels";
import { refusal } from "./refused";
import { LANGUAGES, type Language, Speaking, type Word, say, speak, spoken } from "./words";

const TOGETHER_MS = 250;
/** Changes that come together are drawn together. */

const SESSION = "/v1/session";

function nameOf(who: WhoAmI): string {
  return `${who.party}/${who.subject}`;
}

@customElement("detente-app")
export class App extends Speaking {
  @state() private who: WhoAmI | null = null;
  @state() private ways: readonly Schemas["SignInWay"][] = [];
  @state() private known = false;
  @state() private problem = "";
  @state() private tab: Tab = "picture";
  @state() private object: string | null = linked("object");
  @state() private track: string | null = null;
  @state() private live = true;
  /** The session ended while the page was open: what is written in it waits behind the door. */
  @state() private ended = false;
  /** Panels that were opened stay, with what was written and answered there, and how far one had scrolled. */
  private readonly opened = new Map<Tab, number>();
  private readonly entries = new Turns();
  private readonly over = new AbortController();

  override connectedCallback(): void {
    super.connectedCallback();
    hear("detente-object", (object) => {
      this.object = object;
      if (object !== null) this.tab = "picture";
    }, this.over.signal);
    hear("detente-tab", (name) => this.turn(TABS.find((one) => one === name) ?? this.tab), this.over.signal);
    hear("detente-track", (track) => {
      this.track = track;
      if (track !== null) this.tab = "watch";
    }, this.over.signal);
    hear("detente-unknown", (path) => {
      if (this.who !== null && !this.ended && path !== SESSION) void this.enter();
    }, this.over.signal);
    hear("detente-objected", () => this.requestUpdate(), this.over.signal);
    whenEntered(() => void this.enter());
    void this.enter();
  }

  override willUpdate(changed: Map<string, unknown>): void {
    const left = changed.get("tab") as Tab | undefined;
    if (left !== undefined) this.opened.set(left, this.querySelector(".panel")?.scrollTop ?? 0);
  }

  override updated(changed: Map<string, unknown>): void {
    if (this.tab === "plans" && !this.ended) objected.look();
    if (changed.get("tab") === undefined) return;
    const scrolled = this.opened.get(this.tab);
    this.querySelector(".panel")?.scrollTo(0, scrolled ?? 0);
    tell("detente-opened", { again: scrolled !== undefined });
  }

  override render(): unknown {
    if (!this.known) return nothing;
    return html`<a class="skip" href="#panel">${say("skip")}</a>
      <header>
        <h1>Détente</h1>
        ${this.who === null ? nothing : html`<p>${this.who.subject}${say("list.comma")}${say("as-party", { party: this.who.party })}</p>`}
        ${this.live || this.ended ? nothing : html`<p class="refused" role="alert">${say("not-live")}</p>`}
        ${this.who === null || this.ended ? nothing : html`<detente-no-sound></detente-no-sound>`}
        <label class="language">${say("language")}
          <select @change=${(event: Event) => void speak((event.target as HTMLSelectElement).value as Language)}>
            ${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code} lang=${code} ?selected=${code === spoken()}>${name}</option>`)}
          </select></label>
        ${this.who === null || this.ended ? nothing : html`<button type="button" @click=${() => void this.leave()}>${say("sign-out")}</button>`}
      </header>
      ${this.who === null || this.ended ? this.door() : nothing}
      ${this.who === null ? nothing : this.work(this.who.party)}`;
  }

  private door(): unknown {
    return html`<main class="door" id="panel">
      <h2>${say("sign-in")}</h2>
      ${this.ended ? html`<p role="alert">${say("door.over")}</p>` : nothing}
      <form @submit=${(event: Event) => void this.signIn(event)}>
        <label>${say("name")}<input name="name" required autocomplete="username" maxlength="200"></label>
        <label>${say("password")}<input name="password" type="password" required autocomplete="current-password" maxlength="1000"></label>
        <button class="main">${say("sign-in")}</button>
      </form>
      ${this.ways.map((one) => html`<p><a href="${one.url}?next=/page/">${one.name}</a></p>`)}
      <div role="alert">${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}</div>
      <detente-hotline-door></detente-hotline-door>
    </main>`;
  }

  private work(party: string): unknown {
    return html`<detente-hotline-banner ?hidden=${this.ended} party=${party}></detente-hotline-banner>
    <detente-watch-banner ?hidden=${this.ended} party=${party}></detente-watch-banner>
    <div class="work" ?hidden=${this.ended}>
      <main id="panel" class="panel">
        <nav role="tablist" @keydown=${(event: KeyboardEvent) => this.arrow(event)}>
          ${TABS.map((one) => html`<button role="tab" id="tab-${one}" type="button" aria-selected=${this.tab === one}
            aria-controls="panel-${one}" tabindex=${this.tab === one ? 0 : -1} @click=${() => (this.tab = one)}>${say(`tab.${one}` as Word)}${one === "plans" && objected.isNew ? html`<span class="mark" role="img" aria-label=${say("look-objected-to")}>●</span>` : nothing}</button>`)}
        </nav>
        ${TABS.map((one) => html`<div role="tabpanel" id="panel-${one}" aria-labelledby="tab-${one}" ?hidden=${one !== this.tab}>
          ${one === this.tab || this.opened.has(one) ? PANELS[one]({ object: this.object, track: this.track, party }) : nothing}</div>`)}
      </main>
      <detente-map party=${party}></detente-map>
    </div>`;
  }

  /** Open a panel from elsewhere: at its top, where what is asked for stands. */
  private turn(to: Tab): void {
    if (this.opened.has(to)) this.opened.set(to, 0);
    if (to === this.tab) this.querySelector(".panel")?.scrollTo(0, 0);
    this.tab = to;
  }

  private arrow(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
    if (step === 0) return;
    const way = document.body.dir === "rtl" ? -step : step;
    this.tab = TABS[(TABS.indexOf(this.tab) + way + TABS.length) % TABS.length] ?? "picture";
    void this.updateComplete.then(() => this.querySelector<HTMLElement>(`#tab-${this.tab}`)?.focus());
  }

  /** Ask who one is: at first, and wherever that may have changed. */
  private async enter(): Promise<void> {
    const isLast = this.entries.next();
    try {
      const who = await ask<WhoAmI>("GET", SESSION);
      if (!isLast()) return;
      const before = this.who;
      // What one wrote is not for whoever comes after.
      if (before !== null && nameOf(before) !== nameOf(who)) return location.reload();
      this.who = who;
      this.ended = false;
      signedIn(nameOf(who));
      void import("./map-view");
      if (before === null) {
        this.listen();
        objected.follow(nameOf(who), who.party, this.over.signal);
      }
    } catch (error) {
      // Who came in since is not put out.
      if (!isLast()) return;
      const nobody = error instanceof Refusal && error.status === 401;
      // A node that does not answer ends no session.
      if (this.who === null || nobody) await this.stay(nobody ? "" : refusal(error));
    }
    this.known = true;
  }

  /** Stay at the door, or go back to it. */
  private async stay(problem: string): Promise<void> {
    this.problem = problem;
    this.ended = this.who !== null;
    void import("./hotline-door");
    this.ways = await ask<Schemas["SignInWay"][]>("GET", "/v1/sign-in").catch(() => []);
  }

  private async signIn(event: Event): Promise<void> {
    event.preventDefault();
    const given = new FormData(event.target as HTMLFormElement);
    this.problem = "";
    const again = this.ended;
    try {
      await ask("POST", SESSION, { name: given.get("name"), password: given.get("password") });
      await this.enter();
      if (again) hearAgain();
    } catch (error) {
      this.problem = refusal(error);
    }
  }

  private async leave(): Promise<void> {
    await ask("DELETE", SESSION).catch(() => undefined);
    signedOut();
    location.reload();
  }

  /** Hear what happens; a line that breaks is taken up where it broke. */
  private listen(): void {
    let waiting = 0;
    hearStream("events", ({ name, data, id }) => {
      // Whatever happened while the line was broken, nobody told.
      if (name === "open" && !this.live) {
        tell("detente-changed", Number(id));
        tell("detente-called", Number(id));
      }
      this.live = name !== "error";
      if (this.ended ? name === "open" : name === "error") void this.enter();
      if (name !== "message") return;
      // A call does not wait for what comes with it.
      if (/"kind":"(call|incident)/.test(data)) tell("detente-called", Number(id));
      clearTimeout(waiting);
      waiting = window.setTimeout(() => tell("detente-changed", Number(id)), TOGETHER_MS);
    });
  }
}
