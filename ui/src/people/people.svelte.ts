// The members and invitations of one place: the open workspace, or a team.
//
// Invariants: whoever is removed, the secrets that they could read are shown before anything else; a link is kept in
// memory only as long as its dialog is open.

import type { InviteView, MemberView, ReadableSecret, Role } from "../host/api";
import { isApiError } from "../host/host";
import { problemOf, type Problem } from "../state/problem";
import type { Workbench } from "../state/workbench.svelte";

/// A member who was removed, and what is to be changed where it is in use.
export interface Removed { name: string; secrets: ReadableSecret[] }

export class People {
  members = $state.raw<MemberView[]>([]);
  invites = $state.raw<InviteView[]>([]);
  loaded = $state(false);
  busy = $state(false);
  problem = $state.raw<Problem | null>(null);
  invited = $state.raw<{ invite: InviteView; link: string } | null>(null);
  removed = $state.raw<Removed | null>(null);

  readonly me = $derived(this.members.find((one) => one.this) ?? null);
  readonly isAdmin = $derived(this.me?.role === "admin");

  constructor(
    private readonly bench: Workbench,
    readonly team: string | null,
  ) {}

  async read(): Promise<void> {
    try {
      const { team } = this;
      this.members = (await this.bench.ask({ call: "members", team }, "members")).members;
      // Only who may invite may see the invitations.
      this.invites = this.isAdmin ? (await this.bench.ask({ call: "invites", team }, "invites")).invites : [];
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
    this.loaded = true;
  }

  setRole(member: MemberView, role: Role): Promise<boolean> {
    return this.act(() => this.bench.ask({ call: "set_role", member: member.account, role, team: this.team }, "done"));
  }

  remove(member: MemberView): Promise<boolean> {
    return this.act(async () => {
      const { secrets } = await this.bench.ask({ call: "remove_member", member: member.account, team: this.team }, "member_removed");
      this.removed = { name: member.name, secrets };
    });
  }

  invite(role: Role): Promise<boolean> {
    return this.act(async () => {
      const { invite, link } = await this.bench.ask({ call: "invite", role, team: this.team }, "invited");
      this.invited = { invite, link };
    });
  }

  revoke(invite: InviteView): Promise<boolean> {
    return this.act(() => this.bench.ask({ call: "revoke_invite", invite: invite.id, team: this.team }, "done"));
  }

  handOver(member: MemberView): Promise<boolean> {
    return this.act(() => this.bench.ask({ call: "hand_over", member: member.account, team: this.team }, "done"));
  }

  leave(): Promise<boolean> {
    return this.act(() => (this.team === null ? this.bench.ask({ call: "leave" }, "done") : this.bench.ask({ call: "leave_team", team: this.team }, "done")));
  }

  private async act(work: () => Promise<unknown>): Promise<boolean> {
    this.busy = true;
    let done = true;
    try {
      await work();
    } catch (thrown) {
      done = false;
      if (isApiError(thrown) && thrown.kind === "last_admin") this.bench.toasts.show({ tone: "bad", title: "Someone has to be the admin", text: `Make another member an admin first${thrown.candidates.length ? `: ${thrown.candidates.join(", ")}` : ""}. Or hand over.` });
      else this.bench.toasts.failed(thrown);
    }
    await this.read();
    this.busy = false;
    return done;
  }
}
