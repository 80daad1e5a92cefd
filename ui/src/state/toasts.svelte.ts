// Short messages at the edge: what was done, with a way back, and what failed.

import { problemOf } from "./problem";

export interface Toast { id: number; tone: "plain" | "good" | "bad"; title: string; text: string; action: { label: string; run: () => void } | null }

const SHOWN_MS = 6_000;
const MOST = 4;

export class Toasts {
  list = $state<Toast[]>([]);
  private next = 1;

  show(toast: Partial<Toast> & { title: string }): void {
    const id = this.next++;
    const shown: Toast = { tone: "plain", text: "", action: null, ...toast, id };
    this.list = [...this.list, shown].slice(-MOST);
    // A failure stays until it is read.
    if (toast.tone !== "bad") setTimeout(() => this.close(id), SHOWN_MS);
  }

  failed(thrown: unknown): void {
    const { what, why, todo } = problemOf(thrown);
    this.show({ tone: "bad", title: what, text: `${why} ${todo}` });
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}
