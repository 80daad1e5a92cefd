// The code editor's pieces, loaded when the first editor is shown.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, MatchDecorator, placeholder, ViewPlugin, type DecorationSet, type ViewUpdate } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Language } from "../request/body";

export { openSearchPanel };

export const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.tagName, tags.attributeName], color: "var(--code-key)" },
  { tag: [tags.string, tags.attributeValue, tags.regexp], color: "var(--code-string)" },
  { tag: tags.number, color: "var(--code-number)" },
  { tag: [tags.bool, tags.null, tags.keyword, tags.atom], color: "var(--code-atom)" },
  { tag: [tags.comment, tags.meta], color: "var(--code-comment)" },
  { tag: tags.heading, fontWeight: "600" },
  { tag: tags.link, color: "var(--accent-text)" },
]);

export const LOOKS = EditorView.theme({
  "&": { height: "100%", fontSize: "12.5px", backgroundColor: "transparent", color: "var(--ink)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-gutters": { backgroundColor: "transparent", border: "none", color: "var(--ink-3)" },
  ".cm-activeLine": { backgroundColor: "var(--code-line)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--code-select) !important" },
  ".cm-variable": { color: "var(--accent-text)", backgroundColor: "var(--accent-soft)", borderRadius: "3px" },
  ".cm-panels": { backgroundColor: "var(--bg-sunk)", color: "var(--ink)", borderColor: "var(--line)" },
  ".cm-panels input, .cm-panels button": { fontFamily: "var(--font)", fontSize: "12px" },
  ".cm-textfield": { backgroundColor: "var(--bg-field)", border: "1px solid var(--line-strong)", borderRadius: "4px" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--bg-raised)", border: "1px solid var(--line-strong)", borderRadius: "4px" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--bg-hover)", border: "none", color: "var(--ink-3)" },
});

const variables = new MatchDecorator({ regexp: /\{\{[^{}\n]+\}\}/g, decoration: Decoration.mark({ class: "cm-variable" }) });

const variableMarks = ViewPlugin.fromClass(
  class {
    marks: DecorationSet;
    constructor(view: EditorView) {
      this.marks = variables.createDeco(view);
    }
    update(update: ViewUpdate) {
      this.marks = variables.updateDeco(update, this.marks);
    }
  },
  { decorations: (plugin) => plugin.marks },
);

export async function languageExtension(language: Language): Promise<Extension> {
  switch (language) {
    case "json":
      return (await import("@codemirror/lang-json")).json();
    case "xml":
      return (await import("@codemirror/lang-xml")).xml();
    case "html":
      return (await import("@codemirror/lang-html")).html();
    case "javascript":
      return (await import("@codemirror/lang-javascript")).javascript();
    case "graphql":
      return (await import("cm6-graphql")).graphqlLanguageSupport();
    default:
      return [];
  }
}

export interface EditorOptions { text: string; label: string; readonly: boolean; hint: string; onchange: (text: string) => void; keys: { key: string; run: () => boolean }[] }

export class CodeView {
  readonly view: EditorView;
  private readonly language = new Compartment();
  private quiet = false;

  constructor(parent: HTMLElement, options: EditorOptions) {
    const changed = EditorView.updateListener.of((update) => {
      if (update.docChanged && !this.quiet) options.onchange(update.state.doc.toString());
    });
    const fixed = options.readonly ? [EditorState.readOnly.of(true)] : [history(), closeBrackets(), indentOnInput(), highlightActiveLine()];
    const own = keymap.of([...options.keys, ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap]);
    // Tab moves the focus on in a text that cannot be edited; in others Escape first lets it out.
    const tab = options.readonly ? [] : [keymap.of([indentWithTab])];
    const extensions = [own, tab, fixed, lineNumbers(), foldGutter(), drawSelection(), bracketMatching(), highlightSelectionMatches(), search({ top: true }), variableMarks, syntaxHighlighting(COLOURS), LOOKS, EditorView.lineWrapping, placeholder(options.hint), EditorView.contentAttributes.of({ "aria-label": options.label, tabindex: "0" }), this.language.of([]), changed];
    this.view = new EditorView({ parent, state: EditorState.create({ doc: options.text, extensions }) });
  }

  async speak(language: Language): Promise<void> {
    const extension = await languageExtension(language);
    this.view.dispatch({ effects: this.language.reconfigure(extension) });
  }

  /// Takes another text in without telling of it; the cursor stays where it can.
  show(text: string): void {
    const { doc, selection } = this.view.state;
    if (doc.toString() === text) return;
    this.quiet = true;
    const anchor = Math.min(selection.main.anchor, text.length);
    this.view.dispatch({ changes: { from: 0, to: doc.length, insert: text }, selection: { anchor } });
    this.quiet = false;
  }

  find(): void {
    this.view.focus();
    openSearchPanel(this.view);
  }

  close(): void {
    this.view.destroy();
  }
}
