// A look into a data file before a run: its columns, its first rows, how many there are. The host reads the file itself.

export interface Table { columns: string[]; rows: string[][]; count: number }

const ROWS_SHOWN = 20;
const COLUMNS_MAX = 100;
export const DATA_BYTES_MAX = 20 << 20;

/// The table, or in words why there is none.
export function readData(name: string, text: string): Table | string {
  const clean = text.replace(/^\ufeff/, "");
  return /\.json$/i.test(name) || /^\s*[[{]/.test(clean) ? readJson(clean) : readCsv(clean);
}

function readJson(text: string): Table | string {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (thrown) {
    return `This is not JSON: ${thrown instanceof Error ? thrown.message : "it cannot be read"}.`;
  }
  const list = Array.isArray(read) ? read : [read];
  if (list.length === 0) return "The list is empty: there is no row to run with.";
  if (!list.every((one) => typeof one === "object" && one !== null && !Array.isArray(one))) return "A data file in JSON is a list of objects, one an iteration.";
  const columns = [...new Set(list.slice(0, ROWS_SHOWN).flatMap((one) => Object.keys(one as object)))].slice(0, COLUMNS_MAX);
  const shown = (value: unknown) => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value));
  return { columns, rows: list.slice(0, ROWS_SHOWN).map((one) => columns.map((column) => shown((one as Record<string, unknown>)[column]))), count: list.length };
}

function readCsv(text: string): Table | string {
  const read = csvRows(text);
  if (typeof read === "string") return read;
  const [columns, ...rows] = read;
  if (!columns || columns.every((one) => one.trim() === "")) return "The file is empty. Its first line names the columns.";
  if (rows.length === 0) return "There is only a line of names: no row to run with.";
  return { columns: columns.slice(0, COLUMNS_MAX), rows: rows.slice(0, ROWS_SHOWN).map((row) => columns.slice(0, COLUMNS_MAX).map((_, at) => row[at] ?? "")), count: rows.length };
}

/// Rows by RFC 4180; blank lines are none.
export function csvRows(text: string): string[][] | string {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  const endRow = () => {
    row.push(cell);
    if (row.length > 1 || row[0] !== "") rows.push(row);
    [row, cell] = [[], ""];
  };
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[at + 1] === '"') (cell += '"', at++);
      else quoted = false;
    } else if (sign === '"' && cell === "") quoted = true;
    else if (sign === ",") (row.push(cell), (cell = ""));
    else if (sign === "\n") endRow();
    else if (sign !== "\r" || text[at + 1] !== "\n") cell += sign;
  }
  if (quoted) return "A quote is opened and never closed.";
  endRow();
  return rows;
}
