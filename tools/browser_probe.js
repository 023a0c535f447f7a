// What the browser checks ask of a page. Run inside the page by tools/browser.py; the site itself
// never loads this file.
(() => {
  "use strict";

  /** Name an element so that a reader of the fault finds it. */
  function label(element) {
    const id = element.id ? `#${element.id}` : "";
    const classes = [...element.classList].slice(0, 3).map((name) => `.${name}`).join("");
    const text = (element.textContent || "").trim().replace(/\s+/g, " ").slice(0, 30);
    return `${element.localName}${id}${classes}` + (text ? ` "${text}"` : "");
  }

  /** Tell whether an element takes visible room. */
  function seen(element) {
    const box = element.getBoundingClientRect();
    if (box.width <= 1 || box.height <= 1) return false;
    return element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  }

  /** Tell whether an ancestor scrolls or clips what is too wide inside it. */
  function held(element) {
    for (let up = element.parentElement; up && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== "visible") return true;
    }
    return false;
  }

  /** Elements that reach beyond the right edge of the window with nothing to hold them. */
  function beyond() {
    const width = document.documentElement.clientWidth;
    return [...document.body.querySelectorAll("*")].filter(
      (e) => e.getBoundingClientRect().right > width + 1 && seen(e) && !held(e),
    );
  }

  /** Blocks that reach out of their cell: on a phone a cell draws nothing outside itself. */
  function cut() {
    if (document.documentElement.clientWidth >= 768) return [];
    return [...document.querySelectorAll("div.cell :is(.figure-frame, pre, table)")].filter((e) => {
      const box = e.getBoundingClientRect();
      const cell = e.closest("div.cell");
      const room = cell.getBoundingClientRect();
      if ((box.left >= room.left - 1 && box.right <= room.right + 1) || !seen(e)) return false;
      for (let up = e.parentElement; up !== cell; up = up.parentElement) {
        if (getComputedStyle(up).overflowX !== "visible") return false;
      }
      return true;
    });
  }

  /** How wide the page is, which elements make it wider than the window, and which are cut. */
  function sideways() {
    const root = document.documentElement;
    const wide = root.scrollWidth > root.clientWidth;
    const makers = wide ? beyond().slice(-3).map(label) : [];
    const lost = cut().slice(0, 3).map(label);
    return { scroll: root.scrollWidth, client: root.clientWidth, makers, cut: lost };
  }

  /** One element of each kind of text: colours, ground, size and weight alike. */
  function kindsOfText() {
    const grounds = new WeakMap();
    const ground = (element) => {
      if (!element) return "";
      if (!grounds.has(element)) {
        const s = getComputedStyle(element);
        const own = [s.backgroundColor, s.backgroundImage, s.opacity, s.filter].join();
        grounds.set(element, `${own};${ground(element.parentElement)}`);
      }
      return grounds.get(element);
    };
    const kinds = new Map();
    for (const element of document.body.querySelectorAll("*")) {
      const speaks = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
      if (!speaks || !seen(element)) continue;
      const s = getComputedStyle(element);
      const key = [s.color, s.fontSize, s.fontWeight, s.textShadow, ground(element)].join();
      const kind = kinds.get(key) || [];
      if (kind.length < 2) kinds.set(key, [...kind, element]);
    }
    return [...kinds.values()].flat();
  }

  /** The violations that axe reports, shortened. */
  function shorten(result) {
    return result.violations.map((v) => ({
      id: v.id,
      help: v.help,
      count: v.nodes.length,
      where: v.nodes.slice(0, 2).map((n) => n.target.join(" ")),
    }));
  }

  /**
   * Run axe: all rules on everything, or, quicker, the contrast of one text of each kind, since
   * a page of code has ten thousand coloured words and a dozen colours.
   */
  async function barriers(everything) {
    // No preload: axe would fetch the style sheets again, and resolve their imports wrongly.
    const options = { resultTypes: ["violations"], preload: false };
    if (everything) return shorten(await axe.run(document, options));
    const rest = { ...options, rules: { "color-contrast": { enabled: false } } };
    const contrast = { ...options, runOnly: ["color-contrast"] };
    const found = shorten(await axe.run(document, rest));
    return [...found, ...shorten(await axe.run({ include: kindsOfText() }, contrast))];
  }

  const TEX = /\\[()[\]]|\\(?:frac|sum|mathbf|mathrm|text|begin|sqrt|cdot|operatorname)\b|\$\$/;

  /** Formulas on the page, those that were set, and text that still is TeX. */
  function formulas() {
    const wanted = [...document.querySelectorAll(".math")];
    const set = wanted.filter((e) => e.querySelector("mjx-container, math, .katex"));
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const raw = [];
    while (walker.nextNode()) {
      const inside = walker.currentNode.parentElement;
      const skip = inside.closest("pre, code, script, style, template, textarea, annotation");
      if (!skip && TEX.test(walker.currentNode.data)) raw.push(walker.currentNode.data.trim());
    }
    return { wanted: wanted.length, set: set.length, raw: raw.map((t) => t.slice(0, 60)) };
  }

  /** What a reader finds on the page, to compare it with and without scripts. */
  function content() {
    const main = document.querySelector("main") || document.body;
    // A live figure differs by design: its table without scripts, its instrument with them.
    const shown = (selector) => [...main.querySelectorAll(selector)]
      .filter((e) => seen(e) && !e.closest("[data-live]"));
    const bare = main.cloneNode(true);
    bare.querySelectorAll("script, style, button, .math, mjx-container, [aria-live], [data-live]")
      .forEach((e) => e.remove());
    return {
      headings: shown("h1, h2, h3").map((e) => e.textContent.trim().replace(/\s*#$/, "")),
      words: (bare.textContent.match(/\S+/g) || []).length,
      tables: shown("table").length,
      pictures: shown("figure svg, .figure-frame svg, img").length,
      live: [...main.querySelectorAll("[data-live]")].map((e) => e.dataset.live),
      withoutFallback: [...main.querySelectorAll("[data-live]")]
        .filter((e) => ![...e.querySelectorAll("table, p")].some(seen))
        .map((e) => e.dataset.live),
    };
  }

  /** Tell whether a formula is wider than the box that holds it. */
  function tooWideFormula(box) {
    const drawn = [...box.querySelectorAll("mjx-math")].map((e) => e.getBoundingClientRect().right);
    return drawn.some((right) => right > box.getBoundingClientRect().right + 2);
  }

  const CHROME = "nav, button, dialog, form, [role=navigation], [role=search], input, select";

  /** What of the page around the text is printed, and what of the text is cut. */
  function printed() {
    const ours = [...document.querySelectorAll(CHROME)].filter((e) => seen(e));
    const outside = ours.filter((e) => !e.closest("[data-live]"));
    const cut = [...document.querySelectorAll("main *")].filter((e) => {
      // The hidden MathML beside a formula counts as overflow of the formula's box: look at the rest.
      const formula = e.closest(".math");
      if (!seen(e) || e.closest("svg, .visually-hidden, .sr-only")) return false;
      if (formula) return e === formula && tooWideFormula(e);
      const s = getComputedStyle(e);
      const sideways = s.overflowX !== "visible" && e.scrollWidth > e.clientWidth + 2;
      return e.clientWidth > 0 && s.display !== "inline" && sideways;
    });
    return {
      around: outside.map(label),
      cut: [...cut, ...beyond()].map(label),
      words: (document.querySelector("main")?.innerText.match(/\S+/g) || []).length,
    };
  }

  window.bookProbe = { barriers, content, formulas, label, printed, seen, sideways };
})();
