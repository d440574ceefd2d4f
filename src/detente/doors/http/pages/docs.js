// Shows /openapi.json and sends requests from it. No framework, nothing from outside;
// every text goes in as text, never as markup.

const at = (id) => document.getElementById(id);

function make(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((one) => one !== undefined && one !== null));
  return element;
}

// The little of Markdown that our descriptions use: paragraphs, lists, code, bold, links.
function prose(text) {
  const parts = [];
  for (const block of (text ?? "").trim().split(/\n\s*\n/)) {
    if (!block.trim()) continue;
    const lines = block.split("\n").map((line) => line.trim());
    if (lines.every((line) => /^[-*] /.test(line))) {
      parts.push(make("ul", {}, ...lines.map((line) => make("li", {}, ...words(line.slice(2))))));
    } else parts.push(make("p", {}, ...words(lines.join(" "))));
  }
  return parts;
}

function words(text) {
  return text.split(/(``?[^`]+``?|\*\*[^*]+\*\*|\[[^\]]+\]\([^)\s]+\))/).map((part) => {
    if (part.startsWith("`")) return make("code", {}, part.replaceAll("`", ""));
    if (part.startsWith("**")) return make("strong", {}, part.slice(2, -2));
    const link = /^\[([^\]]+)\]\((\/[^)]*|https:[^)]*)\)$/.exec(part);
    return link ? make("a", { href: link[2] }, link[1]) : part;
  });
}

let api = {};

function found(schema) {
  let one = schema ?? {};
  for (let depth = 0; one.$ref && depth < 20; depth += 1) {
    one = one.$ref.slice(2).split("/").reduce((inner, name) => inner?.[name.replaceAll("~1", "/")], api) ?? {};
  }
  return one;
}

const choices = (schema) => schema.oneOf ?? schema.anyOf ?? schema.allOf;

function typeOf(schema) {
  const one = found(schema);
  const name = schema?.$ref?.split("/").pop();
  if (one.const !== undefined) return JSON.stringify(one.const);
  if (one.enum) return one.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (choices(one)) return name ?? choices(one).map(typeOf).join(" | ");
  if (one.type === "array") return `${one.items ? typeOf(one.items) : "any"}[]`;
  const plain = Array.isArray(one.type) ? one.type.join(" | ") : (one.type ?? "any");
  return name ?? (one.format ? `${plain} (${one.format})` : plain);
}

function limits(schema) {
  const one = found(schema);
  const names = { minimum: "≥", maximum: "≤", exclusiveMinimum: ">", exclusiveMaximum: "<", minLength: "length ≥",
    maxLength: "length ≤", minItems: "items ≥", maxItems: "items ≤", pattern: "matches" };
  const said = Object.entries(names).filter(([key]) => one[key] !== undefined).map(([key, word]) => `${word} ${one[key]}`);
  if (one.default !== undefined) said.push(`default ${JSON.stringify(one.default)}`);
  return said.join(", ");
}

// A schema as a tree that opens on demand, so that one which contains itself ends.
function tree(schema) {
  const one = found(schema);
  const list = make("ul", { class: "tree" });
  if (one.type === "array" && one.items) return tree(one.items);
  for (const option of choices(one) ?? []) list.append(make("li", {}, branch("", option, false)));
  for (const [name, inner] of Object.entries(one.properties ?? {})) {
    list.append(make("li", {}, branch(name, inner, (one.required ?? []).includes(name))));
  }
  return list;
}

function branch(name, schema, required) {
  const line = [name && make("code", {}, name), " ", make("span", { class: "type" }, typeOf(schema)),
    required ? make("span", { class: "note" }, " required") : undefined,
    make("span", { class: "note" }, ` ${limits(schema)}`)].filter(Boolean);
  const about = prose(schema.description ?? (schema.$ref ? "" : found(schema).description));
  let inner = found(schema);
  if (inner.type === "array") inner = found(inner.items);
  if (!inner.properties && !choices(inner)) return make("div", {}, ...line, ...about);
  const more = make("details", {}, make("summary", {}, ...line), ...about);
  more.addEventListener("toggle", () => { if (more.open && !more.dataset.full) { more.dataset.full = "1"; more.append(tree(schema)); } });
  return more;
}

function example(schema, depth = 0) {
  const one = found(schema);
  if (one.examples?.length) return one.examples[0];
  if (one.example !== undefined) return one.example;
  if (one.default !== undefined) return one.default;
  if (one.const !== undefined) return one.const;
  if (one.enum) return one.enum[0];
  if (choices(one)) return depth > 6 ? null : example(choices(one)[0], depth + 1);
  const type = Array.isArray(one.type) ? one.type[0] : one.type;
  if (type === "array") return depth > 6 || !one.items ? [] : [example(one.items, depth + 1)];
  if (type === "object" || one.properties) {
    const wanted = Object.entries(one.properties ?? {}).filter(([name]) => (one.required ?? []).includes(name));
    return depth > 6 ? {} : Object.fromEntries(wanted.map(([name, inner]) => [name, example(inner, depth + 1)]));
  }
  if (type === "integer" || type === "number") return one.minimum ?? 0;
  if (type === "boolean") return false;
  if (type === "null") return null;
  return one.format === "date-time" ? new Date().toISOString() : "";
}

// The example that the document itself gives, if it does.
const given = (content) => content.example ?? Object.values(content.examples ?? {})[0]?.value;

function body(content) {
  return Object.entries(content ?? {}).map(([kind, media]) => make("div", {},
    make("span", { class: "note" }, `${kind} `), make("span", { class: "type" }, typeOf(media.schema)), tree(media.schema)));
}

function operation(path, method, one, shared) {
  const parameters = [...shared, ...(one.parameters ?? [])].map(found);
  const fields = parameters.map((each) => [each, make("input", { "aria-label": each.name, placeholder: typeOf(each.schema) })]);
  const kinds = Object.keys(one.requestBody ? found(one.requestBody).content : {});
  const content = kinds.length ? found(one.requestBody).content[kinds[0]] : undefined;
  const text = content && make("textarea", { "aria-label": "body", spellcheck: "false" });
  const answer = make("div", { "aria-live": "polite" });
  const inside = make("div", { hidden: true });
  const fill = () => {
    if (inside.childNodes.length) return;
    if (text) text.value = JSON.stringify(given(content) ?? example(content.schema), null, 2);
    inside.append(...[
      ...prose(one.description),
      fields.length ? make("h4", {}, "Parameters") : undefined,
      fields.length ? make("table", {}, ...fields.map(([each, input]) => make("tr", {},
        make("th", {}, make("code", {}, each.name), make("span", { class: "note" }, ` ${each.in}${each.required ? ", required" : ""}`)),
        make("td", {}, input, make("span", { class: "note" }, ` ${limits(each.schema)} `), ...prose(each.description))))) : undefined,
      text && make("h4", {}, "Body"), text,
      ...(text ? body(found(one.requestBody).content) : []),
      make("p", {}, make("button", { on: { click: () => send(path, method, fields, kinds[0], text, answer) } }, "Send")),
      answer,
      make("h4", {}, "Answers"),
      make("table", {}, ...Object.entries(one.responses ?? {}).map(([status, each]) => make("tr", {},
        make("th", {}, status), make("td", {}, ...prose(found(each).description), ...body(found(each).content))))),
    ].filter((part) => part !== undefined));
  };
  const open = () => { fill(); inside.hidden = !inside.hidden; heading.setAttribute("aria-expanded", String(!inside.hidden)); };
  const heading = make("h3", { tabindex: "0", role: "button", "aria-expanded": "false", on: { keydown: (event) => { if (event.key === "Enter") open(); } } },
    make("span", { class: `method ${method}` }, method), make("code", {}, path), make("span", { class: "note" }, ...words(one.summary ?? "")));
  const article = make("article", { id: one.operationId }, make("header", { on: { click: open } }, heading), inside);
  article.dataset.words = `${method} ${path} ${one.summary} ${one.description}`.toLowerCase();
  return article;
}

async function send(path, method, fields, kind, text, answer) {
  const headers = {};
  const query = new URLSearchParams();
  let address = path;
  for (const [each, input] of fields) {
    if (each.in === "path") address = address.replace(`{${each.name}}`, encodeURIComponent(input.value));
    else if (input.value && each.in === "query") query.append(each.name, input.value);
    else if (input.value && each.in === "header") headers[each.name] = input.value;
  }
  if (at("token").value) headers.authorization = `Bearer ${at("token").value}`;
  if (text && kind) headers["content-type"] = kind;
  const began = performance.now();
  answer.replaceChildren(make("p", { class: "note" }, "Asking…"));
  try {
    const got = await fetch(address + (String(query) && `?${query}`), { method: method.toUpperCase(), headers, body: text?.value || undefined, credentials: "same-origin" });
    const came = await got.text();
    const ms = Math.round(performance.now() - began);
    answer.replaceChildren(make("p", {}, make("strong", {}, `${got.status} ${got.statusText}`), make("span", { class: "note" }, ` ${ms} ms, ${got.headers.get("content-type") ?? "no body"}`)),
      make("pre", {}, [...got.headers].map(([name, value]) => `${name}: ${value}`).join("\n")), make("pre", {}, pretty(came)));
  } catch (error) {
    answer.replaceChildren(make("p", {}, `No answer: ${error.message}`));
  }
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

function show() {
  at("title").textContent = `${api.info.title} ${api.info.version}`;
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths ?? {})) {
    for (const method of ["get", "post", "put", "patch", "delete"]) {
      if (!item[method]) continue;
      const tag = item[method].tags?.[0] ?? "other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push([path, method, item[method], item.parameters ?? []]);
    }
  }
  at("main").replaceChildren(...prose(api.info.description));
  for (const [tag, operations] of groups) {
    at("contents").append(make("h2", {}, tag), ...operations.map(([path, method, one]) =>
      make("a", { href: `#${one.operationId}`, title: path }, ...words(one.summary ?? path))));
    at("main").append(make("h2", {}, tag), ...operations.map((each) => operation(...each)));
  }
  reveal();
}

function reveal() {
  const article = location.hash && at(location.hash.slice(1));
  if (!article) return;
  const heading = article.querySelector("header");
  if (article.querySelector("h3")?.getAttribute("aria-expanded") === "false") heading.click();
  article.scrollIntoView();
}

at("find").addEventListener("input", () => {
  const wanted = at("find").value.toLowerCase();
  for (const article of document.querySelectorAll("article")) article.hidden = !article.dataset.words.includes(wanted);
});
addEventListener("hashchange", reveal);

try {
  api = await (await fetch("/openapi.json")).json();
  show();
} catch (error) {
  at("wait").textContent = `The interface could not be read: ${error.message}`;
}
