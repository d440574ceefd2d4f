// The record: its checkpoint and who cosigned it, what one said last and who was told, how to audit.

import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { type Schemas, type View, Refusal, ask } from "./api";
import { type Checkpoint, parsed } from "./checkpoint";
import { tell } from "./events";
import { Following } from "./following";
import { latest } from "./latest";
import "./own-object";
import { nameOf } from "./picture-panel";
import { refusal } from "./refused";
import { at, called, listed, say } from "./words";

const SHOWN_MAX = 50;
const SAID = ["notice", "presence", "zone", "plan", "report"];

@customElement("detente-record")
export class RecordPanel extends Following {
  @property() party = "";
  @state() private theatre = "";
  @state() private note: Checkpoint | null = null;
  @state() private keys: readonly string[] = [];
  @state() private versions: Schemas["Terms"][] = [];
  @state() private own: readonly View[] | null = null;
  @state() private more = false;
  @state() private problem = "";
  override render(): unknown {
    return html`<h2>${say("tab.record")}</h2>
      <div role="status">${this.problem === "" ? nothing : html`<p class="refused">${this.problem}</p>`}</div>
      ${this.note === null ? nothing : this.checkpoint(this.note)}
      ${this.audit()}
      <h3>${say("speak.own-last")}</h3>
      ${this.own?.length === 0 ? html`<p>${say("speak.own-none")}</p>` : nothing}
      <ul class="found">${repeat(this.own ?? [], (one) => one.object, (one) => html`<li class="record-entry">
        <button type="button" class="link" @click=${() => tell("detente-object", one.object)}>${nameOf(one)}</button>
        <small>${listed([called("kind", one.kind), `${say("version").toLowerCase()} ${one.version}`, `${say("entry").toLowerCase()} ${one.sequence}`])}</small>
        <a href="/v1/objects/${one.object}/evidence" download>${say("evidence")}</a>
        <detente-own brief .view=${one}></detente-own></li>`)}</ul>
      ${this.more ? html`<p class="hint">${say("speak.newest-only", { count: SHOWN_MAX })}</p>` : nothing}`;
  }

  private checkpoint(note: Checkpoint): unknown {
    return html`<section class="checkpoint" aria-label=${say("speak.checkpoint")}><h3>${say("speak.checkpoint")}</h3>
      <dl class="facts">
        <dt>${say("speak.log")}</dt><dd dir="ltr">${note.origin}</dd>
        <dt>${say("speak.size")}</dt><dd>${note.size}</dd>
        <dt>${say("speak.root")}</dt><dd dir="ltr"><code>${note.root}</code></dd>
        <dt>${say("speak.signed-by")}</dt><dd dir="ltr">${note.signatures.filter((one) => one.name === note.origin).map((one) => html`<div>${one.name}</div>`)}</dd>
        <dt>${say("speak.cosigned-by")}</dt><dd>${this.cosigners(note)}</dd>
      </dl>
      <a href="/log/${this.theatre}/checkpoint" download="checkpoint.txt">${say("speak.checkpoint-file")}</a></section>`;
  }

  private cosigners(note: Checkpoint): unknown {
    const others = note.signatures.filter((one) => one.name !== note.origin);
    if (others.length === 0) return say("speak.no-witness");
    return others.map((one) => html`<div dir="ltr">${one.name}${one.time === null ? "" : `, ${at(one.time)}`}</div>`);
  }

  private audit(): unknown {
    const key = this.keys.at(-1);
    return html`<h3>${say("speak.audit")}</h3><p>${say("speak.audit-why")}</p>
      <pre dir="ltr" tabindex="0">detente audit ${location.origin}/log/${this.theatre} --key ${key ?? "VKEY"}</pre>
      <p class="hint">${say("speak.audit-evidence")}</p><pre dir="ltr" tabindex="0">detente verify FILE</pre>
      <p>${say("speak.agreement-versions", { count: this.versions.length, sequence: this.versions.at(-1)?.entry.sequence ?? 0 })}</p>`;
  }

  protected async load(): Promise<void> {
    const isNews = this.asking();
    try {
      const [{ theatre }, terms, { versions }] = await Promise.all([
        ask<Schemas["NextEntry"]>("GET", `/v1/chain/${this.party}`),
        ask<View>("GET", "/v1/agreement"),
        ask<Schemas["AllTerms"]>("GET", "/v1/agreement/versions"),
      ]);
      const answer = await fetch(`/log/${theatre}/checkpoint`, { cache: "no-store" });
      if (!answer.ok) throw new Refusal(answer.status, (await answer.json().catch(() => ({}))) as object);
      const note = parsed(await answer.text());
      const kinds = SAID.map((one) => `kind=${one}`).join("&");
      const found = await latest(`${kinds}&party=${this.party}&ended=true`, SHOWN_MAX);
      if (!isNews()) return;
      this.theatre = theatre;
      this.keys = (terms.value as Schemas["Agreement"]).log_keys ?? [];
      this.versions = versions;
      this.note = note;
      [this.own, this.more] = [found.views, found.more];
      this.problem = "";
    } catch (error) {
      if (isNews()) this.problem = refusal(error);
    }
  }
}
