// The page's texts in its languages. What parties wrote stays as they wrote it.

import { LitElement } from "lit";
import en from "./words/en";

export type Word = keyof typeof en;
/** A text; or its forms, by how many `{count}` says there are. */
type Text = string | ({ other: string } & Partial<Record<Intl.LDMLPluralRule, string>>);
export type Words = Record<Word, Text>;

export const LANGUAGES = {
  en: "English",
  fr: "Français",
  ru: "Русский",
  ar: "العربية",
  tr: "Türkçe",
  uk: "Українська",
} as const;
export type Language = keyof typeof LANGUAGES;

const OTHERS: Record<Exclude<Language, "en">, () => Promise<{ default: Words }>> = {
  fr: () => import("./words/fr"),
  ru: () => import("./words/ru"),
  ar: () => import("./words/ar"),
  tr: () => import("./words/tr"),
  uk: () => import("./words/uk"),
};

const KEPT = "detente-language";
let words: Words = en;
let language: Language = "en";
let chosen: Language = "en";
let rules = new Intl.PluralRules(language);
const shown = new Set<Speaking>();

const LETTER = /\p{L}/u;
const ARABIC = /\p{Script=Arabic}/u;

/** A text in the language of the page, with what stands in braces filled in. */
export function say(word: Word, parts: Record<string, string | number> = {}): string {
  const found = words[word];
  const text = typeof found === "string" ? found : (found[rules.select(Number(parts.count))] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (_, name: string) => isolated(String(parts[name] ?? "")));
}

/** The text for a word of the node (a kind, a state, a rule); the word itself where there is none. */
export function called(group: string, name: string | null | undefined): string {
  if (!name) return "";
  return (words as Record<string, string>)[`${group}.${name}`] ?? name;
}

export function spoken(): Language {
  return language;
}

/** A time as this page writes it: UTC, and to the second. */
export function at(time: string | null | undefined): string {
  return time ? isolated(`${time.slice(0, 19).replace("T", " ")}Z`) : "";
}

/** A list in a line, each of its parts in its own direction; what is empty is left out. */
export function listed(parts: readonly (string | number | false | null | undefined)[], between: "list.comma" | "list.semicolon" = "list.comma"): string {
  const told = parts.filter((one) => one || one === 0).map(String);
  return told.map((one) => (language === "ar" ? `\u2068${one}\u2069` : one)).join(say(between));
}

/** A desk by its name, and how it is reached. */
export function deskOf(desk: { name: string; contacts?: readonly string[] } | null | undefined): string {
  return desk ? listed([desk.name, ...(desk.contacts ?? [])]) : "";
}

/** What runs from left to right, within words that run from right to left. */
function isolated(text: string): string {
  const runsOn = language !== "ar" || !LETTER.test(text) || ARABIC.test(text) || text.includes("\u2068");
  return runsOn ? text : `\u2068${text}\u2069`;
}

export async function speak(wanted: Language): Promise<void> {
  chosen = wanted;
  const found = wanted === "en" ? en : (await OTHERS[wanted]()).default;
  // Another may have been chosen before its words came.
  if (wanted !== chosen) return;
  words = found;
  language = wanted;
  rules = new Intl.PluralRules(wanted);
  localStorage.setItem(KEPT, wanted);
  document.documentElement.lang = wanted;
  // Not the root: the map draws its letters in that direction, and would turn brackets round.
  document.body.dir = wanted === "ar" ? "rtl" : "ltr";
  for (const one of shown) one.requestUpdate();
}

/** The language chosen before, else the browser's, else English. */
export function preferred(): Language {
  const wanted = [localStorage.getItem(KEPT) ?? "", ...navigator.languages];
  const known = wanted.map((one) => one.slice(0, 2)).find((one) => one in LANGUAGES);
  return (known ?? "en") as Language;
}

/** An element whose texts follow the language. It has no shadow: one style for the page. */
export class Speaking extends LitElement {
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    shown.add(this);
  }

  override disconnectedCallback(): void {
    shown.delete(this);
    super.disconnectedCallback();
  }
}
