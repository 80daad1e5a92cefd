import { expect, test } from "vitest";
import { matches, shown } from "./keys";

const press = (key: string, more = {}) => ({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...more });

test("a shortcut matches its keys and no more", () => {
  expect(matches("Mod+K", press("k", { ctrlKey: true }), false)).toBe(true);
  expect(matches("Mod+K", press("k", { metaKey: true }), true)).toBe(true);
  expect(matches("Mod+K", press("k", { ctrlKey: true, shiftKey: true }), false)).toBe(false);
  expect(matches("Alt+W", press("w", { altKey: true }), false)).toBe(true);
  expect(matches("Alt+W", press("∑", { altKey: true, code: "KeyW" }), true)).toBe(true);
  expect(matches("F2", press("F2"), false)).toBe(true);
});

test("a shortcut is shown as the platform writes it", () => {
  expect(shown("Mod+Shift+Enter", true)).toBe("⌘⇧↩");
  expect(shown("Mod+K", false)).toBe("Ctrl K");
});
