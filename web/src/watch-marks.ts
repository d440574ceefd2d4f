// Marks that are no symbols of craft: signs of the sea, and the line ahead of a track that moves.

const EDGE = "#f2e34b";
const INK = "#15191a";
const SIZE = 44;

type Draw = (ctx: CanvasRenderingContext2D) => void;

const DISTRESS = "#d3202a";
const SEA = "#7a1fa2";

/** What is no craft, or calls for help: signs after IMO SN.1/Circ.243, on a halo that shows them day and night. */
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

/** Whether what a receiver hears is no craft of its own kind. */
export function isSign(kind: string): boolean {
  return kind in SIGNS;
}

/** All marks, by name, at twice their size; the line ahead points north. */
export function marks(): Map<string, ImageData> {
  const out = new Map<string, ImageData>();
  for (const [kind, draw] of Object.entries(SIGNS)) {
    for (const doubted of [false, true]) {
      out.set(`sign-${kind}${doubted ? "-doubted" : ""}`, drawn((ctx) => {
        ctx.globalAlpha = doubted ? 0.6 : 1;
        draw(ctx);
      }));
    }
  }
  out.set("track-course", drawn(ahead, 2 * SIZE));
  return out;
}

function ahead(ctx: CanvasRenderingContext2D): void {
  ctx.fillStyle = INK;
  ctx.strokeStyle = EDGE;
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
