// Signing out, which destroys what this device has of the account.
//
// Invariants: nothing that waits goes before a person has chosen so; discarding is never what is chosen at first and
// needs a word of its own; a backup counts only if nothing came after it.

import type { ExportedFile } from "../host/api";
import { isApiError } from "../host/host";
import { wipeWorkspaces } from "../state/drafts";
import { problemOf } from "../state/problem";
import { ItemTab } from "../state/tabs.svelte";
import type { Workbench } from "../state/workbench.svelte";

export type Way = "sync" | "backup" | "discard";

const SYNC_MS = 30_000;

export class SigningOut {
  /// `unsaved`: tabs have edits; `waiting`: changes are not on the server; `kept`: the backup was handed over.
  step = $state<"idle" | "unsaved" | "waiting" | "kept">("idle");
  way = $state<Way>("sync");
  waiting = $state(0);
  /// The person has said that they know what is lost.
  sure = $state(false);
  busy = $state(false);
  failed = $state("");
  backup = $state.raw<ExportedFile | null>(null);
  private told = 0;

  constructor(
    private readonly bench: Workbench,
    private readonly download: (file: ExportedFile) => void,
  ) {}

  get unsaved(): ItemTab[] {
    return this.bench.tabs.list.filter((tab): tab is ItemTab => tab instanceof ItemTab && tab.dirty);
  }

  /// How many changes wait where, for a person who thinks of discarding them.
  get lost(): { name: string; up: number }[] {
    return (this.bench.status?.workspaces ?? []).filter((one) => one.pending.up > 0).map((one) => ({ name: one.name, up: one.pending.up }));
  }

  get ready(): boolean {
    if (this.busy) return false;
    return this.step === "kept" || this.way !== "discard" || this.sure;
  }

  cancel(): void {
    Object.assign(this, { step: "idle", way: "sync", sure: false, failed: "", backup: null });
  }

  async begin(): Promise<void> {
    if (this.unsaved.length > 0) this.step = "unsaved";
    else await this.leave("nothing");
  }

  async saveAll(): Promise<void> {
    for (const tab of this.unsaved) if (!(await this.bench.editing.save(tab))) return;
    this.step = "idle";
    await this.begin();
  }

  async dropEdits(): Promise<void> {
    for (const tab of this.unsaved) await this.bench.editing.discard(tab);
    this.step = "idle";
    await this.leave("nothing");
  }

  /// Does what was chosen.
  async go(): Promise<void> {
    if (this.step === "kept") return this.afterBackup();
    if (this.way === "sync") return this.syncFirst();
    if (this.way === "backup") return this.keepBackup();
    if (this.sure) await this.leave("everything");
  }

  private async syncFirst(): Promise<void> {
    await this.during(async () => {
      this.bench.status = await this.bench.ask({ call: "sync", timeout_ms: SYNC_MS }, "status");
    });
    if (!this.failed) await this.leave("nothing");
  }

  private async keepBackup(): Promise<void> {
    await this.during(async () => {
      const { files } = await this.bench.ask({ call: "create_backup" }, "exported");
      const file = files[0];
      if (!file) throw new Error("the host gave no file");
      this.download(file);
      this.told = (await this.bench.ask({ call: "status" }, "status")).pending.up;
      [this.backup, this.step] = [file, "kept"];
    });
  }

  /// What was changed after the backup, in another window perhaps, is not in it.
  private async afterBackup(): Promise<void> {
    let later = false;
    await this.during(async () => {
      later = (await this.bench.ask({ call: "status" }, "status")).pending.up > this.told;
    });
    if (this.failed) return;
    if (later) Object.assign(this, { step: "waiting", way: "backup", failed: "More was changed since the backup. Make another one." });
    else await this.leave("everything");
  }

  private async leave(discard: "nothing" | "everything"): Promise<void> {
    const { bench } = this;
    await this.during(async () => {
      try {
        bench.editing.flush();
        await bench.ask({ call: "sign_out", discard }, "done");
      } catch (thrown) {
        if (!isApiError(thrown) || thrown.kind !== "changes_waiting") throw thrown;
        [this.waiting, this.step] = [thrown.count, "waiting"];
        return;
      }
      this.cancel();
      bench.tabs.clear();
      wipeWorkspaces(bench.shelf);
      await bench.begin();
    });
    if (this.failed && this.step === "idle") {
      bench.toasts.show({ tone: "bad", title: "Not signed out", text: this.failed });
      this.failed = "";
    }
  }

  private async during(work: () => Promise<void>): Promise<void> {
    [this.busy, this.failed] = [true, ""];
    try {
      await work();
    } catch (thrown) {
      const { why, todo } = problemOf(thrown);
      this.failed = `${why} ${todo}`;
    }
    this.busy = false;
  }
}
