// A checkpoint as C2SP tlog-checkpoint writes it, taken apart to be looked at. Nothing is verified.

export interface Checkpoint {
  origin: string;
  size: string;
  root: string;
  /** Who signed; a cosignature says when (C2SP tlog-cosignature). */
  signatures: readonly { name: string; time: string | null }[];
}

const KEY_HASH_BYTES = 4;
const TIME_BYTES = 8;
const PLAIN_BYTES = 68;
/** A key hash of 4 bytes and an Ed25519 signature of 64; a cosignature has 8 bytes of time between. */

export function parsed(note: string): Checkpoint {
  const [text = "", signed = ""] = note.split("\n\n");
  const [origin = "", size = "", root = ""] = text.split("\n");
  const lines = signed.split("\n").filter((one) => one.startsWith("— "));
  return { origin, size, root, signatures: lines.map((one) => signature(one.slice(2))) };
}

function signature(line: string): { name: string; time: string | null } {
  const [name = "", spelt = ""] = line.split(" ");
  const bytes = Uint8Array.from(atob(spelt), (one) => one.charCodeAt(0));
  if (bytes.length <= PLAIN_BYTES) return { name, time: null };
  const seconds = new DataView(bytes.buffer).getBigUint64(KEY_HASH_BYTES);
  return { name, time: bytes.length > KEY_HASH_BYTES + TIME_BYTES ? new Date(Number(seconds) * 1_000).toISOString() : null };
}
