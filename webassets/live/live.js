// What live figures share: a registry, elements, the state in the address, one voice for screen
// readers. A page loads this file, then NAME.js (register), then NAME.data.js (data), all as
// classic scripts, so that a page opened from disk works too.
(function (root, factory) {
  "use strict";
  const made = factory(root);
  if (typeof module === "object" && module.exports) {
    module.exports = made;
    return;
  }
  root.EmbeddingsTested = root.EmbeddingsTested || {};
  root.EmbeddingsTested.live = made;
  made.start();
})(typeof window === "undefined" ? globalThis : window, (root) => {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const figures = {};
  const payloads = {};
  const waiting = {};
  let counter = 0;

  // --- registry -----------------------------------------------------------------------------

  /** Announce how figure `name` is drawn: `{mount(root, payload, options)}`. */
  function register(name, figure) {
    figures[name] = figure;
  }

  /** Hand over the data of figure `name`; called by NAME.data.js. */
  function data(name, payload) {
    payloads[name] = payload;
  }

  /** Hand over the large data of figure `name`; called by NAME.large.js. */
  function large(name, value) {
    if (!waiting[name]) return;
    waiting[name].given = true;
    waiting[name].done(value);
  }

  /** Load NAME.large.js once, on request; resolves to its data. Works from disk too. */
  function loadLarge(name) {
    if (!waiting[name]) {
      const entry = {};
      entry.promise = new Promise((done, failed) => {
        entry.done = done;
        const script = document.createElement("script");
        const give = (said) => () => {
          delete waiting[name];
          script.remove();
          failed(new Error(`${name}.large.js ${said}: try again, or build the site anew`));
        };
        script.src = `${base()}${name}.large.js`;
        script.onerror = give("could not be loaded");
        document.head.append(script);
        // It has run by then: one that has handed over nothing (cut short, say) never will.
        script.onload = () => { if (!entry.given) give("holds no data")(); };
      });
      waiting[name] = entry;
    }
    return waiting[name].promise;
  }

  /** The folder of this script, as the page addresses it. */
  function base() {
    const own = document.querySelector('script[src*="live/live.js"]');
    return own ? own.src.replace(/live\.js(\?.*)?$/, "") : "_static/live/";
  }

  // --- elements -------------------------------------------------------------------------------

  function fill(node, attributes, children) {
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on") && typeof value === "function") {
        node.addEventListener(key.slice(2), value);
      } else {
        node.setAttribute(key, value === true ? "" : String(value));
      }
    }
    node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
    return node;
  }

  /** Make an HTML element: `el("button", {type: "button", onclick: f}, "Go")`. Text stays text. */
  function el(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
  }

  /** Make an SVG element. */
  function svg(tag, attributes, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
  }

  /** A new id, unique on the page. */
  function uid(stem) {
    counter += 1;
    return `live-${stem}-${counter}`;
  }

  // --- markers: the shapes that lib.plot gives the methods --------------------------------------

  /** Corners of a shape with `n` corners around 0, 0; the first at `turn` degrees from the right. */
  function corners(n, radius, turn, inner) {
    const points = [];
    for (let i = 0; i < n; i += 1) {
      const angle = ((turn + (360 * i) / n) * Math.PI) / 180;
      const r = inner && i % 2 ? inner : radius;
      points.push(`${(r * Math.cos(angle)).toFixed(2)},${(r * Math.sin(angle)).toFixed(2)}`);
    }
    return points.join(" ");
  }

  const PLUS = "-2,-6 2,-6 2,-2 6,-2 6,2 2,2 2,6 -2,6 -2,2 -6,2 -6,-2 -2,-2";
  const SHAPES = {
    s: corners(4, 7, 45), D: corners(4, 7.4, 0), d: "0,-7.5 4.6,0 0,7.5 -4.6,0",
    v: corners(3, 7.6, 90), "^": corners(3, 7.6, -90), "<": corners(3, 7.6, 180),
    ">": corners(3, 7.6, 0), p: corners(5, 6.8, -90), h: corners(6, 6.6, -90),
    8: corners(8, 6.4, 22.5), "*": corners(10, 9.5, -90, 4), P: PLUS, X: PLUS,
  };

  /** Draw the marker of a method, `{colour, marker}`, as a decoration of 20 by 20 pixels. */
  function marker(style) {
    const paint = { fill: style.colour, class: "live-marker" };
    const shape = style.marker === "o" || !SHAPES[style.marker]
      ? svg("circle", { r: 6, ...paint })
      : svg("polygon", {
        points: SHAPES[style.marker],
        transform: style.marker === "X" ? "rotate(45)" : null,
        ...paint,
      });
    const size = { viewBox: "-10 -10 20 20", width: 20, height: 20 };
    return svg("svg", { ...size, "aria-hidden": "true", focusable: "false" }, shape);
  }

  // --- numbers --------------------------------------------------------------------------------

  /**
   * Write a number with fixed decimals and a true minus sign; never "-0.00". Of two numbers that
   * are equally near the even one, as Python does it, so that the table says the same.
   */
  function format(value, digits = 2) {
    const text = halfway(value, digits) ? toEven(value, digits) : value.toFixed(digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
  }

  /** Whether a number lies exactly between two with so many decimals, as 0.125 does. */
  function halfway(value, digits) {
    return Number.isInteger(value * 2 ** (digits + 1)) && !Number.isInteger(value * 2 ** digits);
  }

  function toEven(value, digits) {
    const below = Math.floor(value * 10 ** digits);
    return ((below + Math.abs(below % 2)) / 10 ** digits).toFixed(digits);
  }

  /** Write a whole number with a comma every three digits. */
  function whole(number) {
    return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
  }

  /** Say how many: "1 word", "2,000 words". */
  function plural(number, one, many) {
    return `${whole(number)} ${number === 1 ? one : many}`;
  }

  /** Join the parts of a list as a sentence does: "a, b and c". */
  function listed(parts) {
    return parts.length < 2 ? parts.join("")
      : `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
  }

  /** Write a share as whole percent, as Python does where it lies halfway. */
  function percent(share) {
    return `${format(100 * share, 0)} %`;
  }

  // --- spellings ------------------------------------------------------------------------------

  /** How many letters must be put in, taken out or replaced; more than `most` is not told apart. */
  function editDistance(a, b, most = Infinity) {
    let above = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i += 1) {
      const row = [i];
      let least = i;
      for (let j = 1; j <= b.length; j += 1) {
        const change = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
        row.push(Math.min(above[j] + 1, row[j - 1] + 1, change));
        least = Math.min(least, row[j]);
      }
      if (least > most) return least;
      above = row;
    }
    return above[b.length];
  }

  /** The words spelled most like this one, as lib.text.nearest_spellings finds them. */
  function nearestSpellings(word, words, limit = 3, most = 2) {
    const letters = [...word];
    const near = [];
    words.forEach((other, i) => {
      if (Math.abs(other.length - word.length) > 2 * most) return;
      const distance = editDistance(letters, [...other], most);
      if (distance <= most) near.push({ other, distance, i });
    });
    near.sort((a, b) => a.distance - b.distance || a.i - b.i);
    return near.slice(0, limit).map(({ other }) => other);
  }

  // --- state in the address -------------------------------------------------------------------

  /** Read parameter `name` of a query string such as "?a=1"; "" if it is not there. */
  function readQuery(search, name) {
    return new URLSearchParams(search).get(name) || "";
  }

  /** Set (or, with "", remove) parameter `name` of a query string; the others stay. */
  function writeQuery(search, name, value) {
    const query = new URLSearchParams(search);
    if (value) query.set(name, value);
    else query.delete(name);
    const text = query.toString();
    return text ? `?${text}` : "";
  }

  /**
   * The state of figure `name` in the page's address: survives a reload, can be sent to others,
   * leaves the part after # to the headings.
   */
  function state(name) {
    return {
      read: () => readQuery(location.search, name),
      write(value) {
        const address = location.pathname + writeQuery(location.search, name, value) + location.hash;
        try {
          history.replaceState(history.state, "", address);
        } catch (error) {
          /* a page that may not change its address works without */
        }
      },
      link(anchor) {
        const hash = anchor ? `#${anchor}` : location.hash;
        return location.href.split(/[?#]/)[0] + location.search + hash;
      },
    };
  }

  // --- speech -----------------------------------------------------------------------------------

  let voice = null;
  /** Put the place that is read aloud on the page: a screen reader must know it before it speaks. */
  function prepareVoice() {
    voice = el("div", { class: "live-voice", "aria-live": "polite", role: "status" });
    document.body.append(voice);
  }

  /** Let a screen reader say `text` when it is done with what it says now. */
  function announce(text) {
    voice.textContent = "";
    setTimeout(() => {
      voice.textContent = text;
    }, 60);
  }

  /** Say, to the eye and to the ear, what is missing before a button can do its work. */
  function remind(box, text) {
    let note = box.querySelector(".live-remind");
    if (!note) {
      note = el("p", { class: "live-remind" });
      box.append(note);
    }
    note.textContent = text;
    announce(text);
  }

  // --- controls ---------------------------------------------------------------------------------

  /** A button. */
  function button(label, onclick, attributes) {
    return el("button", { type: "button", class: "live-button", onclick, ...attributes }, label);
  }

  /** A button that brings the figure back to its beginning. */
  function resetButton(onclick, label = "Start again") {
    return button(label, onclick, { class: "live-button live-quiet" });
  }

  /** A button that copies the address of the page with the figure's state. */
  function copyLinkButton(address, label = "Copy link") {
    const own = button(label, copy, { class: "live-button live-quiet" });
    function said(text) {
      own.textContent = text;
      announce(text);
      setTimeout(() => {
        own.textContent = label;
      }, 2000);
    }
    function copy() {
      const text = address();
      const written = navigator.clipboard
        ? navigator.clipboard.writeText(text)
        : Promise.reject(new Error("no clipboard"));
      written.then(
        () => said("Link copied"),
        () => said(copyOldWay(text) ? "Link copied" : "Copy it from the address bar"),
      );
    }
    return own;
  }

  function copyOldWay(text) {
    const field = el("textarea", { class: "live-voice", "aria-hidden": "true", tabindex: "-1" });
    field.value = text;
    document.body.append(field);
    field.select();
    let worked = false;
    try {
      worked = document.execCommand("copy");
    } catch (error) {
      worked = false;
    }
    field.remove();
    return worked;
  }

  // Native fields, each with a label; `set` brings a field to a value without calling `onchange`.
  // They look as live.css says of `live-field`, or as the figure's own style says of `kind`.

  /** A drop-down list; `choices` are pairs of value and text. */
  function select(label, choices, onchange, kind = "live-field") {
    const id = uid("select");
    const own = el(
      "select", { id, onchange: () => onchange(own.value) },
      choices.map(([value, text]) => el("option", { value }, text)),
    );
    const box = el("div", { class: kind }, el("label", { for: id }, label), own);
    return { box, set: (value) => { own.value = value; } };
  }

  /**
   * A slider over a few `values`, which says in words, to the eye and to the ear, where it stands:
   * `say(value, ...context)`, with the context that `set` was given last.
   */
  function slider(label, values, say, onchange, kind = "live-field") {
    const id = uid("slider");
    const output = el("output", { for: id });
    let context = [];
    const own = el("input", {
      id, type: "range", min: 0, max: values.length - 1, step: 1,
      oninput: () => {
        const value = values[Number(own.value)];
        tell(value);
        onchange(value);
      },
    });
    function tell(value) {
      const text = say(value, ...context);
      output.textContent = text;
      own.setAttribute("aria-valuetext", text);
    }
    return {
      box: el("div", { class: kind }, el("label", { for: id }, label), own, output),
      /** Bring it to a value; one between two places (from an address, say) stands at the nearer. */
      set(value, ...given) {
        context = given;
        own.value = nearest(values, value);
        tell(value);
      },
    };
  }

  /** The place of a number in a list, or of the one that comes nearest to it. */
  function nearest(values, value) {
    const apart = values.map((one) => Math.abs(one - value));
    return apart.indexOf(Math.min(...apart));
  }

  /** The numbers from `from` to `to`, `step` apart, free of the dust of adding fractions. */
  function steps(from, to, step) {
    const many = Math.round((to - from) / step) + 1;
    return Array.from({ length: many }, (_, i) => Math.round((from + i * step) * 1e9) / 1e9);
  }

  /** A box to tick. */
  function checkbox(label, onchange) {
    const own = el("input", { type: "checkbox", onchange: () => onchange(own.checked) });
    const box = el("label", { class: "live-check" }, own, label);
    return { box, set: (value) => { own.checked = value; } };
  }

  /** Buttons of which one is pressed in; `choices` are pairs of value and text. */
  function radios(label, choices, onchange) {
    const name = uid("choice");
    const inputs = choices.map(([value]) => el("input", {
      type: "radio", name, value, onchange: () => onchange(value),
    }));
    const box = el(
      "fieldset", { class: "live-field live-radios" }, el("legend", {}, label),
      el("div", { class: "live-choices" }, choices.map(([, text], i) => el(
        "label", { class: "live-choice" }, inputs[i], el("span", {}, text),
      ))),
    );
    return {
      box,
      set(value) {
        choices.forEach(([own], i) => { inputs[i].checked = own === value; });
      },
    };
  }

  /**
   * The question that comes first: nothing is shown until the reader has chosen, or wants to see it
   * without a guess. `onguess` is given the place of the choice as text, or "skip".
   */
  function ask(question, choices, onguess) {
    const name = uid("guess");
    const box = el("div", { class: "live-ask" });
    function commit() {
      const chosen = box.querySelector("input:checked");
      if (chosen) {
        onguess(chosen.value);
        return;
      }
      remind(box.querySelector(".live-actions"), "Choose one of the answers first.");
      box.querySelector("input").focus();
    }
    box.append(
      el(
        "fieldset", {}, el("legend", {}, question),
        el("div", { class: "live-choices" }, choices.map((choice, i) => el(
          "label", { class: "live-choice" }, el("input", { type: "radio", name, value: i }),
          el("span", {}, choice),
        ))),
      ),
      el(
        "div", { class: "live-actions" },
        button("That is my guess", commit, { class: "live-button live-main" }),
        button("Show me without a guess", () => onguess("skip"), { class: "live-button live-quiet" }),
      ),
    );
    return box;
  }

  /** Move the focus to a paragraph that has just appeared, so that it is read next. */
  function focusOn(node) {
    node.setAttribute("tabindex", "-1");
    node.focus();
  }

  /** The last line of a figure: start again, copy the link. */
  function foot(onreset, link) {
    return el("div", { class: "live-foot" }, resetButton(onreset), copyLinkButton(link));
  }

  // --- start ------------------------------------------------------------------------------------

  /** Put the instrument above the table, and fold the table; on failure leave the table alone. */
  function mountOne(figure) {
    const name = figure.dataset.live;
    if (figure.dataset.mounted) return;
    const stage = el("div", { class: "live-stage" });
    const table = figure.querySelector(".live-fallback");
    try {
      if (!figures[name]) throw new Error(`${name}.js did not load: the table stays`);
      if (!payloads[name]) throw new Error(`${name}.data.js did not load: the table stays`);
      figure.insertBefore(stage, table);
      figures[name].mount(stage, payloads[name], { mode: figure.dataset.mode || "full", figure });
    } catch (error) {
      stage.remove();
      figure.classList.add("live-failed"); // live.css hides the table until then
      throw error;
    }
    figure.dataset.mounted = "yes";
    fold(figure, table);
  }

  function fold(figure, table) {
    const box = el("details", { class: "live-data" }, el("summary", {}, "The numbers behind it"));
    // site.js makes wide blocks reachable by keyboard; a folded one has no width until it opens.
    box.addEventListener("toggle", () => root.dispatchEvent(new Event("resize")));
    table.before(box);
    box.append(table);
    const links = figure.querySelector(".live-links");
    if (links) box.append(links);
  }

  /** On paper nothing can be unfolded: show the numbers there, and fold again what was folded. */
  function unfoldOnPaper() {
    const folded = () => [...document.querySelectorAll("details.live-data:not([open])")];
    let opened = [];
    root.addEventListener("beforeprint", () => {
      opened = folded();
      opened.forEach((box) => { box.open = true; });
    });
    root.addEventListener("afterprint", () => opened.forEach((box) => { box.open = false; }));
  }

  function mountAll() {
    prepareVoice();
    document.querySelectorAll("figure.live[data-live]").forEach((figure) => {
      try {
        mountOne(figure);
      } catch (error) {
        console.error(error);
      }
    });
  }

  /** Begin when the page and the scripts after this one, all deferred, are there. */
  function start() {
    unfoldOnPaper();
    if (document.readyState === "complete") mountAll();
    else document.addEventListener("DOMContentLoaded", mountAll);
  }

  return {
    register, data, large, loadLarge, el, svg, uid, marker, format, whole, plural, listed, percent,
    readQuery, writeQuery, state, announce, remind, button, resetButton, copyLinkButton, select,
    slider, nearest, steps, checkbox, radios, ask, focusOn, foot, editDistance, nearestSpellings, start,
  };
});
