// What accompanies a movement, as the node understood it.

import { html, nothing } from "lit";
import type { Schemas, Volume } from "./api";
import { at, say } from "./words";

/** When each leg of a movement is there; nothing where there is one. */
export function legs(value: object | null | undefined): unknown {
  const volumes = value && "volumes" in value ? (value.volumes as Volume[]) : [];
  if (volumes.length < 2) return nothing;
  return html`<p>${say("speak.legs")}</p><ol class="read-legs">${volumes.map((one) => html`<li dir="ltr">${at(one.start) || say("always")} – ${at(one.end) || say("further-notice")}</li>`)}</ol>`;
}

/** Nothing for what is no movement, or says nothing of it. */
export function accompanied(value: object | null | undefined): unknown {
  const escort = value && "escort" in value ? (value.escort as Schemas["Escort"] | null) : null;
  if (!escort) return nothing;
  const seen = (shows: boolean | null | undefined): string => (shows == null ? "" : shows ? say("speak.yes") : say("speak.no"));
  const facts: [string, string | number][] = [
    [say("speak.vehicle-count"), escort.vehicle_count ?? ""],
    [say("speak.vehicles"), escort.vehicles ?? ""],
    [say("speak.escort"), guard(escort)],
    [say("speak.marking"), escort.marking ?? ""],
    [say("speak.visible.day"), seen(escort.marking_visible_day)],
    [say("speak.visible.thermal"), seen(escort.marking_visible_thermal)],
  ];
  return html`<dl class="facts">${facts.filter(([, told]) => told !== "").map(([name, told]) => html`<dt>${name}</dt><dd dir="auto">${told}</dd>`)}</dl>`;
}

function guard(escort: Schemas["Escort"]): string {
  if (escort.escorted === false) return say("speak.guard.unescorted");
  return escort.armed == null ? "" : say(escort.armed ? "speak.guard.armed" : "speak.guard.unarmed");
}
