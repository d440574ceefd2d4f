// What people type, as properties that the node's readers of files understand.

import type { Feature } from "./api";

/** A form's fields that hold something, by name; times get the zone that the form says. */
export function typed(form: HTMLFormElement, names: readonly string[]): Record<string, string> {
  const given = new FormData(form);
  const out: Record<string, string> = {};
  for (const name of names) {
    const value = given.get(name);
    if (typeof value === "string" && value.trim() !== "") out[name] = inUtc(form, name, value.trim());
  }
  return out;
}

/** To be called once what a form holds now was taken: empties it, unless somebody typed on meanwhile. Whether it did. */
export function emptying(form: HTMLFormElement): () => boolean {
  const before = held(form);
  return () => {
    const same = held(form) === before;
    if (same) form.reset();
    return same;
  };
}

function held(form: HTMLFormElement): string {
  return JSON.stringify([...new FormData(form)].map(([name, value]) => [name, value instanceof File ? value.name : value]));
}

function inUtc(form: HTMLFormElement, name: string, value: string): string {
  const field = form.elements.namedItem(name);
  const isTime = field instanceof HTMLInputElement && field.type === "datetime-local";
  if (!isTime) return value;
  return `${value.length === 16 ? `${value}:00` : value}Z`;
}

/** One feature for each shape that is drawn, or one for the position that is typed. */
export function features(
  shapes: readonly GeoJSON.Geometry[],
  properties: Record<string, string>,
  radius: string,
): Feature[] {
  if (shapes.length === 0) {
    return [{ type: "Feature", geometry: null, properties: { ...properties, ...(radius ? { radius_m: radius } : {}) } }];
  }
  return shapes.map((geometry) => ({
    type: "Feature",
    geometry,
    properties: { ...properties, ...widened(geometry.type, radius) },
  }));
}

/** The radius around a shape, as its kind names it; a corridor is as wide as both sides. */
function widened(type: string, radius: string): Record<string, string> {
  if (!radius) return {};
  if (type === "Point") return { radius_m: radius };
  if (type === "LineString") return { width_m: String(2 * Number(radius)) };
  return { buffer_m: radius };
}
