// What was sent from this device in the open workspace, the latest first. The host keeps it, sealed; the page only looks.

import type { SentView } from "../host/api";
import type { Workbench } from "./workbench.svelte";

const MOST = 200;
const OLD_KEY = "satchel.sent.";

export class SentList {
  list = $state.raw<SentView[]>([]);
  more = $state(false);
  search = $state("");

  constructor(private readonly bench: Workbench) {}

  async load(): Promise<void> {
    const { search } = this;
    const workspace = this.bench.workspace;
    const { entries, more } = await this.bench.ask({ call: "sent_list", search, limit: MOST }, "sent_list");
    if (workspace === this.bench.workspace && search === this.search) [this.list, this.more] = [entries, more];
  }

  async find(search: string): Promise<void> {
    this.search = search;
    await this.load();
  }

  async clear(): Promise<void> {
    await this.bench.ask({ call: "sent_clear", everything: false }, "done");
    await this.load();
  }

  /// Of pages before this one, which kept URLs in the browser's own storage.
  dropOld(): void {
    const { shelf } = this.bench;
    const old = Array.from({ length: shelf.length }, (_, at) => shelf.key(at) ?? "").filter((key) => key.startsWith(OLD_KEY));
    for (const key of old) shelf.removeItem(key);
  }
}
