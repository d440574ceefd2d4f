// What one may say of an object whose details are shown: one's own, or another's.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { type Schemas, type View, act } from "./api";
import "./acknowledge";
import { begin } from "./drafts";
import { accompanied, legs } from "./escort";
import { tell } from "./events";
import { whenOpenedAgain } from "./following";
import "./own-object";
import { nameOf } from "./picture-panel";
import { refusedLine } from "./refused";
import { everyone } from "./release";
import { Speaking, say } from "./words";

@customElement("detente-speak-object")
export class SpeakObject extends Speaking {
  @property({ attribute: false }) view: View | null = null;
  @property() party = "";
  @state() private parties: readonly Schemas["Party"][] = [];
  @state() private told: unknown = "";
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

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("view")) this.told = "";
  }

  override render(): unknown {
    const view = this.view;
    if (view === null) return nothing;
    const full = view.grade === "full";
    return html`${view.kind === "notice" ? legs(view.value) : nothing}${accompanied(view.value)}
      ${view.party === this.party ? html`<detente-own .view=${view}></detente-own>` : html`
        ${full ? html`<detente-acknowledge .view=${view}></detente-acknowledge>` : nothing}
        <details class="act"><summary>${say("speak.ask-pass")}</summary>
          <form @submit=${(event: Event) => void this.request(event)}>
            <label>${say("speak.pass-to")}<select name="to" required>${repeat(this.parties.filter((one) => one.id !== this.party && one.id !== view.party), (one) => one.id, (one) => html`<option value=${one.id}>${one.name}</option>`)}</select></label>
            <label>${say("grade")}<select name="grade">${(["full", "area", "contact"] as const).map((one) => html`<option value=${one}>${say(`speak.grade.${one}`)}</option>`)}</select></label>
            <label>${say("speak.purpose")}<input name="purpose" maxlength="4000"></label>
            <button>${say("speak.ask-author")}</button></form></details>`}
      <div class="row">
        <button type="button" @click=${() => this.write(false)}>${say("speak.write-about")}</button>
        ${view.party === this.party ? nothing : html`<button type="button" @click=${() => this.write(true)}>${say("speak.pass-on")}</button>`}
      </div>
      <div role="status">${this.told === "" ? nothing : html`<p class="said">${this.told}</p>`}</div>`;
  }

  private write(passedOn: boolean): void {
    begin({ object: this.view!.object, name: nameOf(this.view!), passedOn, answers: false });
    tell("detente-tab", "exchange");
  }

  private async request(event: Event): Promise<void> {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.target as HTMLFormElement));
    try {
      const receipt = await act("/v1/release-requests", { ...given, object: this.view!.object });
      this.told = say("speak.pass-asked", { sequence: receipt.sequence });
    } catch (error) {
      this.told = refusedLine(error);
    }
  }
}
