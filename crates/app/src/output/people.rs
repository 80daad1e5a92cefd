//! Teams, members, invitations and who did what, in words.

use std::fmt::Write as _;

use satchel_client::api::{
    ActivityItem, ActivityView, InviteView, MemberView, PresentView, ReadableSecret, Reply, TeamView,
};

use super::status::time;
use super::{Out, inline, lines};

/// A reply about people.
pub(super) fn text(reply: &Reply, out: Out) -> String {
    match reply {
        Reply::Teams { teams } => listed(teams, team_line, "No teams."),
        Reply::Team(team) => format!("{}\n", team_line(team)),
        Reply::Members { members } => listed(members, member_line, "No members."),
        Reply::Invited { invite, link } => invited(invite, &link.0, out),
        Reply::Invites { invites } => listed(invites, invite_line, "No open invitations."),
        Reply::Joined { workspace, name, waiting } => joined(workspace, name.as_deref(), *waiting, out),
        Reply::MemberRemoved { secrets } => removed(secrets, out),
        Reply::Fingerprint { name, words } => format!("{}  {}\n", inline(name), inline(words)),
        Reply::Activity { entries } => listed(entries, activity_line, "Nothing has been done yet."),
        Reply::Present { people } => listed(people, present_line, "Nobody else says to be here."),
        Reply::Discarded { items } => discarded(*items, out),
        _ => String::new(),
    }
}

fn listed<T>(things: &[T], line: impl Fn(&T) -> String, none: &str) -> String {
    if things.is_empty() { format!("{none}\n") } else { lines(things.iter().map(line)) }
}

fn team_line(team: &TeamView) -> String {
    let role = match (team.role, team.members) {
        (Some(role), _) => role.word(),
        // A team that was just made: its people come back from the server.
        (None, 0) => "waits for the server",
        (None, _) => "no member any more",
    };
    let noun = if team.members == 1 { "member" } else { "members" };
    let mut line = format!("{}  {role}, {} {noun}  {}", inline(&team.name), team.members, team.id);
    for workspace in &team.workspaces {
        let _ = write!(line, "\n    {}", inline(workspace));
    }
    line
}

fn member_line(member: &MemberView) -> String {
    let this = if member.this { " (you)" } else { "" };
    let (name, role) = (inline(&member.name), member.role.word());
    format!("{name}{this}  {role}  {}\n    {}", member.account, inline(&member.fingerprint))
}

fn invite_line(invite: &InviteView) -> String {
    let claimed = if invite.claimed { ", used, waits for an admin's app" } else { "" };
    format!(
        "{}  {}, by {}, until {}{claimed}",
        invite.id,
        invite.role.word(),
        inline(&invite.by),
        time(invite.expires_at)
    )
}

/// The link is what was asked for; it is there when quiet, alone.
fn invited(invite: &InviteView, link: &str, out: Out) -> String {
    if out.quiet {
        return format!("{}\n", inline(link));
    }
    format!(
        "Whoever has this link can join as {}, once, until {}. It is shown only now.\n\n    {}\n\nTake it back: satchel workspace revoke {}   (of a team: satchel team revoke TEAM {})\n",
        invite.role.word(),
        time(invite.expires_at),
        inline(link),
        invite.id,
        invite.id
    )
}

fn joined(workspace: &str, name: Option<&str>, waiting: bool, out: Out) -> String {
    if out.quiet {
        return String::new();
    }
    let name = name.map_or_else(|| workspace.to_owned(), inline);
    if waiting {
        return format!(
            "Asked to join {name}. It comes once an admin's app is connected; `satchel sync` looks again.\n"
        );
    }
    format!("You are a member of {name}.\n")
}

fn removed(secrets: &[ReadableSecret], out: Out) -> String {
    let mut text = String::new();
    if !out.quiet {
        text.push_str("Removed. What is written from now on has a new key.\n");
    }
    if !secrets.is_empty() {
        text.push_str("The member could read these secrets; change them where they are in use:\n");
    }
    for secret in secrets {
        let _ = writeln!(text, "  {}  {}", inline(&secret.path), inline(&secret.key));
    }
    text
}

fn activity_line(entry: &ActivityView) -> String {
    let when = entry.at.map_or_else(|| "at an unknown time".to_owned(), time);
    let mut line = format!("{:>6}  {when}  {}", entry.seq, inline(&entry.by));
    if let Some(what) = &entry.members {
        let _ = write!(line, "  {}", inline(&what.replace('_', " ")));
    }
    for item in &entry.items {
        let _ = write!(line, "\n          {}", item_words(item));
    }
    line
}

fn item_words(item: &ActivityItem) -> String {
    format!("{} {}", inline(&item.change), inline(item.name.as_ref().unwrap_or(&item.id)))
}

fn present_line(present: &PresentView) -> String {
    let item = present.item_name.as_ref().or(present.item.as_ref());
    let item = item.map(|item| format!(" {}", inline(item))).unwrap_or_default();
    format!("{}  {}{item}", inline(&present.name), inline(&present.state))
}

fn discarded(items: u64, out: Out) -> String {
    match (out.quiet, items) {
        (true, _) => String::new(),
        (false, 0) => "There was nothing to discard.\n".to_owned(),
        (false, 1) => "The changes of 1 item are discarded.\n".to_owned(),
        (false, items) => format!("The changes of {items} items are discarded.\n"),
    }
}

#[cfg(test)]
mod tests {
    use satchel_client::api::Secret;

    use satchel_client::api::Role;

    use super::*;

    const OUT: Out = Out { json: false, quiet: false, color: false };

    fn check(reply: &Reply, expected: &str) {
        assert_eq!(text(reply, OUT), expected);
    }

    fn invite() -> InviteView {
        let by = "ada@example.com".to_owned();
        InviteView { id: "0a".to_owned(), role: Role::Editor, expires_at: 0, by, claimed: true }
    }

    #[test]
    fn an_invitation_shows_its_link_and_how_to_take_it_back() {
        let reply = Reply::Invited { invite: invite(), link: Secret("http://s/#x".to_owned()) };
        let said = text(&reply, OUT);
        for words in ["http://s/#x", "as editor", "only now", "satchel workspace revoke 0a"] {
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(text(&reply, Out { quiet: true, ..OUT }), "http://s/#x\n");
    }

    #[test]
    fn lists_of_people_say_who_and_what() {
        check(
            &Reply::Invites { invites: vec![invite()] },
            "0a  editor, by ada@example.com, until 1970-01-01 00:00:00 UTC, used, waits for an admin's app\n",
        );
        let member = MemberView {
            account: "0b".to_owned(),
            name: "ada\n".to_owned(),
            role: Role::Admin,
            this: true,
            apps: 1,
            fingerprint: "one two".to_owned(),
        };
        check(&Reply::Members { members: vec![member] }, "ada\u{fffd} (you)  admin  0b\n    one two\n");
        check(&Reply::Teams { teams: Vec::new() }, "No teams.\n");
    }

    #[test]
    fn a_removal_names_the_secrets_to_change_also_when_quiet() {
        let secret = ReadableSecret { path: "Dev".to_owned(), key: "token".to_owned() };
        let reply = Reply::MemberRemoved { secrets: vec![secret] };
        assert!(text(&reply, Out { quiet: true, ..OUT }).contains("Dev  token"));
        check(
            &Reply::MemberRemoved { secrets: Vec::new() },
            "Removed. What is written from now on has a new key.\n",
        );
    }

    #[test]
    fn activity_names_the_items_and_what_was_done_to_members() {
        let item = ActivityItem { id: "0c".to_owned(), name: None, change: "changed".to_owned() };
        let entry = ActivityView {
            seq: 7,
            at: Some(0),
            by: "ada@example.com".to_owned(),
            app: "0d".to_owned(),
            members: Some("role_changed".to_owned()),
            items: vec![item],
        };
        check(
            &Reply::Activity { entries: vec![entry] },
            "     7  1970-01-01 00:00:00 UTC  ada@example.com  role changed\n          changed 0c\n",
        );
    }
}
