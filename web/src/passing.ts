// Requests to pass something on: those that wait for one's consent, and one's own.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { type Schemas, type View, act, ask } from "./api";
import { tell } from "./events";
import { Following } from "./following";
import { latest } from "./latest";
import { nameOf } from "./picture-panel";
import { refusedLine } from "./refused";
import { say } from "./words";

type Request = Schemas["ReleaseRequest"];
type Decision = Schemas["ReleaseDecision"];
const SHOWN_MAX = 50;

interface Asked {
  view: View;
  request: Request;
  decision: Decision | null;
  object: View | null;
}

@customElement("detente-passing")
export class Passing extends Following {
  @property() party = "";
  @state() private asked: readonly Asked[] = [];
  @state() private told: unknown = "";
  override render(): unknown {
    return html`<h3>${say("speak.passing")}</h3>
      ${this.asked.length === 0 ? html`<p>${say("speak.passing-none")}</p>` : nothing}
      <ul class="found passing">${repeat(this.asked, (one) => one.view.object, (one) => html`<li>
        <p>${say("speak.wants-passed", { party: one.view.party, name: one.object === null ? one.request.object.slice(0, 8) : nameOf(one.object), to: one.request.to })}
          (${say(`speak.grade.${one.request.grade ?? "full"}`)})</p>
        ${one.request.purpose ? html`<p dir="auto">${one.request.purpose}</p>` : nothing}
        ${one.decision === null ? (one.view.party === this.party ? html`<p class="hint">${say("speak.undecided")}</p>` : this.deciding(one))
          : html`<p>${say(one.decision.granted ? "speak.granted" : "speak.not-granted")} <span dir="auto">${one.decision.condition ?? ""}</span></p>`}</li>`)}</ul>
      <div role="status">${this.told === "" ? nothing : html`<p class="said">${this.told}</p>`}</div>`;
  }

  private deciding(one: Asked): unknown {
    return html`<form @submit=${(event: SubmitEvent) => void this.decide(event, one)}>
      <label>${say("speak.condition")}<input name="condition" maxlength="4000"></label>
      <div class="row"><button name="granted" value="yes">${say("speak.grant")}</button><button name="granted" value="no">${say("speak.refuse")}</button></div></form>`;
  }

  private async decide(event: SubmitEvent, one: Asked): Promise<void> {
    event.preventDefault();
    const given = new FormData(event.target as HTMLFormElement, event.submitter as HTMLElement);
    try {
      const said = { request: one.view.object, granted: given.get("granted") === "yes", condition: given.get("condition") };
      const receipt = await act("/v1/release-decisions", said);
      this.told = say("speak.decided", { sequence: receipt.sequence });
      tell("detente-changed", receipt.sequence);
    } catch (error) {
      this.told = refusedLine(error);
    }
  }

  protected async load(): Promise<void> {
    const isNews = this.asking();
    try {
      const found = await latest("kind=release_request&kind=release_decision", 2 * SHOWN_MAX);
      const decisions = found.views.map((one) => one.value as Request | Decision).filter((one) => one.type === "release_decision");
      const requests = found.views.filter((one) => one.kind === "release_request").slice(0, SHOWN_MAX);
      const asked = await Promise.all(requests.map(async (view) => {
        const request = view.value as Request;
        const object = await ask<View>("GET", `/v1/objects/${request.object}`).catch(() => null);
        return { view, request, object, decision: decisions.find((one) => one.request === view.object) ?? null };
      }));
      if (isNews()) this.asked = asked;
    } catch (error) {
      if (isNews()) this.told = refusedLine(error);
    }
  }
}
