// Paths of items as people write them: names with `/` between, `\/` for a slash in a name.

/// The names of a path; empty names are left out.
export function parsePath(text: string): string[] {
  const names = [""];
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    const next = text[at + 1];
    if (char === "\\" && (next === "/" || next === "\\")) {
      names[names.length - 1] += next;
      at++;
    } else if (char === "/") names.push("");
    else names[names.length - 1] += char;
  }
  return names.filter((name) => name !== "");
}

/// The path that names lead along.
export function formatPath(names: readonly string[]): string {
  return names.map((name) => name.replaceAll("\\", "\\\\").replaceAll("/", "\\/")).join("/");
}
