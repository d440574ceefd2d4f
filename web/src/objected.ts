// Which of one's own plans others object to, since one looked last.

import { type Schemas, type View, ask } from "./api";
import { hear, tell } from "./events";

const KEPT = "detente-plans-looked ";
const PAGE = 1_000;

const RAISED = "raised";

type Objection = Schemas["Objection"];

class Objected {
  /** Of these plans something is new. */
  plans: ReadonlySet<string> = new Set();
  /** Whether any of it came after one looked at the plans. */
  isNew = false;
  private kept = "";
  private party = "";
  /** Up to which entry one has looked, and to which the node was asked. */
  private looked = -1;
  private asked = -1;
  private turns = 0;

  /** For somebody of a party, from now on. */
  follow(who: string, party: string, signal: AbortSignal): void {
    this.kept = KEPT + who;
    this.party = party;
    this.looked = this.asked = Number(localStorage.getItem(this.kept) ?? -1);
    hear("detente-changed", () => void this.load().catch(() => undefined), signal);
    void this.load().catch(() => undefined);
  }

  /** One has the plans before one. */
  look(): void {
    if (this.asked <= this.looked) return;
    this.looked = this.asked;
    localStorage.setItem(this.kept, String(this.looked));
    this.isNew = false;
    tell("detente-objected", null);
  }

  /** One has this plan before one. */
  lookAt(plan: string): void {
    this.plans = new Set([...this.plans].filter((one) => one !== plan));
    tell("detente-objected", null);
  }

  private async load(): Promise<void> {
    const turn = ++this.turns;
    const page: Schemas["Page"] = await ask("GET", `/v1/objects?kind=objection&limit=${PAGE}&after=${this.asked}`);
    const found = await Promise.all([...new Set(page.objects.flatMap((one) => this.plan(one)))].map((one) => this.mine(one)));
    // An answer that was overtaken is part of the one that overtook it.
    if (turn !== this.turns) return;
    this.asked = page.after;
    const news = found.filter((one) => one !== null);
    if (news.length === 0) return;
    this.plans = new Set([...this.plans, ...news]);
    this.isNew = true;
    tell("detente-objected", null);
  }

  private plan(one: View): string[] {
    const said = one.value as Objection | null | undefined;
    return said && one.party !== this.party && (said.state ?? RAISED) === RAISED ? [said.object] : [];
  }

  /** A plan of one's own; others may object to what else one said. */
  private async mine(object: string): Promise<string | null> {
    const view = await ask<View>("GET", `/v1/objects/${object}`).catch(() => null);
    return view?.kind === "plan" && view.party === this.party ? object : null;
  }
}

export const objected = new Objected();
