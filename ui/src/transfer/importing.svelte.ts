// An import from the first look at a file to its report.
//
// Invariants: nothing is changed before `run`; a file that is here already waits until a mode is chosen; one file that
// fails stops no other.

import type { ImportMode, ImportReport, Source } from "../host/api";
import { isApiError } from "../host/host";
import { problemOf, type Problem } from "../state/problem";
import type { Workbench } from "../state/workbench.svelte";
import { base64, nameFromUrl, pastedKind, type Gathered } from "./gather";
import { fromCurl } from "./curl";

export type Phase = "looking" | "ready" | "exists" | "failed" | "going" | "done";

export class Incoming {
  phase = $state<Phase>("looking");
  report = $state.raw<ImportReport | null>(null);
  problem = $state.raw<Problem | null>(null);
  mode = $state<ImportMode | null>(null);

  constructor(readonly name: string, readonly source: Source) {}
}

export class Importing {
  list = $state.raw<Incoming[]>([]);
  left = $state.raw<string[]>([]);
  busy = $state(false);
  readonly ready = $derived(this.list.filter((one) => one.phase === "ready"));
  readonly unanswered = $derived(this.list.filter((one) => one.phase === "exists"));
  readonly done = $derived(this.list.length > 0 && this.list.every((one) => one.phase === "done" || one.phase === "failed"));

  constructor(private readonly bench: Workbench) {}

  async add({ given, left }: Gathered): Promise<void> {
    this.left = [...this.left, ...left];
    this.busy = true;
    for (const { name, content } of given) {
      try {
        const one = new Incoming(name, { base64: { name, content: await base64(content) } });
        this.list = [...this.list, one];
        await this.look(one);
      } catch (thrown) {
        this.left = [...this.left, `${name} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}.`];
      }
    }
    this.busy = false;
  }

  /// Text that was pasted: a curl command opens as a request (true), JSON and URLs are looked at as files are.
  async paste(text: string): Promise<boolean> {
    const kind = pastedKind(text);
    if (kind.kind === "curl") return this.openCurl(text);
    if (kind.kind === "url") await this.fetch(kind.url);
    else if (text.trim() !== "") await this.add({ given: [{ name: "pasted.json", content: new Blob([text]) }], left: [] });
    return false;
  }

  async choose(one: Incoming, mode: ImportMode): Promise<void> {
    one.mode = mode;
    await this.look(one);
  }

  drop(one: Incoming): void {
    this.list = this.list.filter((other) => other !== one);
  }

  /// Brings in all that is ready.
  async run(): Promise<void> {
    this.busy = true;
    for (const one of this.ready) {
      one.phase = "going";
      try {
        one.report = await this.bench.ask({ call: "import", source: one.source, mode: one.mode, dry_run: false }, "imported");
        one.phase = "done";
      } catch (thrown) {
        this.failed(one, thrown);
      }
    }
    this.busy = false;
    await this.bench.attempt(() => this.bench.readEverything());
  }

  private openCurl(text: string): boolean {
    const read = fromCurl(text);
    if (!read) {
      this.left = ["This curl command cannot be read: it has no URL, or a quote that never closes."];
      return false;
    }
    this.bench.editing.newRequest(read.document);
    if (read.notes.length > 0) this.bench.toasts.show({ title: "Made a request of the curl command", text: read.notes.join(" ") });
    return true;
  }

  /// The host fetches it: the page itself may speak to nobody else.
  private async fetch(url: string): Promise<void> {
    this.busy = true;
    const fetched = await this.bench.attempt(async () => {
      const document = { name: "", request: { method: "GET", header: [], url: { raw: url } } };
      const { response } = await this.bench.ask({ call: "send", item: null, document, environment: null, run: crypto.randomUUID() }, "sent");
      if (response.status !== 200) return void (this.left = [`${url} answered ${response.status} ${response.status_text}.`]);
      if (response.body.truncated) return void (this.left = [`${url} gives more than can be taken over this way. Save it as a file and import that.`]);
      await this.add({ given: [{ name: nameFromUrl(url), content: new Blob([response.body.text ?? ""]) }], left: [] });
    });
    if (!fetched) this.left = [`${url} could not be fetched.`];
    this.busy = false;
  }

  private async look(one: Incoming): Promise<void> {
    one.phase = "looking";
    try {
      one.report = await this.bench.ask({ call: "import", source: one.source, mode: one.mode, dry_run: true }, "imported");
      one.phase = "ready";
    } catch (thrown) {
      this.failed(one, thrown);
    }
  }

  private failed(one: Incoming, thrown: unknown): void {
    if (isApiError(thrown) && thrown.kind === "import_exists") one.phase = "exists";
    else Object.assign(one, { phase: "failed", problem: problemOf(thrown) });
  }
}

/// `2 collections, 14 requests`.
export function countsWords(counts: readonly (readonly [string, number])[]): string {
  const plural = (kind: string, n: number) => (n === 1 || kind.endsWith("s") ? kind : `${kind}s`);
  return counts.filter(([, n]) => n > 0).map(([kind, n]) => `${n.toLocaleString("en")} ${plural(kind, n)}`).join(", ") || "nothing";
}

/// What an import would do, or did.
export function effectWords({ added, changed, trashed, dry_run }: ImportReport): string {
  const parts = [added ? `${added.toLocaleString("en")} added` : "", changed ? `${changed.toLocaleString("en")} changed` : "", trashed ? `${trashed.toLocaleString("en")} to the trash` : ""].filter(Boolean);
  if (parts.length === 0) return dry_run ? "Nothing would change." : "Nothing changed.";
  return `${dry_run ? "Would be" : "Done:"} ${parts.join(", ")}.`;
}
