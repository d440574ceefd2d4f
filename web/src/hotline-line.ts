// One call: its clock, what it says, how far everyone is, and what is to be pressed.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { type Schemas, type View, ask } from "./api";
import { tell } from "./events";
import { Turns, isOpen } from "./following";
import { type Call, type Incident, type Line, type Step, clock, drawnOf, incident, ladder, left, message, placeOf, span, step } from "./hotline";
import { emptying } from "./forms";
import { nameOf } from "./picture-panel";
import "./position";
import { when } from "./read-back";
import { refusal } from "./refused";
import { Speaking, at, called, deskOf, listed, say } from "./words";

const MM_PER_M = 1_000;

@customElement("detente-line")
export class LineCard extends Speaking {
  @property({ attribute: false }) line!: Line;
  @property({ attribute: false }) parties: readonly Schemas["Party"][] = [];
  /** What it is about, as far as it is shown to whoever looks. */
  @state() private about: ReadonlyMap<string, View> = new Map();
  @state() private problem = "";
  @state() private busy = false;
  private readonly looks = new Turns();
  private ticking = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.ticking = window.setInterval(() => isOpen(this) && this.requestUpdate(), 1_000);
  }

  override disconnectedCallback(): void {
    clearInterval(this.ticking);
    super.disconnectedCallback();
  }

  override willUpdate(changed: Map<string, unknown>): void {
    const before = changed.get("line") as Line | undefined;
    if (changed.has("line") && before?.incident.version !== this.line.incident.version) void this.look();
  }

  private async look(): Promise<void> {
    const isLast = this.looks.next();
    const found = await Promise.all((incident(this.line).objects ?? []).map((one) => ask<View>("GET", `/v1/objects/${one}`).catch(() => null)));
    if (isLast()) this.about = new Map(found.flatMap((one) => (one === null ? [] : [[one.object, one]])));
  }

  override render(): unknown {
    const { line } = this;
    const said = incident(line);
    return html`<article class="line ${line.state}" aria-label=${message(line)}>
      <header><h4>${message(line)}</h4>
        <p class="clock"><span>${say("hotline.clock")}</span> <b role="timer">${span(line.opened)}</b></p></header>
      <p>${say("hotline.by", { party: line.incident.party })}${say("list.comma")}<time datetime=${line.opened}>${at(line.opened)}</time></p>
      ${this.callBack(said)}
      ${said.words ? html`<blockquote lang=${said.language ?? nothing} dir="auto">${said.words}</blockquote>` : nothing}
      <detente-position .place=${placeOf(line)}></detente-position>
      <dl class="facts">${sureWithin(said)}${said.volumes.filter((one) => one.lower_mm != null || one.upper_mm != null || one.start || one.end).map(when)}</dl>
      ${said.objects?.length ? html`<ul class="found">${said.objects.map((one) => this.named(one))}</ul>` : nothing}
      <p class="state">${called("hotline.state", line.state)}</p>
      ${this.reached()}
      <button type="button" @click=${() => this.show()}>${say("hotline.show")}</button>
      ${line.steps?.length ? html`<ol class="steps">${line.steps.map((one) => this.taken(one.view.party, one.view.value as Step, one.after_s))}</ol>` : nothing}
      ${this.buttons()}
      <a href="/v1/objects/${line.incident.object}/evidence" download>${say("evidence")}</a>
      <div role="status">${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}</div>
    </article>`;
  }

  /** The caller's desk that speaks. */
  private callBack(said: Incident): unknown {
    if (!said.desk) return nothing;
    const desk = this.parties.find((one) => one.id === this.line.incident.party)?.desks?.find((one) => one.id === said.desk);
    return html`<p>${say("hotline.call-back", { desk: deskOf(desk) || said.desk })}</p>`;
  }

  private named(object: string): unknown {
    const view = this.about.get(object);
    return html`<li>${view === undefined ? say("speak.about", { name: object.slice(0, 8) })
      : html`<button type="button" class="link" @click=${() => tell("detente-object", object)}>${say("speak.about", { name: nameOf(view) })}</button>`}</li>`;
  }

  /** What is drawn here is where it is, on the called side's map as well. */
  private show(): void {
    tell("detente-looked-at", drawnOf(this.line));
    tell("detente-go", placeOf(this.line));
  }

  /** Who was called, as far as it is told, and how far the ladder was climbed. */
  private reached(): unknown {
    const { line } = this;
    const call = line.call?.value as Call | undefined;
    const desks = call?.told?.desks ?? [];
    const names = desks.map((one) => listed([one.party, one.desk?.name, ...(one.desk?.contacts ?? [])]) || "…");
    const rungs = ladder() ?? [];
    const next = rungs[line.rung ?? 0];
    return html`${names.length > 0 ? html`<p>${say("hotline.desks-told", { desks: listed(names, "list.semicolon") })}</p>` : nothing}
      ${call?.told?.everyone ? html`<p>${say("hotline.everyone")}</p>` : nothing}
      ${call?.told?.whole === false ? html`<p class="late">${say("hotline.others")}</p>` : nothing}
      ${call?.desks?.length ? html`<p>${say("hotline.own-desks", { desks: listed(call.desks) })}</p>` : nothing}
      ${rungs.length === 0 ? nothing : html`<p class="ladder">${say("hotline.rung", { rung: line.rung ?? 0, count: rungs.length })}${line.next && next
        ? html`${say("list.comma")}${say("hotline.next", { time: left(line.next), rings: called("hotline.rings", next.rings) })}` : nothing}</p>`}`;
  }

  private taken(party: string, said: Step, after: number): unknown {
    return html`<li><b>${party}</b> ${called("hotline.act", said.act)} <small>${say("hotline.after", { time: clock(after) })}</small>
      ${said.text ? html`<q lang=${said.language ?? nothing} dir="auto">${said.text}</q>` : nothing}</li>`;
  }

  private buttons(): unknown {
    const acts = this.line.state === "closed" ? [] : this.line.own ? ["closed"] : ["acknowledged", "acting", "stopped"];
    return html`<form @submit=${(event: SubmitEvent) => void this.stated(event)}>
      <label>${say("hotline.statement")}<input name="text" maxlength="4000" dir="auto"></label>
      <div class="row">${acts.map((one) => html`<button type="button" class="main" value=${one} ?disabled=${this.busy} @click=${() => void this.say(one)}>${called("hotline.do", one)}</button>`)}
        <button value="stated" ?disabled=${this.busy}>${say("hotline.do.stated")}</button></div>
    </form>`;
  }

  private async stated(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    await this.say("stated");
  }

  private async say(act: string): Promise<void> {
    const form = this.querySelector("form")!;
    const text = String(new FormData(form).get("text") ?? "").trim();
    const empty = emptying(form);
    this.problem = "";
    this.busy = true;
    try {
      await step(this.line, act, text);
      empty();
    } catch (error) {
      this.problem = refusal(error);
    } finally {
      this.busy = false;
    }
  }
}

/** How far around a place that is said: what a circle is there for. */
function sureWithin(said: Incident): unknown {
  const radii = said.volumes.flatMap((one) => one.footprint.flatMap((shape) => ("radius_mm" in shape && shape.radius_mm ? [shape.radius_mm / MM_PER_M] : [])));
  return radii.length === 0 ? nothing : html`<dt>${say("hotline.uncertain")}</dt><dd>${listed(radii)}</dd>`;
}
