// Variables in texts: where they are, what they are worth and where that comes from.

export interface Variable { name: string; value: string; secret: boolean; source: string }
export interface Piece { text: string; variable: string | null; from: number }
export type Lookup = (name: string) => Variable | null;

const PASSES_MAX = 19;

/// The text in pieces, every other one a `{{variable}}`.
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(/\{\{([^{}]*)\}\}/g)) {
    if (match.index > from) found.push({ text: text.slice(from, match.index), variable: null, from });
    found.push({ text: match[0], variable: match[1]!.trim(), from: match.index });
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ text: text.slice(from), variable: null, from });
  return found;
}

/// The text with its variables replaced, as often as Postman does; what is unknown stays as written.
export function resolve(text: string, lookup: Lookup): string {
  let now = text;
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const next = now.replace(/\{\{([^{}]*)\}\}/g, (whole, name: string) => lookup(name.trim())?.value ?? whole);
    if (next === now || next.length > 1 << 20) break;
    now = next;
  }
  return now;
}

/// One lookup over several scopes, the nearest first.
export function layered(scopes: readonly { source: string; variables: readonly Omit<Variable, "source">[] }[]): Lookup {
  const known = new Map<string, Variable>();
  for (const { source, variables } of scopes)
    for (const variable of variables) if (!known.has(variable.name)) known.set(variable.name, { ...variable, source });
  return (name) => known.get(name) ?? (name.startsWith("$") ? dynamic(name) : null);
}

/// The name that is being typed at the caret, if it stands after `{{`.
export function typedName(text: string, caret: number): { from: number; name: string } | null {
  const open = text.lastIndexOf("{{", caret);
  if (open < 0 || caret < open + 2) return null;
  const name = text.slice(open + 2, caret);
  return /[{}\s]/.test(name) ? null : { from: open, name };
}

export const DYNAMIC: Readonly<Record<string, string>> = {
  $guid: "a random UUID",
  $timestamp: "seconds since 1970",
  $isoTimestamp: "the time in ISO 8601",
  $randomInt: "a number from 0 to 1000",
  $randomUUID: "a random UUID",
  $randomAlphaNumeric: "a letter or digit",
  $randomBoolean: "true or false",
  $randomEmail: "an e-mail address",
  $randomFirstName: "a first name",
  $randomLastName: "a last name",
  $randomFullName: "a full name",
  $randomUrl: "a URL",
  $randomIP: "an IPv4 address",
  $randomPrice: "a price",
  $randomWord: "a word",
};

function dynamic(name: string): Variable | null {
  const means = DYNAMIC[name] ?? (name.startsWith("$random") ? "a random value" : null);
  // The value is made when the request is sent, so the text stays.
  return means === null ? null : { name, value: `{{${name}}}`, secret: false, source: `made when sent: ${means}` };
}
