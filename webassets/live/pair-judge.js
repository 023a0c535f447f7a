// The pair judge: rate pairs of sentences, then see which method puts them in your order.
// The calculations come first and touch no page: tests/test_live_js.py compares them with
// lib.live_pairs, name by name.
(function (root, factory) {
  "use strict";
  const made = factory();
  if (typeof module === "object" && module.exports) module.exports = made.pure;
  else root.EmbeddingsTested.live.register("pair-judge", made);
})(typeof window === "undefined" ? globalThis : window, () => {
  "use strict";

  const DUST = 1e-9; // differences below are rounding

  // --- calculations -----------------------------------------------------------------------------

  /** Ranks from 1; equal values share the mean of the ranks they fill. */
  function averageRanks(values) {
    const order = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
    const ranks = new Array(values.length);
    for (let start = 0; start < order.length;) {
      let end = start + 1;
      while (end < order.length && values[order[end]] === values[order[start]]) end += 1;
      for (let k = start; k < end; k += 1) ranks[order[k]] = (start + end + 1) / 2;
      start = end;
    }
    return ranks;
  }

  function mean(values) {
    return values.reduce((sum, x) => sum + x, 0) / values.length;
  }

  /** Pearson's correlation; null if a list is constant. */
  function pearson(x, y) {
    const mx = mean(x);
    const my = mean(y);
    let xy = 0;
    let xx = 0;
    let yy = 0;
    x.forEach((value, i) => {
      xy += (value - mx) * (y[i] - my);
      xx += (value - mx) ** 2;
      yy += (y[i] - my) ** 2;
    });
    if (xx === 0 || yy === 0) return null;
    return Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
  }

  /** Spearman's rank correlation: Pearson's of the ranks; null if a list is constant. */
  function spearman(x, y) {
    return pearson(averageRanks(x), averageRanks(y));
  }

  function without(values, i) {
    return values.filter((_, k) => k !== i);
  }

  /**
   * Jackknife over the pairs: leave out one at a time; {low, high}, or null where it cannot be
   * had: undefined without one of the pairs, or the same whichever is left out.
   */
  function jackknife(statistic, lists, t) {
    const n = lists[0].length;
    const value = statistic(...lists);
    const left = lists[0].map((_, i) => statistic(...lists.map((list) => without(list, i))));
    if (value === null || left.includes(null)) return null;
    const middle = mean(left);
    const squares = left.reduce((sum, x) => sum + (x - middle) ** 2, 0);
    const half = t * Math.sqrt(((n - 1) / n) * squares);
    return 2 * half > DUST ? { low: value - half, high: value + half } : null;
  }

  /** How far the first model's correlation with the reader lies above the second's. */
  function difference(mine, first, second) {
    const a = spearman(mine, first);
    const b = spearman(mine, second);
    return a === null || b === null ? null : a - b;
  }

  /** Equal correlations must be equal whatever the order of summation; undefined ones come last. */
  function sortable(rho) {
    return rho === null ? -2e9 : Math.round(rho * 1e9);
  }

  /**
   * The agreement of each method with the reader, best first: {method, rho, low, high, apart}.
   * `apart`: do the pairs tell it from the best one? null where there is no telling. Empty below
   * `data.fewest` ratings, and if all ratings are the same.
   */
  function agreements(ratings, data) {
    const rated = ratings.map((_, i) => i).filter((i) => ratings[i] !== null);
    const mine = rated.map((i) => ratings[i]);
    if (rated.length < data.fewest || new Set(mine).size === 1) return [];
    const t = data.quantiles[rated.length] || null;
    const found = data.methods.map((method, m) => {
      const theirs = rated.map((i) => data.pairs[i].cosines[m]);
      const bounds = t ? jackknife(spearman, [mine, theirs], t[0]) : null;
      return {
        method: method.name,
        theirs,
        rho: spearman(mine, theirs),
        low: bounds && Math.max(-1, bounds.low),
        high: bounds && Math.min(1, bounds.high),
      };
    });
    found.sort((a, b) => sortable(b.rho) - sortable(a.rho));
    const best = found[0];
    return found.map(({ theirs, ...entry }, place) => {
      const gap = t && place > 0 ? jackknife(difference, [mine, best.theirs, theirs], t[1]) : null;
      return { ...entry, apart: gap ? gap.low > 0 : null };
    });
  }

  // --- state: one sign a pair, 0 to 9, a for 10, - for not yet ------------------------------------

  /** Write ratings as text for the address; "" if nothing is rated. */
  function encode(ratings) {
    const signs = ratings.map((r) => (r === null ? "-" : r.toString(11)));
    return signs.join("").replace(/-+$/, "");
  }

  /** Read ratings from an address; whatever is no rating counts as not yet rated. */
  function decode(text, n) {
    return Array.from({ length: n }, (_, i) => {
      const sign = String(text).charAt(i);
      return /^[0-9a]$/.test(sign) ? parseInt(sign, 11) : null;
    });
  }

  /** The next pair without a rating after `from`, going round; null if all are rated. */
  function nextUnrated(ratings, from) {
    for (let step = 1; step <= ratings.length; step += 1) {
      const i = (from + step) % ratings.length;
      if (ratings[i] === null) return i;
    }
    return null;
  }

  // --- words --------------------------------------------------------------------------------------

  const SMALL = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve"];

  function numberWord(n) {
    return n < SMALL.length ? SMALL[n] : String(n);
  }

  function capital(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
  }

  function list(names, last = "and") {
    if (names.length < 2) return names.join("");
    return `${names.slice(0, -1).join(", ")} ${last} ${names[names.length - 1]}`;
  }

  /** What a rating means, in words. */
  function inWords(rating) {
    if (rating === 0) return "nothing to do with each other";
    if (rating <= 2) return "hardly similar";
    if (rating <= 4) return "a little similar";
    if (rating <= 6) return "rather similar";
    if (rating <= 8) return "very similar";
    return rating === 9 ? "nearly the same" : "mean the same";
  }

  /** What the ratings so far can say, in plain words: {verdict, doubt}. */
  function conclude(ratings, data) {
    const n = ratings.filter((r) => r !== null).length;
    const found = agreements(ratings, data);
    if (n < data.fewest) {
      const more = data.fewest - n;
      const text = `${capital(numberWord(more))} more pair${more > 1 ? "s" : ""}, and you see which `
        + "method orders them as you do.";
      return { verdict: text, doubt: "" };
    }
    if (!found.length) {
      return {
        verdict: `You gave all ${numberWord(n)} pairs the same rating.`,
        doubt: "Without a difference there is no order, so no method can agree or disagree with you.",
      };
    }
    return compareWords(found, n, data);
  }

  function compareWords(found, n, data) {
    const label = (entry) => data.methods.find((m) => m.name === entry.method).label;
    const defined = found.filter((entry) => entry.rho !== null);
    if (!defined.length) {
      return { verdict: "No method puts these pairs in any order: all cosines are equal.", doubt: "" };
    }
    const best = defined.filter((entry) => defined[0].rho - entry.rho < DUST);
    const names = list(best.map(label));
    const whose = `${names} ${best.length > 1 ? "come" : "comes"} nearest to your order`;
    const verdict = defined[0].rho <= 0
      ? "No method puts the pairs in an order like yours."
      : `${whose}${n < ratingsAsked(data) ? " so far" : ""}.`;
    if (n < data.fewestForInterval) {
      return {
        verdict,
        doubt: `Provisional: from ${numberWord(data.fewestForInterval)} pairs on there is an interval.`,
      };
    }
    // The pairs were asked about the first of them: only of it may be said what they tell.
    const it = defined[0].rho > 0 && best.length === 1 ? "it" : label(best[0]);
    return { verdict, doubt: doubtWords(found.filter((e) => !best.includes(e)), it, n, label) };
  }

  function ratingsAsked(data) {
    return data.pairs.length;
  }

  function doubtWords(others, it, n, label) {
    const pairs = `${capital(numberWord(n))} pairs`;
    const apart = others.filter((entry) => entry.apart === true).map(label);
    const open = others.filter((entry) => entry.apart !== true).map(label);
    if (!others.length) return `${pairs} cannot tell the methods apart.`;
    if (!apart.length) return `${pairs} cannot tell ${it} from ${list(open, "or")}.`;
    if (!open.length) return `${pairs} are enough to tell ${it} from all the others.`;
    return `${pairs} tell ${it} from ${list(apart)}, but not from ${list(open, "or")}.`;
  }

  /** One spoken sentence with every answer to a pair. */
  function answers(rating, pair, data, format) {
    const theirs = data.methods.map((m, i) => `${m.label} ${format(pair.cosines[i])}`);
    return `You ${rating} of ${data.top}; ${theirs.join(", ")}.`;
  }

  // --- the page -----------------------------------------------------------------------------------

  /** Put the instrument into `stage`. */
  function mount(stage, payload, options) {
    const live = window.EmbeddingsTested.live;
    const { el, marker, format, button, announce } = live;
    const { data } = payload;
    const n = data.pairs.length;
    const address = live.state("pair-judge");
    let ratings = decode(address.read(), n);
    let view = startingView();
    let brief = options.mode === "front" && ratings.filter((r) => r !== null).length < 2;
    stage.classList.add("pj");
    render();

    function startingView() {
      for (let i = n - 1; i >= 0; i -= 1) if (ratings[i] !== null) return i;
      return 0;
    }

    function count() {
      return ratings.filter((r) => r !== null).length;
    }

    function render() {
      options.figure.classList.toggle("pj-brief", brief);
      const parts = [head(), sentences(), board(), note(), actions()];
      if (!brief && count() > 0) parts.push(agreementPanel());
      if (count() === n) parts.push(overview());
      stage.replaceChildren(...parts.filter(Boolean));
    }

    /** Where we are: a step for each pair, and the way back and forth. */
    function head() {
      const question = "How similar are these two sentences?";
      if (brief) return el("p", { class: "pj-question" }, question);
      const steps = ratings.map((r, i) => el("span", {
        class: `pj-step${r === null ? "" : " pj-done"}${i === view ? " pj-here" : ""}`,
      }));
      return el("div", { class: "pj-head" },
        el("p", { class: "pj-question" }, question),
        el("div", { class: "pj-nav" },
          turn("Back one pair", "\u2039", -1),
          el("span", { class: "pj-place" }, `Pair ${view + 1} of ${n}`),
          turn("Forward one pair", "\u203a", 1)),
        el("div", { class: "pj-steps", "aria-hidden": "true" }, steps));
    }

    function turn(name, sign, step) {
      const to = view + step;
      const attributes = { class: "pj-turn", "aria-label": name, disabled: to < 0 || to >= n };
      return button(sign, () => {
        show(to);
        const same = stage.querySelector(`.pj-turn[aria-label="${name}"]:not([disabled])`);
        (same || stage.querySelector(".pj-turn:not([disabled])")).focus();
        announce(`Pair ${view + 1} of ${n}. ${data.pairs[view].first} ${data.pairs[view].second}`);
      }, attributes);
    }

    function show(i) {
      view = i;
      render();
    }

    function sentences() {
      const pair = data.pairs[view];
      return el("div", { class: "pj-sentences", id: "pj-sentences" },
        el("p", {}, pair.first), el("p", {}, pair.second));
    }

    /** Six rows on one scale: the reader's slider, and a row for each method. */
    function board() {
      const rating = ratings[view];
      const box = el("div", { class: `pj-board${rating === null ? " pj-hidden" : ""}` });
      box.append(rating === null ? sliderRow() : readerRow(rating));
      box.append(el("ul", { class: "pj-rows", "aria-label": "Answers of the methods" },
        data.methods.map((method, i) => methodRow(method, data.pairs[view].cosines[i], rating))));
      box.append(el("div", { class: "pj-row pj-axis", "aria-hidden": "true" },
        el("span"), el("span", { class: "pj-ends" },
          el("span", {}, "unrelated"), el("span", {}, "the same")), el("span")));
      if (rating !== null) box.append(plumb(rating));
      return box;
    }

    function plumb(rating) {
      return el("div", { class: "pj-row pj-plumb", "aria-hidden": "true" }, el("span"),
        el("span", { class: "pj-track" },
          el("span", { class: "pj-line", style: `--at: ${rating / data.top}` })), el("span"));
    }

    function sliderRow() {
      const output = el("span", { class: "pj-value", "aria-hidden": "true" }); // the slider says it
      const slider = el("input", {
        type: "range", class: "pj-slider", min: 0, max: data.top, step: 1, value: data.top / 2,
        "aria-label": "Your rating: how similar are the two sentences?",
        "aria-describedby": "pj-sentences",
        oninput: update,
        onkeydown: enter,
      });
      // The focus moves on: without this the same key press would operate what it moves to.
      function enter(event) {
        if (event.key !== "Enter") return;
        event.preventDefault();
        commit();
      }
      function update() {
        const rating = Number(slider.value);
        output.textContent = String(rating);
        slider.setAttribute("aria-valuetext", `${rating} of ${data.top}, ${inWords(rating)}`);
        slider.style.setProperty("--at", rating / data.top);
        const words = stage.querySelector(".pj-words");
        if (words) words.textContent = capital(inWords(rating));
      }
      update();
      return el("div", { class: "pj-row pj-you" }, nameOf(data.human, "You"),
        el("span", { class: "pj-track pj-ruler" }, slider), output);
    }

    function readerRow(rating) {
      return el("div", { class: "pj-row pj-you" }, nameOf(data.human, "You"),
        el("span", { class: "pj-track pj-ruler" }, place(data.human, rating / data.top)),
        el("span", { class: "pj-value" }, String(rating)));
    }

    function methodRow(method, cosine, rating) {
      const value = rating === null
        ? el("span", { class: "pj-value" }, el("span", { class: "live-voice" }, "hidden until you rate"))
        : el("span", { class: "pj-value" }, format(cosine));
      return el("li", { class: "pj-row" }, nameOf(method, method.label),
        el("span", { class: "pj-track" }, rating === null ? null : place(method, cosine)), value);
    }

    function nameOf(style, label) {
      return el("span", { class: "pj-name" }, marker(style), label);
    }

    /** A marker on a track from 0 to 1; what lies outside stands just beyond the end. */
    function place(style, at) {
      const kept = Math.max(-0.02, Math.min(1.02, at));
      return el("span", { class: "pj-mark", style: `--at: ${kept.toFixed(4)}` }, marker(style));
    }

    function note() {
      const pair = data.pairs[view];
      if (ratings[view] === null) {
        return el("p", { class: "pj-note" }, el("span", { class: "pj-words", "aria-hidden": "true" },
          capital(inWords(data.top / 2))), el("span", { class: "pj-hint" },
          "The five methods answer after you."));
      }
      const unseen = pair.unseen.length
        ? ` Words that the three counting methods have never seen: ${pair.unseen.join(", ")}.` : "";
      return el("p", { class: "pj-note" }, el("strong", {}, `${pair.kind}.`), unseen,
        brief ? " A cosine has no unit: only the order over several pairs can agree with yours." : "");
    }

    function actions() {
      const box = el("div", { class: "pj-actions" });
      const rated = ratings[view] !== null;
      const next = nextUnrated(ratings, view);
      if (!rated) {
        box.append(button("Show the five answers", commit, { class: "live-button live-main" }));
      } else if (next !== null) {
        const left = n - count();
        const label = brief ? `Judge ${numberWord(left)} more` : "Next pair";
        box.append(button(label, goOn, { class: "live-button live-main" }));
      }
      if (count() > 0) {
        box.append(live.copyLinkButton(() => address.link(options.figure.id)),
          live.resetButton(reset));
      }
      return box;
    }

    function commit() {
      ratings[view] = Number(stage.querySelector(".pj-slider").value);
      address.write(encode(ratings));
      render();
      const more = stage.querySelector(".live-main");
      if (more) more.focus({ preventScroll: true });
      else stage.querySelector(".pj-verdict").focus();
      const pair = data.pairs[view];
      const result = count() >= data.fewest ? Object.values(conclude(ratings, data)).join(" ") : "";
      announce(`${answers(ratings[view], pair, data, format)} ${pair.kind}. ${result}`);
    }

    function goOn() {
      brief = false;
      show(nextUnrated(ratings, view));
      stage.querySelector(".pj-slider").focus({ preventScroll: true });
    }

    function reset() {
      ratings = ratings.map(() => null);
      address.write("");
      brief = options.mode === "front";
      show(0);
      stage.querySelector(".pj-slider").focus({ preventScroll: true });
      announce("All ratings are taken back.");
    }

    function agreementPanel() {
      const found = agreements(ratings, data);
      const words = conclude(ratings, data);
      const box = el("div", { class: "pj-agreement" },
        el("p", { class: "pj-verdict", tabindex: -1 },
          el("strong", {}, words.verdict), " ", words.doubt));
      if (!found.length) return box;
      box.append(el("ul", { class: "pj-rows", "aria-label": "Agreement with your order, best first" },
        found.map(agreementRow)));
      box.append(el("div", { class: "pj-row pj-axis", "aria-hidden": "true" }, el("span"),
        el("span", { class: "pj-ends pj-three" }, el("span", {}, "opposite"),
          el("span", {}, "no relation"), el("span", {}, "your order")), el("span")));
      box.append(el("p", { class: "pj-note" }, smallPrint()));
      return box;
    }

    function smallPrint() {
      const interval = count() >= data.fewestForInterval
        ? " with its 95 % interval (jackknife over the pairs; with so few it is a little too narrow)."
          + " Two methods count as told apart only at the stricter level that ten comparisons ask for"
        : "";
      const early = interval && count() < n
        ? " Whoever looks after each pair is fooled more often: the last look counts." : "";
      const end = count() === n
        ? " We wrote the pairs and chose them to differ: this is a game with an interval. The"
          + " benchmark is Lee-50." : "";
      return `Spearman correlation of your ratings with each method\u2019s cosines${interval}.${early}${end}`;
    }

    function agreementRow(entry) {
      const method = data.methods.find((m) => m.name === entry.method);
      const track = el("span", { class: "pj-track pj-centred" });
      let text = "no order";
      if (entry.rho !== null) {
        text = format(entry.rho);
        if (entry.low !== null) {
          const ends = `--low: ${(entry.low + 1) / 2}; --high: ${(entry.high + 1) / 2}`;
          track.append(el("span", { class: "pj-interval", style: `${ends}; --paint: ${method.colour}` }));
          text += ` [${format(entry.low)}, ${format(entry.high)}]`;
        }
        track.append(place(method, (entry.rho + 1) / 2));
      }
      return el("li", { class: "pj-row pj-wide" }, nameOf(method, method.label), track,
        el("span", { class: "pj-value" }, text));
    }

    /** All pairs at a glance: where the reader and the methods put each. */
    function overview() {
      return el("div", { class: "pj-overview" }, el("p", { class: "pj-verdict" },
        el("strong", {}, `Your ${numberWord(n)} pairs`)),
      el("ol", { class: "pj-rows" }, data.pairs.map((pair, i) => el("li", { class: "pj-row" },
        el("span", { class: "pj-kind" }, pair.kind),
        el("span", { class: "pj-track", "aria-hidden": "true" },
          place(data.human, ratings[i] / data.top),
          data.methods.map((m, k) => place(m, pair.cosines[k]))),
        el("span", { class: "live-voice" }, answers(ratings[i], pair, data, format))))));
    }
  }

  return {
    mount,
    pure: {
      averageRanks, pearson, spearman, jackknife, difference, agreements, encode, decode, nextUnrated,
      inWords, numberWord, conclude, answers,
    },
  };
});
