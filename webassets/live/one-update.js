// One update of Word2Vec, for chapter 5: seven words in two dimensions, one step after the other.
// The first part computes what lib.word2vec.update and lib.live_update compute and knows nothing of
// the page; the second part draws.
(function (root, factory) {
  "use strict";
  const made = factory(root);
  if (typeof module === "object" && module.exports) module.exports = made.pure;
  else root.EmbeddingsTested.live.register("one-update", { mount: made.mount });
})(typeof window === "undefined" ? globalThis : window, (root) => {
  "use strict";

  // --- calculations ---------------------------------------------------------------------------

  /** Turn any number into a probability, without overflow. */
  function sigmoid(x) {
    const small = Math.exp(-Math.abs(x));
    return (x >= 0 ? 1 : small) / (1 + small);
  }

  /** -log sigmoid(x), without overflow. */
  function surprise(x) {
    return Math.max(0, -x) + Math.log1p(Math.exp(-Math.abs(x)));
  }

  function dot(a, b) {
    return a[0] * b[0] + a[1] * b[1];
  }

  /** The example of update `step`: `{centre, outputs, labels}`, the true context first. */
  function example(data, step, negatives) {
    const [centre, ...outputs] = data.draws[step].slice(0, 2 + negatives);
    return { centre, outputs, labels: outputs.map((_, i) => (i ? 0 : 1)) };
  }

  /** What the model says of each output of an example: dot product, probability, error, loss. */
  function judge({ W, C }, { centre, outputs, labels }) {
    return outputs.map((output, i) => {
      const x = dot(W[centre], C[output]);
      const p = sigmoid(x);
      return { output, label: labels[i], x, p, error: p - labels[i], loss: surprise(labels[i] ? x : -x) };
    });
  }

  /**
   * One step down the gradient, as lib.word2vec.update takes it: all errors are taken before
   * anything moves; a word that was drawn twice is pushed twice. Returns new vectors.
   */
  function update({ W, C }, given, rate) {
    const judged = judge({ W, C }, given);
    const next = { W: W.map((row) => row.slice()), C: C.map((row) => row.slice()) };
    const pull = [0, 0];
    for (const { output, error } of judged) {
      for (const axis of [0, 1]) {
        pull[axis] += error * C[output][axis];
        next.C[output][axis] += -rate * (error * W[given.centre][axis]);
      }
    }
    for (const axis of [0, 1]) next.W[given.centre][axis] += -rate * pull[axis];
    return next;
  }

  /** The vectors before the first update, after it, and so on: `updates + 1` of them. */
  function path(data, negatives, rate, updates = data.draws.length) {
    const states = [{ W: data.W, C: data.C }];
    for (let step = 0; step < updates; step += 1) {
      states.push(update(states[step], example(data, step, negatives), rate));
    }
    return states;
  }

  function mean(numbers) {
    return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  }

  function length(row) {
    return Math.sqrt(dot(row, row));
  }

  function cosine(a, b) {
    return dot(a, b) / (length(a) * length(b));
  }

  /** What became of the vectors; see lib.live_update.Measures. */
  function measures(data, { W, C }) {
    const topic = W.map((_, word) => data.topics.findIndex((words) => words.includes(word)));
    const seen = new Set(data.pairs.map(([a, b]) => a * W.length + b));
    const cosines = { all: [], same: [], across: [] };
    const given = { seen: [], unseen: [] };
    W.forEach((row, i) => W.forEach((other, j) => {
      if (i < j) {
        const value = cosine(row, other);
        cosines.all.push(value);
        if (topic[i] >= 0 && topic[j] >= 0) cosines[topic[i] === topic[j] ? "same" : "across"].push(value);
      }
      if (i !== j) given[seen.has(i * W.length + j) ? "seen" : "unseen"].push(sigmoid(dot(row, C[j])));
    }));
    return {
      cosine: mean(cosines.all), same: mean(cosines.same), across: mean(cosines.across),
      seen: mean(given.seen), unseen: mean(given.unseen), length: mean(W.map(length)),
    };
  }

  /** Write the state for the address; `read` is its inverse. */
  function write(state) {
    return [state.guess, state.negatives, Math.round(100 * state.rate), state.step].join(".");
  }

  /** Read a state from the address; whatever makes no sense becomes what it is at the start. */
  function read(text, data) {
    const [guess, negatives, rate, step] = text.split(".");
    const number = (said, most, start) => (
      /^\d{1,5}$/.test(said || "") && Number(said) <= most ? Number(said) : start);
    const known = /^([012]|skip)$/.test(guess) ? guess : "";
    return {
      guess: known,
      negatives: number(negatives, data.most, data.negatives),
      rate: data.rates.find((one) => Math.round(100 * one) === Number(rate)) || data.rate,
      step: known ? number(step, data.draws.length, 0) : 0, // nothing moves before the guess
    };
  }

  const pure = { sigmoid, surprise, example, judge, update, path, measures, write, read };

  // --- the page -------------------------------------------------------------------------------

  const SIZE = 400; // of the drawing
  const NARROW = 300; // on a phone, so that the words stay readable
  const EDGE = 20; // room for words around it
  const CHOICES = [
    "In two directions, one for each topic", "All in about one direction", "Nowhere: they shrink to nothing",
  ];
  const LINES = [
    ["cosine", "mean cosine of the words"], ["seen", "probability given to seen pairs"],
    ["unseen", "to unseen pairs"],
  ];

  /** Put the figure into `stage`. */
  function mount(stage, payload, options) {
    const live = root.EmbeddingsTested.live;
    const { el, svg, format, plural } = live;
    const { data } = payload;
    const last = data.draws.length;
    const address = live.state("one-update");
    const known = new Map();
    const narrow = root.matchMedia("(max-width: 767px)");
    narrow.addEventListener("change", () => draw(false));
    let state = read(address.read(), data);

    /** All states and measures for a number of negatives and a rate, worked out once. */
    function run(negatives = state.negatives, rate = state.rate) {
      const key = `${negatives} ${rate}`;
      if (!known.has(key)) {
        const states = path(data, negatives, rate);
        known.set(key, { states, measures: states.map((one) => measures(data, one)) });
      }
      return known.get(key);
    }

    const decided = () => state.guess !== "";
    const question = el("div", {});
    const said = el("p", { class: "live-said" });
    const negatives = live.slider(
      "Negatives", live.steps(0, data.most, 1),
      (value) => (value ? `${value} for each true pair` : "0: true pairs only"),
      (value) => change({ negatives: value }),
    );
    const rate = live.slider(
      "Rate", data.rates, (value) => String(value), (value) => change({ rate: value }),
    );
    const steps = live.slider(
      "Updates made", live.steps(0, last, 1), (value) => `${value} of ${last}`,
      (value) => change({ step: value }),
    );
    const buttons = [[-1, "One back"], [1, "One update"], [10, "10 updates"], [50, "50 updates"]].map(
      ([by, text]) => live.button(text, () => change({ step: Math.min(last, Math.max(0, state.step + by)) })),
    );
    const knobs = el(
      "div", { class: "live-knobs" }, negatives.box, rate.box, steps.box,
      el("div", { class: "live-actions" }, buttons),
    );
    const head = el("p", { class: "ou-head" });
    const drawing = el("div", { class: "ou-drawing" });
    const table = el("div", { class: "ou-table" });
    const chart = el("div", { class: "ou-chart" });
    stage.classList.add("live-plain", "one-update");
    stage.append(
      question, said, knobs, head, el("div", { class: "ou-pair" }, drawing, table), chart,
      live.foot(reset, () => address.link(options.figure.id)),
    );
    draw(true);

    function change(changes) {
      const before = state.guess;
      state = { ...state, ...changes };
      address.write(write(state));
      draw(before !== state.guess);
      live.announce(spoken());
    }

    function reset() {
      state = read("", data);
      address.write("");
      draw(true);
      live.announce("Back to the beginning");
    }

    function draw(asking) {
      negatives.set(state.negatives);
      rate.set(state.rate);
      steps.set(state.step);
      buttons.forEach((one, i) => { one.disabled = i ? state.step === last : state.step === 0; });
      if (asking) question.replaceChildren(...(decided() ? [] : [ask()]));
      said.hidden = !decided();
      knobs.hidden = !decided();
      chart.hidden = !decided();
      if (decided()) {
        drawVerdict();
        chart.replaceChildren(...lines());
      }
      const { states } = run();
      const given = state.step < last ? example(data, state.step, state.negatives) : null;
      drawHead(given);
      drawing.replaceChildren(arrows(states, given));
      table.replaceChildren(...(given ? [sums(states, given)] : []));
    }

    // --- the question that comes first

    function ask() {
      return live.ask(
        `Before you look: leave the negatives out and take ${last} updates, each with a true pair only. `
          + "Where do the words point?",
        CHOICES, (guess) => {
          change({ guess });
          live.focusOn(said);
        },
      );
    }

    function drawVerdict() {
      const none = run(0, data.rate).measures[last];
      const two = run(data.negatives, data.rate).measures[last];
      const right = none.cosine > 0.8 ? 1 : none.length < 0.1 ? 2 : 0;
      const opening = state.guess === "skip" ? "All in about one direction."
        : Number(state.guess) === right ? "Yes, all in about one direction." : "No, all in about one direction.";
      said.replaceChildren(
        el("strong", {}, opening), ` After ${last} updates without negatives the mean cosine is `
        + `${format(none.cosine)}, and the model gives pairs that never meet the probability ${format(none.unseen)}: `
        + `it has learnt to say yes. With ${plural(data.negatives, "negative", "negatives")} it is `
        + `${format(two.same)} within the topics and ${format(two.across)} between them. Set the negatives to 0 and go through it.`,
      );
    }

    // --- the next update

    function word(number) {
      return data.words[number];
    }

    function drawHead(given) {
      head.replaceChildren(...(given ? [
        el("b", {}, `Update ${state.step + 1}: `), `the centre “${word(given.centre)}” meets “${word(given.outputs[0])}”`,
        state.negatives ? `; drawn from the noise: ${given.outputs.slice(1).map(word).join(", ")}.` : "; nothing is drawn from the noise.",
      ] : [el("b", {}, `${last} updates made. `), "There are no more."]));
    }

    /** The table of the next update: what the model says, how wrong it is, what moves. */
    function sums(states, given) {
      const now = states[state.step];
      const judged = judge(now, given);
      const after = judge(states[state.step + 1], given);
      const total = (rows) => format(rows.reduce((sum, { loss }) => sum + loss, 0), 3);
      const rows = judged.map((one, i) => el(
        "tr", { class: one.label ? "ou-true" : "ou-noise" },
        el("th", { scope: "row" }, word(one.output), el("span", {}, one.label ? " true" : " noise")),
        el("td", {}, format(one.x)), el("td", {}, format(one.p)), el("td", {}, one.label),
        el("td", {}, format(one.error)), el("td", {}, format(after[i].p)),
      ));
      const heads = ["output", "dot product", "sigmoid", "label", "error", "sigmoid after"];
      return el(
        "div", {},
        el("table", {},
          el("caption", {}, `“${word(given.centre)}” and each output. The error is sigmoid minus label; the step is rate × error × the other vector, downhill.`),
          el("thead", {}, el("tr", {}, heads.map((cell) => el("th", { scope: "col" }, cell)))),
          el("tbody", {}, rows)),
        el("p", { class: "ou-loss" }, "Loss of this example: ", el("b", {}, total(judged)), " before, ", el("b", {}, total(after)), " after the update."),
      );
    }

    function spoken() {
      const { cosine: value, seen, unseen } = run().measures[state.step];
      return `${plural(state.step, "update", "updates")} made with ${plural(state.negatives, "negative", "negatives")}. `
        + `Mean cosine ${format(value)}; probability of seen pairs ${format(seen)}, of unseen pairs ${format(unseen)}. ${head.textContent}`;
    }

    // --- the arrows

    function arrows(states, given) {
      const now = states[state.step];
      const next = given ? states[state.step + 1] : now;
      const size = narrow.matches ? NARROW : SIZE;
      const reach = Math.max(1, ...[...now.W, ...now.C, ...next.W, ...next.C].map(length)) * 1.04;
      const half = size / 2;
      const at = ([x, y]) => [half + (x / reach) * (half - EDGE), half - (y / reach) * (half - EDGE)];
      const ring = (half - EDGE) / reach;
      const all = [
        ...now.C.map((_, i) => ({ kind: "C", i })), ...now.W.map((_, i) => ({ kind: "W", i })),
      ].map((one) => ({ ...one, role: roleOf(one, given) }));
      const order = [...all.filter(({ role }) => !role), ...all.filter(({ role }) => role)];
      const tips = [];
      const shapes = order.map(({ kind, i, role }) => {
        const tip = at(now[kind][i]);
        const goal = at(next[kind][i]);
        tips.push({ kind, i, role, tip });
        return [
          svg("line", { x1: half, y1: half, x2: tip[0], y2: tip[1], class: `ou-arrow ou-${kind} ou-${role || "rest"}` }),
          point(tip, kind, role),
          role ? svg("line", { x1: tip[0], y1: tip[1], x2: goal[0], y2: goal[1], class: `ou-move ou-${role}` }) : null,
          role ? svg("circle", { cx: goal[0], cy: goal[1], r: 3, class: `ou-goal ou-${role}` }) : null,
        ];
      });
      return el(
        "div", {},
        svg("svg", { viewBox: `0 0 ${size} ${size}`, class: "ou-svg", role: "img", "aria-label": describe(now, given) },
          svg("circle", { cx: half, cy: half, r: ring, class: "ou-ring" }),
          svg("text", { x: half + ring * 0.71 + 3, y: half - ring * 0.71 - 3, class: "ou-tick" }, "length 1"),
          svg("line", { x1: half - 5, x2: half + 5, y1: half, y2: half, class: "ou-ring" }),
          svg("line", { x1: half, x2: half, y1: half - 5, y2: half + 5, class: "ou-ring" }),
          shapes, labels(tips, size)),
        el("p", { class: "ou-key", "aria-hidden": "true" }, key()),
      );
    }

    function roleOf({ kind, i }, given) {
      if (!given) return kind === "W" ? "plain" : "";
      if (kind === "W") return i === given.centre ? "centre" : "";
      if (i === given.outputs[0]) return "true";
      return given.outputs.slice(1).includes(i) ? "noise" : "";
    }

    function point([x, y], kind, role) {
      const attributes = { class: `ou-tip ou-${kind} ou-${role || "rest"}` };
      return kind === "W" ? svg("circle", { cx: x, cy: y, r: role ? 5 : 3.5, ...attributes })
        : svg("rect", { x: x - (role ? 4.5 : 3), y: y - (role ? 4.5 : 3), width: role ? 9 : 6, height: role ? 9 : 6, ...attributes });
    }

    /** Words beside the tips; those of the next update first, and none on top of another. */
    function labels(tips, size) {
      const placed = [];
      const wanted = [...tips].sort((a, b) => Boolean(b.role) - Boolean(a.role) || (a.kind < b.kind ? 1 : -1));
      return wanted.map(({ kind, i, role, tip }) => {
        if (kind === "C" && !role) return null;
        const left = tip[0] < size / 2;
        const wide = word(i).length * 7.4 + 8;
        const x = left ? tip[0] - 8 : tip[0] + 8;
        const box = { from: left ? x - wide : x, to: left ? x : x + wide, y: tip[1] + 4 };
        const hit = () => placed.find((one) => Math.abs(one.y - box.y) < 13 && one.from < box.to && one.to > box.from);
        for (let tries = 0; hit() && tries < 12; tries += 1) box.y += (tries % 2 ? -1 : 1) * 13 * (tries + 1);
        if (hit() && !role) return null;
        placed.push(box);
        return svg("text", {
          x: Math.min(size - (left ? 0 : wide), Math.max(left ? wide : 0, x)), y: Math.min(size - 4, Math.max(12, box.y)),
          "text-anchor": left ? "end" : "start", class: `ou-word ou-${role || "rest"}`,
        }, word(i));
      });
    }

    function describe(now, given) {
      const { cosine: value } = measures(data, now);
      const meets = given ? ` Next: ${word(given.centre)} meets ${given.outputs.map(word).join(", ")}; the numbers stand in the table.` : "";
      return `Arrows of ${data.words.length} words in two dimensions after ${plural(state.step, "update", "updates")}; `
        + `mean cosine of the words ${format(value)}.${meets}`;
    }

    function key() {
      const marks = [["W", "centre", "the centre"], ["C", "true", "its true context"], ["C", "noise", "noise"], ["W", "rest", "other words"], ["C", "rest", "other outputs"]];
      return marks.map(([kind, role, text]) => el(
        "span", {}, svg("svg", { viewBox: "-8 -8 16 16", width: 16, height: 16 }, point([0, 0], kind, role)), text,
      ));
    }

    // --- what became of all words so far

    function lines() {
      const { measures: all } = run();
      const wide = narrow.matches ? 320 : 640;
      const high = 190;
      const [left, right, top, bottom] = [34, narrow.matches ? 14 : 206, 12, 34];
      const across = (step) => left + (step / last) * (wide - left - right);
      const up = (value) => top + ((1 - value) / 1.5) * (high - top - bottom);
      const now = all[state.step];
      const spread = apart(LINES.map(([name]) => up(now[name])));
      const drawn = LINES.map(([name, text], i) => [
        svg("path", {
          class: `ou-line ou-line-${i}`,
          d: all.slice(0, state.step + 1).map((one, step) => `${step ? "L" : "M"}${across(step).toFixed(1)} ${up(one[name]).toFixed(1)}`).join(""),
        }),
        svg("circle", { cx: across(state.step), cy: up(now[name]), r: 3.5, class: `ou-line-dot ou-line-${i}` }),
        narrow.matches ? null
          : svg("text", { x: across(state.step) + 9, y: spread[i] + 4, class: "ou-label" }, `${text} ${format(now[name])}`),
      ]);
      const grid = [1, 0.5, 0, -0.5].map((value) => [
        svg("line", { x1: left, x2: wide - right, y1: up(value), y2: up(value), class: "ou-grid" }),
        svg("text", { x: left - 6, y: up(value) + 4, class: "ou-tick", "text-anchor": "end" }, format(value, 1)),
      ]);
      const ticks = [0, last / 2, last].map((step) => svg("text", { x: across(step), y: high - 16, class: "ou-tick", "text-anchor": "middle" }, step));
      return [
        el("p", { class: "ou-head" }, el("b", {}, "All words so far")),
        el("div", { class: "ou-frame" }, svg("svg", {
          viewBox: `0 0 ${wide} ${high}`, class: "ou-svg", role: "img",
          "aria-label": `After ${plural(state.step, "update", "updates")}: ${LINES.map(([name, text]) => `${text} ${format(now[name])}`).join(", ")}.`,
        }, grid, ticks, svg("text", { x: across(last / 2), y: high - 2, class: "ou-tick", "text-anchor": "middle" }, "updates"), drawn)),
        !narrow.matches ? "" : el("dl", { class: "ou-now" }, LINES.map(([name, text], i) => el("div", {}, el("dt", {}, sample(i), text), el("dd", {}, format(now[name]))))),
      ];
    }

    function sample(i) {
      return svg("svg", { viewBox: "0 0 24 8", width: 24, height: 8, "aria-hidden": "true" },
        svg("path", { d: "M0 4H24", class: `ou-line ou-line-${i}` }));
    }

    /** Move places apart that are nearer than a line of text. */
    function apart(places) {
      const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b]);
      const moved = places.slice();
      order.forEach((i, k) => { if (k) moved[i] = Math.max(moved[i], moved[order[k - 1]] + 14); });
      return moved;
    }
  }

  return { pure, mount };
});
