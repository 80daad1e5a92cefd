// The two sides of a difference, with the page's looks.

import { EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";

const LOOKS = EditorView.theme({
  "&": { fontSize: "12px", backgroundColor: "transparent", color: "var(--ink)" },
  ".cm-scroller": { fontFamily: "var(--mono)" },
  ".cm-gutters": { backgroundColor: "transparent", border: "none", color: "var(--ink-3)" },
  ".cm-changedLine": { backgroundColor: "var(--warn-soft) !important" },
});

const side = (doc: string) => ({ doc, extensions: [lineNumbers(), EditorState.readOnly.of(true), EditorView.lineWrapping, LOOKS] });

export const sides = (before: string, after: string) => ({ a: side(before), b: side(after) });
