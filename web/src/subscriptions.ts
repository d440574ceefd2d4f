// How a party is told of what happens: its subscriptions, those of its desks, and a form for another.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { type Schemas, ask, once } from "./api";
import { refusal } from "./check-panel";
import { Following } from "./following";
import { everyone } from "./release";
import { type Word, at, called, isolated, say } from "./words";

type Subscribed = Schemas["Subscribed"];
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
  @state() private secret = "";
  @state() private problem = "";
  @state() private busy = false;

  override render(): unknown {
    return html`<div role="status" aria-live="polite">
        ${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}
        ${this.secret === "" ? nothing : html`<p class="said">${say("sub.secret")} <code dir="ltr">${this.secret}</code></p>`}</div>
      ${this.all.length === 0 ? html`<p>${say("sub.none")}</p>` : html`<ul class="subscriptions">${this.all.map((one) => this.line(one))}</ul>`}
      <form @submit=${(event: Event) => void this.make(event)}>
        <label>${say("sub.desk")}<select name="desk" @change=${(event: Event) => (this.desk = (event.target as HTMLSelectElement).value)}>
          <option value="">${say("sub.party")}</option>${this.desks.map((one) => html`<option value=${one.id}>${one.name}</option>`)}</select></label>
        ${this.desk === "" ? this.kinds() : html`<p class="hint">${say("sub.desk-hint")}</p>`}
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

  private line(one: Subscribed): unknown {
    const { value, progress } = one;
    const desk = this.desks.find((known) => known.id === value.desk)?.name ?? value.desk;
    const what = (value.kinds as string[] | undefined ?? []).map(named).join(", ") || say("sub.everything");
    return html`<li><strong>${desk ? say("sub.of-desk", { desk }) : what}</strong>
      ${value.volumes?.length ? html`<span>${say("sub.in-area")}</span>` : nothing}
      <br><small>${value.url ? html`<span dir="ltr">${value.url}</span>` : say(value.people ? "sub.by-people" : "sub.by-asking")}</small>
      ${progress?.failing_since ? html`<br><span class="late">${say("sub.failing", { time: isolated(at(progress.failing_since)), count: progress.attempts ?? 0 })}</span>` : nothing}
      <button type="button" ?disabled=${this.busy} @click=${() => void this.doing(() => ask("DELETE", `/v1/subscriptions/${one.object}`))}
        aria-label="${say("sub.end")}: ${desk ? say("sub.of-desk", { desk }) : what}">${say("sub.end")}</button></li>`;
  }

  private async make(event: Event): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const given = new FormData(form);
    const text = (name: string): Record<string, string> => (given.get(name) ? { [name]: String(given.get(name)).trim() } : {});
    const body = { ...text("desk"), ...text("people"), ...text("url"), kinds: this.desk === "" ? given.getAll("kinds") : [CALLS] };
    await this.doing(async () => {
      const made = await ask<Schemas["NewlySubscribed"]>("POST", "/v1/subscriptions", body, once());
      this.secret = made.secret ?? "";
      form.reset();
      this.desk = "";
    });
  }

  private async doing(act: () => Promise<unknown>): Promise<void> {
    this.problem = this.secret = "";
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
    try {
      const [parties, page] = await Promise.all([everyone(), ask<Schemas["SubscriptionPage"]>("GET", "/v1/subscriptions?limit=1000")]);
      this.desks = parties.find((one) => one.id === this.party)?.desks ?? [];
      this.all = page.subscriptions;
    } catch (error) {
      this.problem = refusal(error);
    }
  }
}

function named(kind: string): string {
  return kind === CALLS || kind === "alert" ? say(`sub.kind.${kind}` as Word) : called("kind", kind);
}
