// A line ahead of a track that moves, from the edge of its symbol.

const EDGE = "#f2e34b";
const INK = "#15191a";
const SIZE = 88;

/** Drawn once, at twice its size; it points north. */
export function courseMark(): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE * 2;
  const ctx = canvas.getContext("2d")!;
  ctx.scale(2, 2);
  ctx.translate(SIZE / 2, SIZE / 2);
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
  return ctx.getImageData(0, 0, canvas.width, canvas.height);
}
