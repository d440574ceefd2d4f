// The symbols of the map (MIL-STD-2525D, APP-6D), loaded when the first is needed. symbols.mjs has milsymbol draw them.

import type { ExpressionSpecification } from "maplibre-gl";
import { isSign } from "./watch-marks";

export const MARK = "mark-";
export const MARK_SCALE = 2;
/** Pixels of a picture for each of the map's. */

/** Categories of what is to be spared for which the standard has a symbol that says no more. */
const PLACES = ["medical", "school", "power", "religious", "water", "convoy"];

/** Kinds of the picture that bear symbols; what is disputed stays hatched. */
export const MARKED: readonly string[] = ["notices", "presence"];

/** Presence and places of at most this radius bear a symbol: what is larger would bear one in each tile. */
export const MARKED_RADIUS_M = 5_000;

/** CoT's types of one's own people begin with this (docs/cot.md); then comes where they move. */
const OWN = "a-f-";
const DOMAINS: Record<string, string> = { A: "air", S: "sea", U: "sea", aircraft: "air", rescue: "air", ship: "sea" };

/** What a receiver hears is nobody's for certain; what a party says of its own people is friend or neutral. */
export function markOf(track: { kind: string; party: string; doubts?: readonly string[] }, reader: string): string {
  const doubted = (track.doubts ?? []).length > 0 ? "-doubted" : "";
  if (isSign(track.kind)) return `sign-${track.kind}${doubted}`;
  const isUnit = track.kind.startsWith(OWN);
  const identity = !isUnit ? "unknown" : track.party === reader ? "friend" : "neutral";
  const domain = DOMAINS[isUnit ? track.kind.charAt(OWN.length) : track.kind] ?? "land";
  return `${MARK}${identity}-${domain}${doubted}`;
}

/** The symbol of a feature of the picture; none where the standard has none that fits. */
export function markIn(kind: string, reader: string): ExpressionSpecification {
  const found = kind === "presence"
    ? ["case", ["==", ["get", "party"], reader], `${MARK}friend-land`, `${MARK}neutral-land`]
    : ["match", ["get", "category"], PLACES, ["concat", MARK, ["get", "category"]], ""];
  return found as unknown as ExpressionSpecification;
}

interface Picture {
  svg: string;
  width: number;
  height: number;
  x: number;
  y: number;
}

/** One symbol by its name, its anchor in the middle. */
export async function symbolOf(name: string): Promise<ImageData | null> {
  const { default: all } = await import("../build/symbols.json");
  const found = (all as Record<string, Picture>)[name];
  if (found === undefined) return null;
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(found.svg)}`;
  await image.decode();
  const half = { x: Math.max(found.x, found.width - found.x), y: Math.max(found.y, found.height - found.y) };
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(half.x) * 2 * MARK_SCALE;
  canvas.height = Math.ceil(half.y) * 2 * MARK_SCALE;
  const ctx = canvas.getContext("2d")!;
  ctx.scale(MARK_SCALE, MARK_SCALE);
  ctx.drawImage(image, Math.ceil(half.x) - found.x, Math.ceil(half.y) - found.y, found.width, found.height);
  return ctx.getImageData(0, 0, canvas.width, canvas.height);
}

/** Stripes, for what is disputed. */
export function hatch(dark: boolean): ImageData {
  const ink = dark ? [235, 225, 205, 190] : [60, 50, 40, 200];
  const size = 8;
  const out = new ImageData(size, size);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      if ((x + y) % size < 2) out.data.set(ink, (y * size + x) * 4);
    }
  }
  return out;
}
