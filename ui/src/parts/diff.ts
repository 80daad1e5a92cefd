// The two sides of a difference, with the page's looks. Loaded when the first one is shown.

import { MergeView } from "@codemirror/merge";
import { syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import type { Language } from "../request/body";
import { COLOURS, LOOKS, languageExtension } from "./codemirror";

export interface Side { label: string; text: string }

const MERGE_LOOKS = EditorView.theme({
  "&": { fontSize: "12px" },
  "&.cm-merge-a .cm-changedLine, & .cm-deletedChunk": { backgroundColor: "var(--bad-soft) !important" },
  "&.cm-merge-b .cm-changedLine": { backgroundColor: "var(--good-soft) !important" },
  "&.cm-merge-a .cm-changedText": { background: "color-mix(in srgb, var(--bad) 26%, transparent) !important" },
  "&.cm-merge-b .cm-changedText": { background: "color-mix(in srgb, var(--good) 26%, transparent) !important" },
  ".cm-collapsedLines": { background: "var(--bg-hover) !important", color: "var(--ink-2)", fontFamily: "var(--font)" },
});

/// Shows `before` and `after` beside each other; the result takes them off again.
export async function showSides(parent: HTMLElement, before: Side, after: Side, language: Language): Promise<() => void> {
  const speech = await languageExtension(language);
  const side = ({ label, text }: Side) => ({
    doc: text,
    extensions: [lineNumbers(), EditorState.readOnly.of(true), EditorView.lineWrapping, syntaxHighlighting(COLOURS), speech, LOOKS, MERGE_LOOKS, EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" })],
  });
  const view = new MergeView({ a: side(before), b: side(after), parent, collapseUnchanged: { margin: 3, minSize: 6 }, diffConfig: { scanLimit: 2000, timeout: 500 } });
  return () => view.destroy();
}
