// What a person has set on this device: looks and sizes. Never synced.

import type { Shelf } from "./drafts";

export type Theme = "system" | "light" | "dark";

const KEY = "satchel.settings";

interface Kept { theme: Theme; sidebarWidth: number; responseShare: number; beside: boolean; strictOffline: boolean; snippet: string; presence: boolean; server: string }

const DEFAULTS: Kept = { theme: "system", sidebarWidth: 264, responseShare: 0.5, beside: false, strictOffline: false, snippet: "curl", presence: false, server: "" };

export class Settings {
  kept = $state<Kept>({ ...DEFAULTS });

  constructor(private readonly shelf: Shelf) {
    this.kept = { ...DEFAULTS, ...readKept(shelf.getItem(KEY)) };
  }

  set<K extends keyof Kept>(name: K, value: Kept[K]): void {
    this.kept[name] = value;
    try {
      this.shelf.setItem(KEY, JSON.stringify(this.kept));
    } catch {
      // A full storage costs the setting at the next start only.
    }
  }
}

function readKept(text: string | null): Partial<Kept> {
  try {
    const read = JSON.parse(text ?? "{}");
    const fits = Object.entries(read).filter(([name, value]) => name in DEFAULTS && typeof value === typeof DEFAULTS[name as keyof Kept]);
    return Object.fromEntries(fits) as Partial<Kept>;
  } catch {
    return {};
  }
}
