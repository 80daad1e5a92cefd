// The people of the host in memory: members, invitations, teams, activity, and who is here.

import { apiError } from "./host";
import type { ActivityView, InviteView, MemberView, PresentView, ReadableSecret, Role, TeamView } from "./api";
import type { Answers } from "./memory-answers";
import { variablesOf, type MemoryStore } from "./memory-store";

const DAY = 86_400_000;
const WORDS = ["anchor", "basil", "copper", "delta", "ember", "fjord", "garnet", "harbor", "indigo", "juniper", "kestrel", "lagoon", "maple", "nectar", "onyx", "prairie"];

const words = (name: string) => Array.from({ length: 8 }, (_, at) => WORDS[(name.length * 7 + at * 5 + (name.codePointAt(at % name.length) ?? 0)) % WORDS.length]).join(" ");
const member = (name: string, role: Role, apps: number, isMe = false): MemberView => ({ account: `acc-${name.split("@")[0]}`, name, role, this: isMe, apps, fingerprint: words(name) });

interface Place { members: MemberView[]; invites: InviteView[] }

export class MemoryPeople {
  readonly places = new Map<string, Place>();
  teams: (TeamView & { names: string[] })[] = [{ id: "team-shop", name: "Shop team", role: "admin", members: 4, workspaces: ["Shop platform"], names: [] }];
  private made = 0;

  constructor(
    private readonly me: string,
    private readonly now: () => number,
    private readonly told: () => void,
  ) {}

  place(id: string): Place {
    let place = this.places.get(id);
    if (!place) {
      const shared = id === "workspace-shop" || id === "team-shop";
      const others = shared ? [member("grace.hopper@example.com", "admin", 1), member("mira@example.com", "editor", 3), member("a.very.long.name.of.somebody.who.reviews.everything@subdomain.example.com", "viewer", 0)] : [];
      const invites: InviteView[] = shared ? [{ id: "9d4e21aa77c04f10", role: "editor", expires_at: this.now() + 6.2 * DAY, by: this.me, claimed: false }, { id: "11c0ffee55aa0042", role: "viewer", expires_at: this.now() + 0.3 * DAY, by: "grace.hopper@example.com", claimed: true }] : [];
      place = { members: [member(this.me, "admin", 2, true), ...others], invites };
      this.places.set(id, place);
    }
    return place;
  }

  count(id: string): number {
    return id === "scratch" ? 0 : this.place(id).members.length;
  }

  private team(id: string) {
    const team = this.teams.find((one) => one.id === id || one.name === id);
    if (!team) throw apiError("not_found", `opening the team ${id}`, "there is no such team");
    return team;
  }

  private at(store: MemoryStore, team: string | null): Place {
    return this.place(team === null ? store.id : this.team(team).id);
  }

  private found(place: Place, name: string): MemberView {
    const found = place.members.find((one) => one.account === name || one.name === name);
    if (!found) throw apiError("not_found", `finding ${name}`, "there is no such member");
    return found;
  }

  private checkAdmin(place: Place, without: MemberView): void {
    const others = place.members.filter((one) => one !== without);
    if (others.length > 0 && !others.some((one) => one.role === "admin")) throw { ...apiError("last_admin", "leaving", ""), candidates: others.map((one) => one.name) };
  }

  private secrets(store: MemoryStore): ReadableSecret[] {
    const items = [...store.items.values()].filter((item) => item.kind === "environment");
    return items.flatMap((item) => variablesOf(item.document).filter((one) => one.type === "secret").map((one) => ({ path: store.path(item), key: one.key })));
  }

  private view({ names: _, ...team }: TeamView & { names: string[] }): TeamView {
    return { ...team, members: this.place(team.id).members.length };
  }

  private drop(place: Place, one: MemberView): void {
    place.members = place.members.filter((other) => other !== one);
    this.told();
  }

  readonly answers: Answers = {
    members: ({ team }, store) => ({ reply: "members", members: this.at(store, team).members }),
    invites: ({ team }, store) => ({ reply: "invites", invites: this.at(store, team).invites }),
    invite: ({ role, team }, store) => {
      const id = `${(++this.made).toString(16).padStart(4, "0")}b7e2c91f5d30`;
      const invite: InviteView = { id, role, expires_at: this.now() + 7 * DAY, by: this.me, claimed: false };
      this.at(store, team).invites.unshift(invite);
      return { reply: "invited", invite, link: `https://sync.example.com/join/${store.id}#${id}${id}` };
    },
    revoke_invite: ({ invite, team }, store) => {
      const place = this.at(store, team);
      place.invites = place.invites.filter((one) => !one.id.startsWith(invite));
      return { reply: "done" };
    },
    join: ({ link }) => {
      if (!/^https:\/\/.+#.{8,}/.test(link)) throw apiError("invite_gone", "joining", "");
      return { reply: "joined", workspace: "w-joined", name: null, waiting: true };
    },
    set_role: ({ member: name, role, team }, store) => {
      const place = this.at(store, team);
      const one = this.found(place, name);
      if (one.role === "admin" && role !== "admin") this.checkAdmin(place, one);
      place.members = place.members.map((other) => (other === one ? { ...other, role } : other));
      this.told();
      return { reply: "done" };
    },
    remove_member: ({ member: name, team }, store) => {
      const place = this.at(store, team);
      this.drop(place, this.found(place, name));
      return { reply: "member_removed", secrets: this.secrets(store) };
    },
    leave: (_, store) => {
      const place = this.place(store.id);
      const me = place.members.find((one) => one.this)!;
      this.checkAdmin(place, me);
      this.drop(place, me);
      return { reply: "done" };
    },
    hand_over: ({ member: name, team }, store) => {
      const place = this.at(store, team);
      const heir = this.found(place, name);
      place.members = place.members.filter((one) => !one.this).map((one) => (one.account === heir.account ? { ...one, role: "admin" as const } : one));
      this.told();
      return { reply: "done" };
    },
    set_access: () => ({ reply: "done" }),
    fingerprint: ({ member: name }, store) => {
      const one = name === null ? member(this.me, "admin", 0) : this.found(this.place(store.id), name);
      return { reply: "fingerprint", name: one.name, words: one.fingerprint };
    },
    teams: () => ({ reply: "teams", teams: this.teams.map((one) => this.view(one)) }),
    create_team: ({ name }) => {
      const team = { id: `team-${++this.made}`, name, role: "admin" as const, members: 1, workspaces: [], names: [] };
      this.teams = [...this.teams, team];
      return { reply: "team", ...this.view(team) };
    },
    rename_team: ({ team, name }) => {
      const found = this.team(team);
      found.name = name;
      return { reply: "team", ...this.view(found) };
    },
    leave_team: ({ team }) => {
      const found = this.team(team);
      const place = this.place(found.id);
      this.checkAdmin(place, place.members.find((one) => one.this)!);
      this.teams = this.teams.filter((one) => one !== found);
      return { reply: "done" };
    },
    delete_team: ({ team }) => {
      const found = this.team(team);
      if (found.workspaces.length > 0) throw apiError("refused", `deleting the team ${found.name}`, "it has workspaces");
      this.teams = this.teams.filter((one) => one !== found);
      return { reply: "done" };
    },
    activity: ({ limit }, store) => ({ reply: "activity", entries: this.activity(store).slice(0, limit) }),
    presence: () => ({ reply: "done" }),
    who_is_here: (_, store) => ({ reply: "present", people: store.id === "workspace-shop" ? this.present(store) : [] }),
    discard_drafts: () => ({ reply: "discarded", items: 1 }),
  };

  private activity(store: MemoryStore): ActivityView[] {
    const items = [...store.items.values()].filter((item) => item.kind === "request" && !item.trashed);
    const names = this.place(store.id).members.map((one) => one.name);
    const acts = [null, "invited", null, null, "member_added", null, "role_changed", "key_changed", null, "founded"];
    return acts.map((members, at) => {
      const touched = members === null ? items.slice(at, at + 1 + (at % 3) * 3) : [];
      return { seq: 42 - at, at: this.now() - (at * at + 1) * 900_000, by: names[at % names.length] ?? this.me, app: "p1", members, items: touched.map((item) => ({ id: item.id, name: item.name, change: at % 4 === 3 ? "created" : "changed" })) };
    });
  }

  private present(store: MemoryStore): PresentView[] {
    const item = [...store.items.values()].find((one) => one.name === "List products");
    return [
      { name: "mira@example.com", account: "acc-mira", app: "p9", item: item?.id ?? null, item_name: item?.name ?? null, state: "editing" },
      { name: "grace.hopper@example.com", account: "acc-grace.hopper", app: "p8", item: null, item_name: null, state: "viewing" },
    ];
  }
}
