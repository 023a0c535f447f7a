// What a result of the search shows of its page: prose around the words, cut between words, with
// formulas as text. Sphinx would show what stands in the HTML: menus, labels of figures, code.
(function (root, factory) {
  "use strict";
  const made = factory();
  if (typeof module === "object" && module.exports) module.exports = made;
  else if (root.document) made.attach();
})(typeof window === "undefined" ? globalThis : window, () => {
  "use strict";

  const LENGTH = 240; // characters of an excerpt
  const BEFORE = 80; // of them before the first word that was asked for, at most
  const FRAME =
    ".headerlink, script, style, noscript, template, svg, summary, button, figure.live, " +
    ".book-place, .book-notebook, .last-run, .answer-label, .eqno, .rests-on, .visually-hidden";
  const NOT_PROSE = ".cell_input, .cell_output, pre, table, div.math";
  const SIGNS = { mfrac: "/", msub: "_", munder: "_", msup: "^", mover: "^", msubsup: "_^", munderover: "_^" };

  /**
   * Where a word begins in a text, at the beginning of a word; in any place if nowhere else. What
   * was asked for comes as its stem, which need not stand in the text: vocabulari, of vocabulary.
   */
  function places(text, word) {
    const found = [];
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) found.push(at);
    if (!found.length && word.length > 4) return places(text, word.slice(0, -1));
    const heads = found.filter((at) => at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]));
    return heads.length ? heads : found;
  }

  /** The first place with as many of the words as possible within the next letters; -1 if none. */
  function bestPlace(text, words) {
    const lower = text.toLowerCase();
    const of = words.map((word) => places(lower, word.toLowerCase()));
    let best = -1;
    let most = 0;
    for (const at of of.flat().sort((a, b) => a - b)) {
      const near = of.filter((list) => list.some((p) => p >= at && p < at + LENGTH - BEFORE)).length;
      if (near > most) [best, most] = [at, near];
    }
    return best;
  }

  /** An excerpt of a text around some of the words, from the start of a sentence if one is near. */
  function excerpt(text, words) {
    const plain = text.replace(/[\u2061-\u2064]/g, "").replace(/\s+/g, " ").trim();
    const at = Math.max(0, bestPlace(plain, words));
    let start = Math.max(0, at - BEFORE);
    if (start) {
      const before = plain.slice(start, at);
      const sentence = Math.max(...[". ", "? "].map((end) => before.lastIndexOf(end)));
      if (sentence >= 0) start += sentence + 2;
      else start += before.indexOf(" ") + 1;
    }
    let end = Math.min(plain.length, start + LENGTH);
    if (end < plain.length) {
      const space = plain.lastIndexOf(" ", end);
      if (space > Math.max(start, at)) end = space;
    }
    const open = start && !/[.?]$/.test(plain.slice(0, start).trim());
    const cut = end < plain.length && !/[.?]$/.test(plain.slice(0, end));
    return (open ? "\u2026 " : "") + plain.slice(start, end) + (cut ? " \u2026" : "");
  }

  /** Write the formulas of a page in one line each, as one would type them. */
  function typeFormulas(page) {
    for (const formula of page.querySelectorAll("mjx-container")) {
      for (const part of formula.querySelectorAll(Object.keys(SIGNS).join(","))) {
        const signs = SIGNS[part.localName];
        [...signs].forEach((sign, place) => part.children[place]?.after(sign));
      }
      formula.replaceWith(formula.querySelector("math")?.textContent ?? "");
    }
  }

  /** The part of a page that a result stands for, without the frame of the site. */
  function partOf(page, anchor) {
    const article = page.querySelector("article.bd-article") ?? page.querySelector("[role=main]");
    const id = decodeURIComponent((anchor || "").replace(/^#/, ""));
    const part = (id && page.getElementById(id)) || article || page.body;
    if (part.localName !== "dt") return part;
    const entry = page.createElement("div"); // of the glossary: the term and what it means
    entry.append(part.cloneNode(true), part.nextElementSibling?.cloneNode(true) ?? "");
    return entry;
  }

  function textOf(part, without) {
    const copy = part.cloneNode(true);
    copy.querySelectorAll(without).forEach((element) => element.remove());
    copy.querySelectorAll("h1, h2, h3, h4, p, li, dt, dd, th, td, .where").forEach((e) => {
      e.prepend(" ");
      e.append(" ");
    });
    copy.querySelectorAll(":is(h1, h2, h3, h4, dt)").forEach((e) => {
      const said = e.textContent.trim();
      if (said && !/[.?:]$/.test(said)) e.textContent = `${said}. `;
    });
    return copy.textContent;
  }

  function summary(html, words, anchor) {
    const page = new DOMParser().parseFromString(html, "text/html");
    typeFormulas(page);
    const part = partOf(page, anchor);
    const asked = [...words];
    const prose = textOf(part, `${FRAME}, ${NOT_PROSE}`);
    const all = bestPlace(prose, asked) < 0 ? textOf(part, FRAME) : prose;
    const shown = document.createElement("p");
    shown.className = "context";
    shown.textContent = excerpt(all, asked);
    return shown;
  }

  function attach() {
    Search.makeSearchSummary = summary;
  }

  return { excerpt, bestPlace, attach };
});
