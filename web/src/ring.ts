// What a call sounds like, made here: no file, and nobody is asked for one.
//
// A browser lets a page sound only once somebody has pressed something in it. Until then the page
// says so.

import { tell } from "./events";

const PATTERN_S = 2.4;
const TONE_S = 0.35;
/** Two tones by turns, then silence: a telephone's, and no siren's. */
const TONES_HZ = [880, 660, 880, 660] as const;
const LOUD = 0.35;
const FADE_S = 0.01;
/** Each tone swells and fades: what begins at once cracks. */

const LOCK = "detente-ring";

let context: AudioContext | null = null;
let source: AudioBufferSourceNode | null = null;
let isRinging = false;
/** Ends this tab's turn to ring, or its wait for that. */
let over: AbortController | null = null;

/** Whether a call would be heard. */
export function mayRing(): boolean {
  return context?.state === "running";
}

/** Ask the browser for sound; it gives none before somebody has pressed something here. */
export async function letRing(): Promise<void> {
  if (context === null) {
    context = new AudioContext();
    context.onstatechange = () => {
      tell("detente-sound", mayRing());
      if (isRinging && over === null && mayRing()) begin();
    };
  }
  // What the browser does not allow it leaves waiting, and does not refuse.
  if (!mayRing()) await context.resume();
}

/** Sound once whatever is pressed. After it, so that nothing moves below a finger. */
export function ringOncePressed(signal: AbortSignal): void {
  for (const name of ["click", "keyup"]) window.addEventListener(name, () => mayRing() || void letRing(), { signal });
}

/** Ring, until told not to. */
export function ring(on: boolean): void {
  if (on === isRinging) return;
  isRinging = on;
  if (on && mayRing()) begin();
  if (on) return;
  over?.abort();
  over = null;
}

/** Ring once, where nothing rings; whether that is heard. */
export function chime(): boolean {
  const may = mayRing() && source === null;
  if (may) play(false);
  return may;
}

/** One tab of a browser rings at a time: several would sound like one out of tune. */
function begin(): void {
  const turn = (over = new AbortController());
  const held = (): Promise<void> => new Promise((then) => {
    if (turn.signal.aborted) return then();
    const playing = play(true);
    turn.signal.addEventListener("abort", () => {
      playing.stop();
      then();
    });
  });
  // A browser has locks only where the page came to it safely.
  if (!navigator.locks) void held();
  else navigator.locks.request(LOCK, { signal: turn.signal }, held).catch(() => undefined);
}

function play(again: boolean): AudioBufferSourceNode {
  const made = (source = new AudioBufferSourceNode(context!, { buffer: pattern(context!), loop: again }));
  made.connect(context!.destination);
  made.onended = () => {
    if (source === made) source = null;
  };
  made.start();
  return made;
}

function pattern(of: AudioContext): AudioBuffer {
  const rate = of.sampleRate;
  const made = of.createBuffer(1, PATTERN_S * rate, rate);
  const samples = made.getChannelData(0);
  TONES_HZ.forEach((tone, turn) => {
    const first = Math.round(turn * TONE_S * rate);
    for (let at = 0; at < TONE_S * rate; at++) {
      const s = at / rate;
      const swell = Math.min(1, s / FADE_S, (TONE_S - s) / FADE_S);
      samples[first + at] = LOUD * swell * Math.sin(2 * Math.PI * tone * s);
    }
  });
  return made;
}
