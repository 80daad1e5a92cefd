// Accounts in words: kinds of apps, the recovery code, what the server deleted.

export const kindWords = (kind: string): string => ({ command_line: "command line", desktop: "desktop", web: "web page" })[kind] ?? kind.replaceAll("_", " ");

/// The code in groups as it came, or in fours where it came in one.
export function codeGroups(code: string): string[] {
  const given = code.trim().split(/[\s-]+/).filter(Boolean);
  return given.length > 1 ? given : (given[0]?.match(/.{1,4}/g) ?? []);
}

/// The page that is printed or saved: what it is, for whom, and the code.
export function codePage(code: string, email: string, server: string): string {
  return ["Satchel recovery code", "", `Account: ${email}`, `Server:  ${server}`, "", code, "", "With it a new password can be set. Without it and without the password nobody can", "open the account’s work, not even who runs the server. Keep it where only you look.", ""].join("\n");
}

const RECEIPT: Readonly<Record<string, string>> = { sessions: "sessions", apps: "apps", keys: "keys", workspaces: "workspaces", envelopes: "sealed records", commits: "commits" };

export const receiptWords = ([name, count]: readonly [string, number]): string => `${count.toLocaleString("en")} ${RECEIPT[name] ?? name.replaceAll("_", " ")}`;

/// Why two passwords cannot be taken, or nothing.
export function passwordProblem(password: string, again: string): string {
  if (password.length < 10) return "Use at least ten characters: nobody can reset it for you.";
  return password === again ? "" : "The two are not the same.";
}
