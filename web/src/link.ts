// What the address says behind its #, which no server is sent: place, filters, time, object.

/** What it says of something. */
export function linked(name: string): string | null {
  const part = parts().find((one) => one.startsWith(`${name}=`));
  return part === undefined ? null : decodeURIComponent(part.slice(name.length + 1));
}

/** Say something there, or no longer. */
export function link(said: Record<string, string | null>): void {
  const kept = parts().filter((one) => !Object.keys(said).some((name) => one.startsWith(`${name}=`)));
  for (const [name, value] of Object.entries(said)) {
    if (value !== null && value !== "") kept.push(`${name}=${encodeURIComponent(value)}`);
  }
  history.replaceState(history.state, "", `#${kept.join("&")}`);
}

function parts(): string[] {
  return location.hash.slice(1).split("&").filter(Boolean);
}

/** Copy a text; where the page came over plain HTTP, the old way. */
export async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
