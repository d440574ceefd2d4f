// The marks of tracks: the frame of "unknown" (MIL-STD-2525, APP-6), for whose they are nobody proves.

const SIZE = 44;
const FRAME = "#f2e34b";
const INK = "#15191a";

type Draw = (ctx: CanvasRenderingContext2D) => void;

/** What is inside the frame, around the middle, twelve units either way. */
const GLYPHS: Record<string, Draw> = {
  aircraft: (ctx) => path(ctx, [[0, -11], [2, -4], [11, 2], [11, 5], [2, 3], [1.5, 8], [4, 10], [4, 12], [0, 11], [-4, 12], [-4, 10], [-1.5, 8], [-2, 3], [-11, 5], [-11, 2], [-2, -4]]),
  ship: (ctx) => path(ctx, [[-11, 1], [11, 1], [7, 8], [-7, 8]], [[-4, -5], [3, -5], [3, -1], [-4, -1]]),
  rescue: (ctx) => path(ctx, [[-3, -11], [3, -11], [3, -3], [11, -3], [11, 3], [3, 3], [3, 11], [-3, 11], [-3, 3], [-11, 3], [-11, -3], [-3, -3]]),
  unit: (ctx) => path(ctx, [[-9, -6], [9, -6], [9, 6], [-9, 6]]),
};

const DISTRESS = "#d3202a";
const SEA = "#7a1fa2";

/** What is no craft has no frame: signs after IMO SN.1/Circ.243, on a halo that shows them day and night. */
const SIGNS: Record<string, Draw> = {
  distress: (ctx) => beacon(ctx, DISTRESS),
  distress_test: (ctx) => beacon(ctx, "#6b6b6b"),
  base_station: (ctx) => sign(ctx, () => { ctx.moveTo(0, -9); ctx.lineTo(8, 8); ctx.lineTo(-8, 8); ctx.closePath(); ctx.moveTo(0, -3); ctx.lineTo(0, 5); }),
  aid: (ctx) => sign(ctx, diamond(ctx)),
  virtual_aid: (ctx) => sign(ctx, diamond(ctx), [3, 2.5]),
};

function beacon(ctx: CanvasRenderingContext2D, colour: string): void {
  ctx.beginPath();
  ctx.arc(0, 0, 13, 0, 2 * Math.PI);
  ctx.fillStyle = "#ffffff";
  ctx.fill();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 4;
  ctx.stroke();
  ctx.beginPath();
  for (const way of [1, -1]) {
    ctx.moveTo(-8, -8 * way);
    ctx.lineTo(8, 8 * way);
  }
  ctx.stroke();
}

function diamond(ctx: CanvasRenderingContext2D): () => void {
  return () => {
    ctx.moveTo(0, -10);
    ctx.lineTo(10, 0);
    ctx.lineTo(0, 10);
    ctx.lineTo(-10, 0);
    ctx.closePath();
    ctx.moveTo(-4, 0);
    ctx.lineTo(4, 0);
    ctx.moveTo(0, -4);
    ctx.lineTo(0, 4);
  };
}

function sign(ctx: CanvasRenderingContext2D, lines: () => void, dash: number[] = []): void {
  for (const [colour, width] of [["#ffffff", 5], [SEA, 2.2]] as const) {
    ctx.beginPath();
    lines();
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.setLineDash(colour === SEA ? dash : []);
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

function path(ctx: CanvasRenderingContext2D, ...rings: [number, number][][]): void {
  ctx.beginPath();
  for (const ring of rings) {
    ring.forEach(([x, y], at) => (at === 0 ? ctx.moveTo(x, y) : ctx.lineTo(x, y)));
    ctx.closePath();
  }
  ctx.fill();
}

/** Four leaves around a middle; each ends where the next begins, at 84 degrees either way. */
function frame(ctx: CanvasRenderingContext2D, doubted: boolean): void {
  const lobes: [number, number, number][] = [[0, -8, -90], [8, 0, 0], [0, 8, 90], [-8, 0, 180]];
  ctx.beginPath();
  for (const [x, y, towards] of lobes) {
    ctx.arc(x, y, 9, radians(towards - 84), radians(towards + 84));
  }
  ctx.closePath();
  ctx.fillStyle = FRAME;
  ctx.globalAlpha = doubted ? 0.55 : 0.92;
  ctx.fill();
  ctx.globalAlpha = 1;
  ctx.strokeStyle = INK;
  ctx.lineWidth = 1.8;
  if (doubted) ctx.setLineDash([3.5, 3]);
  ctx.stroke();
  ctx.setLineDash([]);
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

/** The name of a track's mark. */
export function markOf(kind: string, doubted: boolean): string {
  const known = kind in GLYPHS || kind in SIGNS ? kind : "unit";
  return `track-${known}${doubted ? "-doubted" : ""}`;
}

/** All marks, by name; drawn once, at twice their size. */
export function marks(): Map<string, ImageData> {
  const out = new Map<string, ImageData>();
  for (const [kind, glyph] of Object.entries(GLYPHS)) {
    for (const doubted of [false, true]) {
      out.set(markOf(kind, doubted), drawn((ctx) => {
        frame(ctx, doubted);
        ctx.fillStyle = INK;
        ctx.scale(0.72, 0.72);
        glyph(ctx);
      }));
    }
  }
  for (const [kind, draw] of Object.entries(SIGNS)) {
    for (const doubted of [false, true]) {
      out.set(markOf(kind, doubted), drawn((ctx) => {
        ctx.globalAlpha = doubted ? 0.6 : 1;
        draw(ctx);
      }));
    }
  }
  // A line ahead of a track that moves, from the edge of its mark.
  out.set("track-course", drawn((ctx) => {
    ctx.fillStyle = INK;
    ctx.strokeStyle = FRAME;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.moveTo(0, -34);
    ctx.lineTo(5, -25);
    ctx.lineTo(1.2, -25);
    ctx.lineTo(1.2, -16);
    ctx.lineTo(-1.2, -16);
    ctx.lineTo(-1.2, -25);
    ctx.lineTo(-5, -25);
    ctx.closePath();
    ctx.stroke();
    ctx.fill();
  }, 2 * SIZE));
  return out;
}

function drawn(draw: Draw, size = SIZE): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size * 2;
  const ctx = canvas.getContext("2d")!;
  ctx.scale(2, 2);
  ctx.translate(size / 2, size / 2);
  draw(ctx);
  return ctx.getImageData(0, 0, size * 2, size * 2);
}
