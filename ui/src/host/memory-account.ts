// The account of the host in memory. Some words have a meaning: the password `wrong` is, `full@…` finds no place for its
// app, `team@…` is in a team.

import { apiError } from "./host";
import type { AppView } from "./api";
import type { Answers } from "./memory-answers";

export interface Signed { email: string; server: string }

export class MemoryAccount {
  apps: AppView[];

  constructor(
    public signed: Signed | null,
    now: () => number,
    private readonly waiting: () => number,
    private readonly told: () => void,
  ) {
    this.apps = [
      { id: "p1", name: "Ada’s laptop", kind: "desktop", last_seen: now(), waiting: 0, connected: true, this: true },
      { id: "p2", name: "build machine in the cellar with a rather long name", kind: "command_line", last_seen: now() - 3_600_000, waiting: 2, connected: true, this: false },
      { id: "p3", name: "Firefox", kind: "web", last_seen: now() - 3 * 86_400_000, waiting: 0, connected: false, this: false },
    ];
  }

  private view() {
    const { email, server } = this.signed!;
    return { id: "a1", email, server, app: "p1", app_name: this.apps[0]!.name };
  }

  private check(password: string): void {
    if (password === "wrong") throw apiError("unauthorized", "signing in", "");
  }

  private enter(server: string, email: string): void {
    this.signed = { server, email };
    this.told();
  }

  readonly answers: Answers = {
    sign_up: ({ server, email }) => {
      if (email.startsWith("taken@")) throw apiError("sign_up_refused", "signing up", "");
      this.enter(server, email);
      return { reply: "signed_up", account: this.view(), recovery_code: CODE };
    },
    sign_in: ({ server, email, password, take_over }) => {
      this.check(password);
      if (email.startsWith("full@") && take_over === null) throw { ...apiError("app_limit", "signing in", ""), apps: this.apps.map((one) => ({ ...one, connected: true, this: false })) };
      this.enter(server, email);
      return { reply: "signed_in", account: this.view(), in_sync: true };
    },
    recover: ({ server, email, code }) => {
      if (code.replace(/[^0-9a-z]/gi, "").length < 20) throw apiError("unauthorized", "recovering", "");
      this.enter(server, email);
      return { reply: "signed_up", account: this.view(), recovery_code: CODE };
    },
    sign_out: ({ discard }) => {
      const count = this.waiting();
      if (discard === "nothing" && count > 0) throw { ...apiError("changes_waiting", "signing out", `${count} items have changes that the server has not acknowledged`), count };
      this.signed = null;
      this.told();
      return { reply: "done" };
    },
    account: () => {
      if (!this.signed) throw apiError("signed_out", "reading the account", "");
      return { reply: "account", ...this.view() };
    },
    apps: () => ({ reply: "apps", apps: this.apps }),
    disconnect_app: ({ app }) => {
      this.apps = this.apps.filter((one) => one.id !== app);
      return { reply: "done" };
    },
    change_password: ({ old }) => {
      this.check(old);
      return { reply: "done" };
    },
    delete_account: ({ password }) => {
      this.check(password);
      if (this.signed?.email.startsWith("team@")) throw { ...apiError("in_teams", "deleting the account", ""), candidates: ["Shop team"] };
      this.signed = null;
      this.told();
      return { reply: "account_deleted", receipt: [["sessions", 2], ["apps", 3], ["workspaces", 1], ["envelopes", 1412], ["commits", 903]] };
    },
  };
}

const CODE = "7K4M-QX2P-9WDC-HT5R-3VBN-8FJL-6YGZ-E2SA";
