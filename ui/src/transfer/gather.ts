// What a person gives to import: dropped files and folders, chosen ones, pasted text.
//
// Invariants: folders are walked to a depth and a count that end; what is left out is told.

export interface Given { name: string; content: Blob }
export interface Gathered { given: Given[]; left: string[] }

export type Pasted = { kind: "curl" } | { kind: "url"; url: string } | { kind: "json" } | { kind: "other" };

/// The host reads no larger file.
export const BYTES_MAX = 100 << 20;
const FILES_MAX = 500;
const DEPTH_MAX = 8;

/// What a text is, by its beginning.
export function pastedKind(text: string): Pasted {
  const trimmed = text.trim();
  if (/^(\$\s*)?curl(\.exe)?\s/.test(trimmed)) return { kind: "curl" };
  if (/^https?:\/\/\S+$/i.test(trimmed)) return { kind: "url", url: trimmed };
  if (/^[[{]/.test(trimmed)) return { kind: "json" };
  return { kind: "other" };
}

/// A name for what a URL gives.
export function nameFromUrl(url: string): string {
  const last = url.split(/[?#]/)[0]!.split("/").at(-1) ?? "";
  return last === "" || last.includes(":") ? "fetched.json" : last;
}

const isHidden = (path: string) => path.split("/").some((name) => name.startsWith(".") || name === "node_modules");
const couldBeRead = (name: string) => /\.(json|txt|har|ya?ml)$/i.test(name);

/// Files of a list that stand for themselves, or come from folders, where only likely ones count.
export function fromFiles(files: Iterable<File>): Gathered {
  const gathered: Gathered = { given: [], left: [] };
  for (const file of files) add(gathered, file.webkitRelativePath || file.name, file, file.webkitRelativePath !== "");
  return gathered;
}

function add(gathered: Gathered, path: string, file: File, inFolder: boolean): void {
  if (inFolder && (isHidden(path) || !couldBeRead(path))) return;
  if (gathered.given.length >= FILES_MAX) {
    if (gathered.given.length + gathered.left.length === FILES_MAX) gathered.left.push(`There are more than ${FILES_MAX} files; the others are left out.`);
  } else if (file.size > BYTES_MAX) gathered.left.push(`${path} is larger than 100 MB.`);
  else gathered.given.push({ name: path, content: file });
}

/// Dropped things, with what lies in folders.
export async function fromDrop(transfer: DataTransfer): Promise<Gathered> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null).filter((entry) => entry !== null);
  if (entries.length === 0) return fromFiles(transfer.files);
  const gathered: Gathered = { given: [], left: [] };
  for (const entry of entries) await walk(gathered, entry, 0);
  return gathered;
}

async function walk(gathered: Gathered, entry: FileSystemEntry, depth: number): Promise<void> {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return add(gathered, path, file, depth > 0);
  }
  if (depth >= DEPTH_MAX) return void gathered.left.push(`${path} lies too deep.`);
  if (depth > 0 && isHidden(entry.name)) return;
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader gives its entries in batches and an empty one at the end.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0 || gathered.given.length >= FILES_MAX) return;
    for (const below of batch) await walk(gathered, below, depth + 1);
  }
}

export async function base64(content: Blob): Promise<string> {
  const bytes = new Uint8Array(await content.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
