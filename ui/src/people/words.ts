// People in words: roles, what was done, how long an invitation lasts.

import { count } from "../cloud/words";
import type { ActivityItem, ActivityView, ReadableSecret, Role } from "../host/api";

export const ROLES: readonly Role[] = ["viewer", "editor", "admin"];

export const ROLE_WORDS: Readonly<Record<Role, string>> = { viewer: "Viewer", editor: "Editor", admin: "Admin" };

export function roleMeans(role: Role, ofTeam: boolean): string {
  if (role === "viewer") return ofTeam ? "A guest: reads where invited." : "Reads everything here, changes nothing.";
  if (role === "editor") return ofTeam ? "Also makes workspaces of the team." : "Reads and changes everything here.";
  return "Also says who is a member, and in which role.";
}

const MEMBER_ACTS: Readonly<Record<string, string>> = {
  founded: "founded it", app_added: "began with another app", member_added: "let someone in", role_changed: "changed a role", members_removed: "removed someone",
  key_changed: "began a new key", app_revoked: "signed an app out", left: "left", invited: "invited someone", invitation_ended: "ended an invitation", access_changed: "changed who of the team may enter",
};

const CHANGES: Readonly<Record<string, string>> = { created: "made", changed: "changed", purged: "deleted for good" };

export interface ActivityLine { seq: number; by: string; at: number | null; what: string; items: ActivityItem[]; more: number }

const NAMED = 4;

/// One line an entry: what was done, and the first items that it was done to.
export function activityLine(entry: ActivityView): ActivityLine {
  const { seq, by, at, members, items } = entry;
  if (members !== null) return { seq, by, at, what: MEMBER_ACTS[members] ?? members.replaceAll("_", " "), items: [], more: 0 };
  const kinds = [...new Set(items.map((one) => one.change))];
  const what = kinds.length === 1 ? (CHANGES[kinds[0]!] ?? kinds[0]!) : "changed";
  const known = items.filter((one) => one.name !== null);
  const shown = known.slice(0, NAMED);
  return { seq, by, at, what: shown.length === 0 ? `${what} ${count(items.length, "item")}` : what, items: shown, more: shown.length === 0 ? 0 : items.length - shown.length };
}

/// `ends in 6 days`.
export function endsWords(at: number, now: number): string {
  const hours = Math.floor((at - now) / 3_600_000);
  if (at <= now) return "has ended";
  if (hours < 1) return "ends within the hour";
  return hours < 48 ? `ends in ${count(hours, "hour")}` : `ends in ${count(Math.round(hours / 24), "day")}`;
}

/// The letters that stand for a name.
export function initials(name: string): string {
  const words = name.split("@")[0]!.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? words[0]![0]! + words.at(-1)![0]! : (words[0] ?? "?").slice(0, 2);
  return letters.toUpperCase();
}

/// A hue for a name, the same everywhere.
export const hue = (name: string): number => [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 360, 7);

/// A list to copy, one secret a line.
export const secretLines = (secrets: readonly ReadableSecret[]): string => secrets.map((one) => `${one.path}: ${one.key}`).join("\n");

/// The words of a fingerprint in lines of four, as they are read aloud.
export function fingerprintLines(words: string): string[] {
  const all = words.split(/\s+/).filter(Boolean);
  return Array.from({ length: Math.ceil(all.length / 4) }, (_, at) => all.slice(at * 4, at * 4 + 4).join(" "));
}
