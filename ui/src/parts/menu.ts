// The entries of menus, of the palette and of context menus alike.

import type { Component } from "svelte";

export interface Entry { label: string; run: () => void; icon?: Component<{ size?: number | string }>; shortcut?: string; danger?: boolean; disabled?: boolean; checked?: boolean }
export type MenuEntry = Entry | "line" | { title: string };

export const isEntry = (entry: MenuEntry): entry is Entry => typeof entry === "object" && "run" in entry;
