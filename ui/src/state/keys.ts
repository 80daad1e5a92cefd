// Keyboard shortcuts as text: `Mod+K` is Ctrl+K, on a Mac Cmd+K.

export interface KeyPress { key: string; ctrlKey: boolean; metaKey: boolean; shiftKey: boolean; altKey: boolean; code?: string }

export const isMac = (platform: string): boolean => /mac|iphone|ipad/i.test(platform);

export function matches(shortcut: string, press: KeyPress, mac: boolean): boolean {
  const parts = shortcut.split("+");
  const key = parts.pop()!.toLowerCase();
  const wants = (name: string) => parts.includes(name);
  const mod = wants("Mod");
  const ctrl = wants("Ctrl") || (mod && !mac);
  const meta = mod && mac;
  const pressed = press.key === " " ? "space" : press.key.toLowerCase();
  // On a Mac, Alt makes another letter: then the key's place counts.
  const same = pressed === key || (mac && press.altKey && press.code?.toLowerCase() === `key${key}`);
  return same && press.ctrlKey === ctrl && press.metaKey === meta && press.altKey === wants("Alt") && press.shiftKey === wants("Shift");
}

/// The shortcut as it is shown: `Ctrl K`, on a Mac `⌘K`.
export function shown(shortcut: string, mac: boolean): string {
  const signs: Record<string, string> = { Mod: "⌘", Shift: "⇧", Alt: "⌥", Ctrl: "⌃", Enter: "↩" };
  const parts = shortcut.split("+");
  if (mac) return parts.map((part) => signs[part] ?? part).join("");
  return parts.map((part) => (part === "Mod" ? "Ctrl" : part)).join(" ");
}
