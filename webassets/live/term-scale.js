// The term scale of chapter 3: the words of a passage by their TF-IDF weight, while the reader
// turns the knobs. The first part computes what lib.counts.Tfidf computes, from the counts that
// lib/live_terms.py made, and knows nothing of the page; the second part draws.
(function (root, factory) {
  "use strict";
  const made = factory(root);
  if (typeof module === "object" && module.exports) module.exports = made.pure;
  else root.EmbeddingsTested.live.register("term-scale", { mount: made.mount });
})(typeof window === "undefined" ? globalThis : window, (root) => {
  "use strict";

  // --- calculations ---------------------------------------------------------------------------

  const VARIANTS = ["textbook", "smooth", "sublinear", "unsmoothed"];
  const MINIMA = [1, 2, 3, 5, 10, 20, 50, 100];
  const SHARES = [1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01];
  const START = {
    variant: "smooth", norm: true, least: 1, most: 1, pairs: false, seed: 0,
  };

  /** Inverse document frequency, natural logarithms; see lib.counts.idf. */
  function idf(df, n, variant) {
    if (variant === "smooth" || variant === "sublinear") return Math.log((1 + n) / (1 + df)) + 1;
    return Math.log(n / df) + (variant === "unsmoothed" ? 1 : 0);
  }

  /** The part of a weight that comes from the passage. */
  function termFrequency(tf, variant) {
    return variant === "sublinear" ? 1 + Math.log(tf) : tf;
  }

  /** A source of numbers between 0 and 1 that gives the same ones for the same seed. */
  function random(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
  }

  /** Shuffle a copy (Fisher and Yates); seed 0 leaves the order as it is. */
  function shuffled(items, seed) {
    const copy = items.slice();
    if (!seed) return copy;
    const next = random(seed);
    for (let i = copy.length - 1; i > 0; i -= 1) {
      const j = Math.floor(next() * (i + 1));
      [copy[i], copy[j]] = [copy[j], copy[i]];
    }
    return copy;
  }

  /** The words of a passage in their order, or in that of a shuffle. */
  function wordsOf(passage, seed = 0) {
    return shuffled(passage.order, seed).map((number) => passage.words[number]);
  }

  /** Document frequencies of words and of pairs of words, by term. */
  function frequencies(passage) {
    const df = new Map(passage.words.map((word, i) => [word, passage.df[i]]));
    for (let i = 0; i < passage.pairs.length; i += 3) {
      const [first, second, n] = passage.pairs.slice(i, i + 3);
      df.set(`${passage.words[first]} ${passage.words[second]}`, n);
    }
    return df;
  }

  /** How often each term comes: words, and neighbours too if `pairs`. */
  function counts(words, pairs) {
    const tf = new Map();
    const add = (term) => tf.set(term, (tf.get(term) || 0) + 1);
    words.forEach(add);
    if (pairs) words.slice(1).forEach((word, i) => add(`${words[i]} ${word}`));
    return tf;
  }

  /**
   * Weigh the terms of a passage: `kept`, with a weight each, in alphabetical order; `dropped`,
   * those outside the thresholds; `unseen`, pairs that no document has and so no column.
   */
  function weigh(passage, n, settings) {
    const df = frequencies(passage);
    const kept = [];
    const dropped = [];
    let unseen = 0;
    const tf = counts(wordsOf(passage, settings.seed), settings.pairs);
    for (const term of [...tf.keys()].sort(alphabetical)) {
      const known = { term, tf: tf.get(term), df: df.get(term) || 0, mark: mark(passage, term) };
      if (!known.df) unseen += 1;
      else if (known.df < settings.least || known.df > settings.most * n) dropped.push(known);
      else kept.push(known);
    }
    for (const item of kept) {
      item.idf = idf(item.df, n, settings.variant);
      item.weight = termFrequency(item.tf, settings.variant) * item.idf;
    }
    const length = Math.sqrt(kept.reduce((sum, item) => sum + item.weight ** 2, 0));
    if (settings.norm && length) kept.forEach((item) => { item.weight /= length; });
    return { kept, dropped, unseen, length };
  }

  function alphabetical(a, b) {
    if (a === b) return 0;
    return a < b ? -1 : 1;
  }

  function mark(passage, term) {
    if (term.includes(" ")) return "pair";
    return Object.hasOwn(passage.marks, term) ? passage.marks[term][0] : "";
  }

  /** The heaviest first; equal weights in alphabetical order. */
  function ranked(items) {
    return items.slice().sort((a, b) => b.weight - a.weight || alphabetical(a.term, b.term));
  }

  /** Distance and cosine of two weighings: the same terms and weights give exactly 0 and 1. */
  function compare(a, b) {
    const other = new Map(b.kept.map((item) => [item.term, item.weight]));
    let apart = 0;
    let dot = 0;
    let shared = 0;
    for (const { term, weight } of a.kept) {
      const there = other.get(term) || 0;
      apart += (weight - there) ** 2;
      dot += weight * there;
      if (other.has(term)) shared += 1;
      other.delete(term);
    }
    for (const weight of other.values()) apart += weight ** 2;
    const size = norm(a) * norm(b);
    const cosine = apart === 0 ? 1 : size ? dot / size : 0;
    return { distance: Math.sqrt(apart), cosine, shared };
  }

  function norm(weighed) {
    return Math.sqrt(weighed.kept.reduce((sum, item) => sum + item.weight ** 2, 0));
  }

  /** How many of the terms bear each mark, as [["typo", 5], ...]; those without come last. */
  function tally(items) {
    const order = ["typo", "name", "number", "other", "pair", ""];
    return order
      .map((name) => [name, items.filter((item) => item.mark === name).length])
      .filter(([, number]) => number);
  }

  /** Write the state for the address; `read` is its inverse. */
  function write(state) {
    const fields = [
      state.passage, state.variant, state.norm ? 1 : 0, state.least, Math.round(state.most * 100),
      state.pairs ? 2 : 1, state.seed, state.guess, state.term,
    ];
    return fields.join(".");
  }

  /** Read a state from the address; whatever makes no sense becomes what it is at the start. */
  function read(text, passages) {
    const [key, variant, length, least, most, grams, seed, guess, term] = text.split(".");
    const passage = passages.find((one) => one.key === key) || passages[0];
    const own = passage.key === key;
    const share = Number(most) / 100;
    return {
      passage: passage.key,
      variant: VARIANTS.includes(variant) ? variant : START.variant,
      norm: length === undefined ? START.norm : length !== "0",
      least: MINIMA.includes(Number(least)) ? Number(least) : START.least,
      most: SHARES.includes(share) ? share : START.most,
      pairs: grams === "2",
      seed: /^\d{1,6}$/.test(seed || "") ? Number(seed) : START.seed,
      guess: own && /^([012]|skip)$/.test(guess || "") ? guess : "",
      term: (own && term) || "",
    };
  }

  const pure = {
    VARIANTS, MINIMA, SHARES, START, idf, termFrequency, shuffled, wordsOf, counts, weigh, ranked,
    compare, tally, write, read,
  };

  // --- the page -------------------------------------------------------------------------------

  const SHOWN = 12; // rows of the table before the reader asks for all
  const LABELLED = 6; // points of the chart that bear their word, beside the rare ones
  const FORMULA = {
    textbook: (n) => `tf · ln(${n} / df)`,
    smooth: (n) => `tf · (ln((1 + ${n}) / (1 + df)) + 1)`,
    sublinear: (n) => `(1 + ln tf) · (ln((1 + ${n}) / (1 + df)) + 1)`,
    unsmoothed: (n) => `tf · (ln(${n} / df) + 1)`,
  };
  const NAMES = {
    textbook: "textbook", smooth: "smooth (scikit-learn)", sublinear: "sublinear",
    unsmoothed: "unsmoothed",
  };
  const MARK_NAMES = {
    typo: ["typo", "typos"], name: ["name", "names"], number: ["number", "numbers"],
    other: ["other rare word", "other rare words"],
    pair: ["pair of neighbours", "pairs of neighbours"], "": ["common word", "common words"],
  };

  /** Put the figure into `stage`. */
  function mount(stage, payload, options) {
    const live = root.EmbeddingsTested.live;
    const { el, whole, plural, listed, percent } = live;
    const { documents, collections } = payload.data;
    const address = live.state("term-scale");
    let state = read(address.read(), documents);
    let all = false;

    const passageOf = () => documents.find((one) => one.key === state.passage);
    const place = () => collections[passageOf().collection];
    const settings = (changes) => ({ ...state, ...changes });
    const decided = () => state.guess !== "";

    const picker = live.select("Passage", documents.map((one) => [one.key, one.title]), (key) => {
      change({ passage: key, guess: "", term: "", seed: 0 });
    });
    const about = el("p", { class: "ts-about" });
    const text = el("p", { class: "ts-text", lang: "en" });
    const question = el("div", {});
    const results = el("div", { class: "ts-results" });
    const knobs = makeKnobs(live, change);
    const parts = {
      verdict: el("p", { class: "live-said" }), order: el("p", { class: "ts-note" }),
      thresholds: el("div", { class: "ts-note" }), chart: el("div", { class: "ts-chart" }),
      detail: el("p", { class: "ts-detail" }), table: el("div", { class: "ts-table" }),
    };
    results.append(
      parts.verdict, knobs.box, parts.order, parts.thresholds, parts.table, parts.detail,
      parts.chart,
    );
    const foot = live.foot(reset, () => address.link(options.figure.id));
    const narrow = root.matchMedia("(max-width: 767px)");
    narrow.addEventListener("change", () => draw(state));
    stage.classList.add("live-plain", "term-scale");
    stage.append(picker.box, about, text, question, results, foot);
    draw();

    function change(changes, say = true) {
      const before = state;
      state = { ...state, ...changes };
      address.write(write(state));
      draw(before);
      if (say && decided()) live.announce(spoken());
    }

    function reset() {
      state = read("", documents);
      all = false;
      address.write("");
      draw();
      live.announce("Back to the beginning");
    }

    function draw(before) {
      picker.set(state.passage);
      const { many, n } = place();
      about.textContent = `${passageOf().order.length} words of `
        + `${passageOf().collection === "posts" ? "a post" : "an article"}, lower case, as the `
        + `tokenizer cuts them. Document frequencies are counted in ${place().label} `
        + `(${whole(n)} ${many}).`;
      const asking = !before || before.passage !== state.passage || before.guess !== state.guess;
      if (asking) drawQuestion();
      results.hidden = !decided();
      if (!decided()) {
        text.replaceChildren(wordsOf(passageOf(), state.seed).join(" "));
        return;
      }
      const weighed = weigh(passageOf(), n, settings());
      drawText(weighed);
      drawVerdict();
      knobs.set(state, place());
      drawOrder(weighed);
      drawThresholds(weighed);
      drawTable(weighed);
      drawChart(weighed);
      drawDetail(weighed);
    }

    // The question comes first; its answer is that of the settings at the start.
    function drawQuestion() {
      if (decided()) {
        question.replaceChildren();
        return;
      }
      question.replaceChildren(live.ask(
        "Before you look: which of these three words does TF-IDF weigh most here?",
        passageOf().choices.map((word) => el("b", {}, word)), reveal,
      ));
    }

    function reveal(guess) {
      change({ guess }, false);
      live.focusOn(parts.verdict);
    }

    function drawVerdict() {
      const passage = passageOf();
      const weighed = weigh(passage, place().n, START);
      const three = ranked(weighed.kept.filter((item) => passage.choices.includes(item.term)));
      const said = passage.choices[Number(state.guess)];
      const right = said === three[0].term;
      parts.verdict.replaceChildren(
        said ? el("strong", {}, right ? `Yes, “${said}”.`
          : `You said “${said}”; it is “${three[0].term}”.`)
          : el("strong", {}, `It is “${three[0].term}”.`),
        ` ${listed(three.map((item) => `${item.term} ${live.format(item.weight)}`))} in the `
        + `smooth variant at length 1. ${because(live, three, place())}`,
      );
    }

    function drawText(weighed) {
      const gone = new Set(weighed.dropped.map((item) => item.term));
      const words = wordsOf(passageOf(), state.seed).map((word) => {
        const kind = mark(passageOf(), word);
        const tag = gone.has(word) ? "s" : kind ? "mark" : "span";
        return el(tag, { class: kind ? `ts-mark-${kind}` : null }, word);
      });
      text.replaceChildren(...words.flatMap((word, i) => (i ? [" ", word] : [word])));
    }

    function drawOrder(weighed) {
      const note = parts.order;
      if (!state.seed) {
        note.textContent = "The words stand in their order. Shuffle them and see what changes.";
        return;
      }
      const before = weigh(passageOf(), place().n, settings({ seed: 0 }));
      const { distance, cosine, shared } = compare(before, weighed);
      note.textContent = distance === 0
        ? `Shuffled, and the vector is identical: distance ${live.format(0)}, cosine `
          + `${live.format(1)}. Nothing in the list moved, since counts know no order.`
        : `Shuffled, and the vector has moved: distance ${live.format(distance)}, cosine `
          + `${live.format(cosine)}. Of ${whole(before.kept.length)} terms ${whole(shared)} are `
          + `left; ${whole(weighed.unseen)} of the new neighbours stand side by side in none of `
          + `the ${place().many} and have no column.`;
    }

    function drawThresholds(weighed) {
      const { kept, dropped } = weighed;
      const total = kept.length + dropped.length;
      const line = el("p", {}, `${whole(kept.length)} of ${whole(total)} terms kept.`);
      if (!dropped.length) {
        line.append(" Raise the lower threshold and see which words go together.");
        parts.thresholds.replaceChildren(line);
        return;
      }
      const groups = tally(dropped).map(([name, number]) => plural(number, ...MARK_NAMES[name]));
      line.append(` Dropped: ${listed(groups)}.`);
      const items = tally(dropped).map(([name, number]) => {
        const words = dropped.filter((item) => item.mark === name).map((item) => item.term);
        const more = words.length > 12 ? ` and ${words.length - 12} more` : "";
        const label = MARK_NAMES[name][number === 1 ? 0 : 1];
        return el("li", {}, el("b", {}, `${label}: `), words.slice(0, 12).join(", ") + more);
      });
      const left = kept.filter((item) => item.mark === "typo").map((item) => item.term);
      const stays = left.length && state.least > 1
        ? el("p", {}, `Misspelled and still here: ${listed(left)}. Others spell it that way too.`)
        : null;
      parts.thresholds.replaceChildren(...[line, el("ul", {}, items), stays].filter(Boolean));
    }

    function drawTable(weighed) {
      const focused = document.activeElement && parts.table.contains(document.activeElement)
        ? document.activeElement.dataset.key : null;
      const items = ranked(weighed.kept);
      const heaviest = items.length ? items[0].weight : 1;
      const rows = (all ? items : items.slice(0, SHOWN)).map((item) => row(item, heaviest));
      const head = ["term", "weight", "times here", `${place().many} with it`, "rare word"];
      parts.table.replaceChildren(
        el(
          "table", {},
          el("caption", {}, `Terms by weight, ${NAMES[state.variant]}, `
            + `${state.norm ? "length 1" : "any length"}${bounds()}. A term is a button: it shows its sum.`),
          el("thead", {}, el("tr", {}, head.map((cell) => el("th", { scope: "col" }, cell)))),
          el("tbody", {}, rows),
        ),
        items.length > SHOWN ? live.button(
          all ? `Show the first ${SHOWN}` : `Show all ${items.length} terms`, toggle,
          { class: "live-button live-quiet", "data-key": "/all", "aria-expanded": String(all) },
        ) : "",
      );
      const same = [...parts.table.querySelectorAll("button")]
        .find((one) => focused && one.dataset.key === focused);
      if (same) same.focus();
    }

    function bounds() {
      const { many, one } = place();
      const least = state.least > 1 ? `, in at least ${plural(state.least, one, many)}` : "";
      return least + (state.most < 1 ? `, in at most ${percent(state.most)} of the ${many}` : "");
    }

    function toggle() {
      all = !all;
      change({});
    }

    function row(item, heaviest) {
      const chosen = item.term === state.term;
      const meant = item.mark && item.mark !== "pair" ? passageOf().marks[item.term][1] : "";
      const width = heaviest ? (100 * item.weight) / heaviest : 0;
      return el(
        "tr", { class: chosen ? "ts-chosen" : null },
        el("th", { scope: "row" }, live.button(item.term, () => choose(item.term), {
          class: "ts-term", "aria-pressed": String(chosen), "data-key": item.term,
        })),
        el(
          "td", { class: "ts-weight" },
          el("span", { class: "ts-bar", "aria-hidden": "true", style: `--w: ${width.toFixed(1)}%` }),
          el("span", { class: "ts-number" }, live.format(item.weight, state.norm ? 3 : 2)),
        ),
        el("td", {}, item.tf),
        el("td", {}, whole(item.df)),
        el("td", { class: "ts-kind" }, item.mark && item.mark !== "pair"
          ? [el("mark", { class: `ts-mark-${item.mark}` }, item.mark), meant ? ` for ${meant}` : ""]
          : item.df === 1 ? "only here" : ""),
      );
    }

    function choose(term) {
      change({ term: term === state.term ? "" : term }, false);
      live.announce(parts.detail.textContent);
    }

    function drawDetail(weighed) {
      const item = weighed.kept.find((one) => one.term === state.term);
      const lost = weighed.dropped.find((one) => one.term === state.term);
      parts.detail.hidden = !item && !lost;
      if (!item) {
        parts.detail.textContent = lost ? `${lost.term} is outside the thresholds and weighs nothing.` : "";
        return;
      }
      const { format } = live;
      const sub = state.variant === "sublinear";
      const first = sub ? `(1 + ln ${item.tf})` : String(item.tf);
      const raw = termFrequency(item.tf, state.variant) * item.idf;
      parts.detail.replaceChildren(
        el("b", {}, item.term), `: ${FORMULA[state.variant](whole(place().n))}, with tf ${item.tf} `
        + `and df ${whole(item.df)}: ${first} · ${format(item.idf, 3)} = ${format(raw, 3)}`,
        state.norm ? `, divided by the length of the passage's vector, `
          + `${format(weighed.length, 3)}: ${format(item.weight, 3)}.` : ".",
      );
    }

    function drawChart(weighed) {
      const width = narrow.matches ? NARROW : WIDE;
      parts.chart.replaceChildren(chart(live, weighed, state, place(), choose, width));
    }

    function spoken() {
      const weighed = weigh(passageOf(), place().n, settings());
      const first = ranked(weighed.kept).slice(0, 3)
        .map((item) => `${item.term} ${live.format(item.weight)}`);
      return `${weighed.kept.length} terms. First: ${first.join(", ")}. `
        + `${state.seed ? parts.order.textContent : ""}`;
    }
  }

  /** Say why the first of three words is first, from its numbers alone. */
  function because({ whole }, three, { many, n }) {
    const [first, second] = three;
    if (first.df === 1) {
      return `“${first.term}” stands in one of ${whole(n)} ${many}. Nothing can be rarer; whether it is `
        + "important, the formula does not ask.";
    }
    if (first.df > n / 2) {
      return `“${first.term}” stands in ${whole(first.df)} of ${whole(n)} ${many}, but ${first.tf} times here, `
        + "and the smooth variant weighs no word at nothing.";
    }
    if (first.tf > second.tf && first.df >= second.df) {
      return `“${first.term}” comes ${first.tf} times here and ${second.term} ${["", "once", "twice"][second.tf]
        || `${second.tf} times`}: repetition beats rarity.`;
    }
    return `“${first.term}” stands in ${whole(first.df)} ${many}, ${second.term} in ${whole(second.df)}.`;
  }

  /** The controls; `set` brings them to a state. */
  function makeKnobs(live, change) {
    const { plural, percent } = live;
    let seed = 0;
    const variant = live.select(
      "Variant", VARIANTS.map((name) => [name, NAMES[name]]), (value) => change({ variant: value }),
    );
    const least = live.slider(
      "Lower threshold (min_df)", MINIMA,
      (value, { many, one }) => `at least ${plural(value, one, many)}`,
      (value) => change({ least: value }),
    );
    const most = live.slider(
      "Upper threshold (max_df)", SHARES,
      (value, { many }) => (value === 1 ? `all ${many} allowed` : `at most ${percent(value)} of the ${many}`),
      (value) => change({ most: value }),
    );
    const norm = live.checkbox("bring the vector to length 1", (value) => change({ norm: value }));
    const pairs = live.checkbox("count pairs of neighbours too", (value) => change({ pairs: value }));
    const shuffle = live.button("Shuffle the words", () => change({ seed: seed + 1 }));
    const restore = live.button("Back in order", () => {
      shuffle.focus();
      change({ seed: 0 });
    });
    const box = live.el(
      "div", { class: "live-knobs" }, variant.box,
      live.el("div", { class: "ts-checks" }, norm.box, pairs.box), least.box, most.box,
      live.el("div", { class: "live-actions" }, shuffle, restore),
    );
    function set(state, place) {
      seed = state.seed;
      variant.set(state.variant);
      norm.set(state.norm);
      pairs.set(state.pairs);
      least.set(state.least, place);
      most.set(state.most, place);
      shuffle.textContent = seed ? "Shuffle again" : "Shuffle the words";
      restore.disabled = !seed;
    }
    return { box, set };
  }

  // --- the chart: times here (up) against document frequency (across, logarithmic) ---------------

  const WIDE = 640;
  const NARROW = 400; // on a phone, so that the words stay readable
  const LEFT = 46;
  const RIGHT = 14;
  const LANE = 15;
  const LETTER = 6.6;
  const SIZE = 4.5;

  /** Find a lane for each point, so that neither points nor words lie on one another. */
  function lanes(points) {
    const rows = [];
    for (const point of points) {
      let lane = 0;
      while ((rows[lane] || []).some(([from, to]) => point.from < to && point.to > from)) lane += 1;
      rows[lane] = [...(rows[lane] || []), [point.from, point.to]];
      point.lane = lane;
    }
    return rows.length;
  }

  function symbol(live, kind, x, y, attributes) {
    const s = SIZE;
    const shapes = {
      typo: `M${x} ${y - s - 1}l${s + 0.5} ${2 * s}h${-2 * s - 1}z`,
      name: `M${x - s} ${y - s}h${2 * s}v${2 * s}h${-2 * s}z`,
      number: `M${x} ${y - s - 1}l${s + 1} ${s + 1}l${-s - 1} ${s + 1}l${-s - 1} ${-s - 1}z`,
      gone: `M${x - 3} ${y - 3}l6 6M${x + 3} ${y - 3}l-6 6`,
    };
    if (shapes[kind]) return live.svg("path", { d: shapes[kind], ...attributes });
    return live.svg("circle", { cx: x, cy: y, r: kind ? s : s - 1, ...attributes });
  }

  function chart(live, weighed, state, place, choose, width) {
    const { svg, whole } = live;
    const across = (df) => LEFT + ((width - LEFT - RIGHT) * Math.log(df)) / Math.log(place.n);
    const order = ranked(weighed.kept);
    const named = new Set([
      ...order.slice(0, LABELLED).map((item) => item.term),
      ...order.filter((item) => item.mark && item.mark !== "pair").map((item) => item.term), state.term,
    ]);
    const points = [
      ...order.map((item) => ({ item, kind: item.mark === "pair" ? "" : item.mark, label: named.has(item.term) })),
      ...weighed.dropped.map((item) => ({ item, kind: "gone", label: false })),
    ];
    for (const point of points) span(point, across, width);
    const levels = [...new Set(points.map((point) => point.item.tf))].sort((a, b) => b - a);
    const drawing = [];
    let y = 22;
    for (const tf of levels) {
      const here = points.filter((point) => point.item.tf === tf);
      const height = lanes(here) * LANE;
      drawing.push(
        svg("line", { class: "ts-grid", x1: LEFT, x2: width - RIGHT, y1: y + height + 3, y2: y + height + 3 }),
        svg("text", { class: "ts-tick", x: LEFT - 12, y: y + height - 3, "text-anchor": "end" }, `${tf}×`),
      );
      for (const point of here) {
        drawing.push(...pointAndWord(live, point, y + height - 6 - point.lane * LANE, state, choose));
      }
      y += height + 10;
    }
    const ticks = [1, 10, 100, 1000, 10000].filter((tick) => tick <= place.n);
    const axis = [...ticks.map((tick) => [
      svg("line", { class: "ts-grid", x1: across(tick), x2: across(tick), y1: 12, y2: y }),
      svg("text", { class: "ts-tick", x: across(tick), y: y + 15, "text-anchor": "middle" }, whole(tick)),
    ])];
    const title = svg("text", { class: "ts-tick", x: width - RIGHT, y: y + 31, "text-anchor": "end" },
      `${place.many} with the term, logarithmic`);
    const up = svg("text", { class: "ts-tick", x: 2, y: 10 }, "times in the passage");
    return live.el(
      "div", { class: "ts-frame" },
      svg("svg", {
        viewBox: `0 0 ${width} ${y + 36}`, role: "img", class: "ts-svg",
        "aria-label": `${weighed.kept.length} terms by the number of ${place.many} that hold them and `
          + "by how often they come in the passage. The same numbers are in the table above.",
      }, axis, drawing, title, up),
      live.el("p", { class: "ts-key", "aria-hidden": "true" }, key(live)),
    );
  }

  /** How far a point with its word reaches; near the right edge the word stands on the left. */
  function span(point, across, width) {
    point.x = across(point.item.df);
    const wide = point.label ? point.item.term.length * LETTER + 6 : 0;
    point.left = point.x + wide + SIZE + 4 > width;
    point.from = point.x - SIZE - 2 - (point.left ? wide : 0);
    point.to = point.x + SIZE + 2 + (point.left ? 0 : wide);
  }

  function pointAndWord(live, point, y, state, choose) {
    const { item, kind, x, left, label } = point;
    const chosen = item.term === state.term;
    const made = symbol(live, kind, x, y, {
      class: `ts-point ts-point-${kind || "common"}${chosen ? " ts-point-chosen" : ""}`,
      onclick: () => kind !== "gone" && choose(item.term),
    });
    made.append(live.svg("title", {}, `${item.term}: ${item.tf} × here, df ${live.whole(item.df)}`));
    if (!label) return [made];
    const word = live.svg("text", {
      class: `ts-word${chosen ? " ts-word-chosen" : ""}`, x: left ? x - SIZE - 4 : x + SIZE + 4,
      y: y + 4, "text-anchor": left ? "end" : "start",
    }, item.term);
    return [made, word];
  }

  function key(live) {
    const kinds = [["typo", "typo"], ["name", "name"], ["number", "number"], ["other", "other rare word"],
      ["", "all others"], ["gone", "dropped"]];
    return kinds.map(([kind, name]) => live.el(
      "span", {},
      live.svg("svg", { viewBox: "0 0 14 14", width: 14, height: 14 },
        symbol(live, kind, 7, 7, { class: `ts-point ts-point-${kind || "common"}` })),
      name,
    ));
  }

  return { pure, mount };
});
