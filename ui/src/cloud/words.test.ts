import { expect, test } from "vitest";
import { advice, ago, isClosedOffline, pendingWords, shownState, stateWords } from "./words";

test("every state has words", () => {
  expect(stateWords({ state: "in_sync", reason: null })).toBe("In sync");
  expect(stateWords({ state: "offline", reason: "signed_out" })).toBe("Signed out");
  expect(stateWords({ state: "offline", reason: "disconnected" })).toBe("Offline");
  expect(stateWords({ state: "offline", reason: "scratch" })).toBe("On this device");
});

test("an error says the layer and what to do, also one that is not known", () => {
  expect(advice({ state: "error", reason: "certificate" })?.layer).toBe("Secure connection");
  expect(advice({ state: "error", reason: "new_kind" })?.todo).toContain("doctor");
  expect(advice({ state: "in_sync", reason: null })).toBeNull();
});

test("what waits is counted", () => {
  expect(pendingWords({ up: 1, down: 0 })).toBe("1 change to send");
  expect(pendingWords({ up: 2, down: 1200 })).toBe("2 changes to send, 1,200 changes to receive");
  expect(pendingWords({ up: 0, down: 0 })).toBe("Nothing waits");
});

test("times are told from near to far", () => {
  expect([ago(0, 4_000), ago(0, 61_000), ago(0, 7_200_000)]).toEqual(["just now", "1 minute ago", "2 hours ago"]);
});

test("without an agent the cloud says so", () => {
  const shown = shownState(null, false);
  expect([stateWords(shown), shown.state, advice(shown)?.layer]).toEqual(["No agent", "offline", "This machine"]);
  expect(stateWords(shownState(null, true))).toBe("Connecting");
  const scratch = { ...shownState(null, true), state: "offline" as const, reason: "scratch" };
  expect([shownState(scratch, true), shownState(scratch, true, true)].map(stateWords)).toEqual(["On this device", "Signed out"]);
});

test("the strict setting closes workspaces only while the server cannot be reached", () => {
  const at = (state: "offline" | "connecting" | "in_sync", reason: string | null) => ({ ...shownState(null, true), state, reason });
  const cases = [["w", at("offline", "disconnected")], ["scratch", at("offline", "disconnected")], ["w", at("offline", "signed_out")], ["w", at("connecting", null)], ["w", null]] as const;
  expect(cases.map(([workspace, here]) => isClosedOffline(true, workspace, here))).toEqual([true, false, false, false, false]);
  expect(isClosedOffline(false, "w", at("offline", "disconnected"))).toBe(false);
});
