// Markdown as safe HTML: no HTML of the text's own, no scripts in links, no pictures (they would tell a stranger who
// reads). Loaded when the first description is shown.

import MarkdownIt from "markdown-it";

const SAFE_LINK = /^(https?:|mailto:|#|\/)/i;

const parser = new MarkdownIt("default", { html: false, linkify: true, typographer: false });
parser.disable("image");
parser.validateLink = (url) => SAFE_LINK.test(url.trim());

const plain = parser.renderer.rules["link_open"];
parser.renderer.rules["link_open"] = (tokens, at, options, env, self) => {
  tokens[at]?.attrSet("target", "_blank");
  tokens[at]?.attrSet("rel", "noopener noreferrer");
  return plain ? plain(tokens, at, options, env, self) : self.renderToken(tokens, at, options);
};

export const markdown = (text: string): string => parser.render(text);
