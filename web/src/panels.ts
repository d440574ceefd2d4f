// The panels, in the order of their tabs.

import { html } from "lit";
import "./check-panel";
import "./picture-panel";
import "./watch-banner";

/** What a panel is told: the object whose details are asked for, and who asks. */
export interface Given {
  object: string | null;
  party: string;
  /** The track that was picked. */
  track?: string | null;
}

export const PANELS = {
  picture: (given: Given) => html`<detente-picture .object=${given.object} party=${given.party}></detente-picture>`,
  check: (given: Given) => html`<detente-check party=${given.party}></detente-check>`,
  notice: (given: Given) => later(html`<detente-notice party=${given.party}></detente-notice>`, () => import("./notice-panel")),
  plans: (given: Given) => later(html`<detente-plans party=${given.party}></detente-plans>`, () => import("./plans-panel")),
  watch: (given: Given) => later(html`<detente-watch party=${given.party} .track=${given.track ?? null}></detente-watch>`, () => import("./watch-panel")),
  told: (given: Given) => later(html`<detente-told of=${given.party}></detente-told>`, () => import("./told-panel")),
  hotline: (given: Given) => later(html`<detente-hotline party=${given.party}></detente-hotline>`, () => import("./hotline-panel")),
  exchange: (given: Given) => later(html`<detente-exchange party=${given.party}></detente-exchange>`, () => import("./exchange-panel")),
  record: (given: Given) => later(html`<detente-record party=${given.party}></detente-record>`, () => import("./record-panel")),
  admin: () => later(html`<detente-admin></detente-admin>`, () => import("./admin-panel")),
};
export type Tab = keyof typeof PANELS;
export const TABS = Object.keys(PANELS) as Tab[];

/** An element whose module is loaded when it is first shown. */
function later<T>(element: T, load: () => Promise<unknown>): T {
  void load();
  return element;
}
