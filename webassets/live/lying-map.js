// The lying map of chapter 7: two hundred words in two dimensions, and their true neighbours. The
// first part computes what lib.live_projection computes and knows nothing of the page; the second
// part draws.
(function (root, factory) {
  "use strict";
  const made = factory(root);
  if (typeof module === "object" && module.exports) module.exports = made.pure;
  else root.EmbeddingsTested.live.register("lying-map", { mount: made.mount });
})(typeof window === "undefined" ? globalThis : window, (root) => {
  "use strict";

  // --- calculations ---------------------------------------------------------------------------

  const START = { perplexity: 30, start: "0" };

  /** The places of a layout as pairs. */
  function pairs(flat) {
    return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
  }

  function square(a, b) {
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;
  }

  /** All other words by their distance from `word` in the picture, the nearest first. */
  function byDistance(places, word) {
    return places.map((_, i) => i).filter((i) => i !== word)
      .sort((a, b) => square(places[a], places[word]) - square(places[b], places[word]) || a - b);
  }

  /** Which share of the true neighbours of each word are also its nearest in the picture. */
  function kept(places, neighbours) {
    return places.map((_, word) => {
      const near = byDistance(places, word).slice(0, neighbours[word].length);
      return neighbours[word].filter((one) => near.includes(one)).length / near.length;
    });
  }

  function mean(numbers) {
    return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  }

  /** For each topic the other one whose centre lies nearest in the picture. */
  function nearestTopics(places, topic) {
    const centres = [...new Set(topic)].sort((a, b) => a - b).map((t) => {
      const own = places.filter((_, i) => topic[i] === t);
      return [mean(own.map(([x]) => x)), mean(own.map(([, y]) => y))];
    });
    return centres.map((centre, t) => {
      const apart = centres.map((other, i) => (i === t ? Infinity : Math.round(1e9 * square(centre, other)) / 1e9));
      return apart.indexOf(Math.min(...apart));
    });
  }

  /** The layout that a state asks for. */
  function layoutOf(data, state) {
    return data.layouts.find((one) => (state.method === "PCA" ? one.method === "PCA"
      : one.method !== "PCA" && one.perplexity === state.perplexity && one.start === state.start));
  }

  /** Where the reader is asked, the four answers are these shares. */
  const ANSWERS = [0.3, 0.5, 0.7, 0.9];

  /** The place of the answer that comes nearest to a share. */
  function rightAnswer(share) {
    const apart = ANSWERS.map((answer) => Math.abs(answer - share));
    return apart.indexOf(Math.min(...apart));
  }

  /** Write the state for the address; `read` is its inverse. */
  function write(state) {
    return [state.guess, state.method, state.perplexity, state.start, state.word].join(".");
  }

  /** Read a state from the address; whatever makes no sense becomes what it is at the start. */
  function read(text, data) {
    const [guess, method, perplexity, start, word] = text.split(".");
    const all = data.layouts.filter((one) => one.method !== "PCA");
    const wide = Number(perplexity);
    return {
      guess: /^([0123]|skip)$/.test(guess) ? guess : "",
      method: method === "PCA" ? "PCA" : "t-SNE",
      perplexity: all.some((one) => one.perplexity === wide) ? wide : START.perplexity,
      start: all.some((one) => one.start === start) ? start : START.start,
      word: data.words.includes(word) ? word : data.words.includes("apple") ? "apple" : data.words[0],
    };
  }

  const pure = { pairs, byDistance, kept, mean, nearestTopics, layoutOf, rightAnswer, write, read, ANSWERS };

  // --- the page -------------------------------------------------------------------------------

  const GRID = 999;

  /** Put the figure into `stage`. */
  function mount(stage, payload, options) {
    const live = root.EmbeddingsTested.live;
    const { el, svg, format, percent, plural } = live;
    const { data } = payload;
    const k = data.neighbours[0].length;
    const address = live.state("lying-map");
    const narrow = root.matchMedia("(max-width: 767px)");
    const counted = new Map();
    let state = read(address.read(), data);

    narrow.addEventListener("change", () => draw(false));
    const decided = () => state.guess !== "";
    const tsne = data.layouts.filter((one) => one.method !== "PCA");
    const perplexities = [...new Set(tsne.map((one) => one.perplexity))];
    const starts = [...new Set(tsne.map((one) => one.start))];
    const question = el("div", {});
    const said = el("p", { class: "live-said" });
    const method = live.radios("Method", [["t-SNE", "t-SNE"], ["PCA", "PCA"]], (value) => change({ method: value }));
    const perplexity = live.slider("Perplexity", perplexities, String, (value) => change({ perplexity: value }));
    const start = live.radios(
      "Start", starts.map((one) => [one, one === "PCA" ? "from PCA" : `random ${Number(one) + 1}`]),
      (value) => change({ start: value }),
    );
    const word = live.select(
      "Word", [...data.words].sort().map((one) => [one, one]), (value) => change({ word: value }),
    );
    const knobs = el("div", { class: "live-knobs" }, method.box, perplexity.box, start.box, word.box);
    const drawing = el("div", {});
    const result = el("p", { class: "lm-result" });
    const lists = el("div", { class: "lm-lists" });
    const whole = el("div", { class: "lm-whole" });
    stage.classList.add("live-plain", "lying-map");
    stage.append(
      question, said, knobs, drawing, result, lists, whole,
      live.foot(reset, () => address.link(options.figure.id)),
    );
    draw(true);

    /** What is counted on a layout, once. */
    function count(layout) {
      if (!counted.has(layout)) {
        const places = pairs(layout.places);
        const shares = kept(places, data.neighbours);
        const near = nearestTopics(places, data.topic);
        counted.set(layout, {
          places, shares, near, share: mean(shares),
          right: near.filter((one, t) => one === data.nearTopics[t]).length,
        });
      }
      return counted.get(layout);
    }

    function change(changes) {
      const before = state.guess;
      state = { ...state, ...changes };
      address.write(write(state));
      draw(before !== state.guess);
      live.announce(result.textContent);
    }

    function reset() {
      state = read("", data);
      address.write("");
      draw(true);
      live.announce("Back to the beginning");
    }

    function draw(asking) {
      method.set(state.method);
      perplexity.set(state.perplexity);
      start.set(state.start);
      word.set(state.word);
      const pca = state.method === "PCA";
      perplexity.box.querySelector("input").disabled = pca;
      start.box.disabled = pca;
      if (asking) question.replaceChildren(...(decided() ? [] : [ask()]));
      for (const part of [said, knobs, result, lists, whole]) part.hidden = !decided();
      const layout = layoutOf(data, state);
      const chosen = data.words.indexOf(state.word);
      drawing.replaceChildren(picture(layout, decided() ? chosen : -1));
      if (!decided()) return;
      drawVerdict();
      drawResult(layout, chosen);
      drawWhole(layout);
    }

    function ask() {
      return live.ask(
        `Before you look: t-SNE drew ${data.words.length} words by their vectors of ${data.dimensions} dimensions. `
          + `Of the ${k} true nearest neighbours of a word, how many are among its ${k} nearest on this map, on average?`,
        ANSWERS.map((share) => `about ${Math.round(share * k)}`),
        (guess) => {
          change({ guess });
          live.focusOn(said);
        },
      );
    }

    function drawVerdict() {
      const { share, right } = count(layoutOf(data, { method: "t-SNE", ...START }));
      const answer = rightAnswer(share);
      const opening = state.guess === "skip" ? "About" : Number(state.guess) === answer ? "Yes, about" : "No, about";
      said.replaceChildren(
        el("strong", {}, `${opening} ${Math.round(ANSWERS[answer] * k)}: ${percent(share)}. `),
        `By chance it would be ${percent(k / (data.words.length - 1))}. The rest are scattered, and strangers stand in their places. `
        + `Of whole topics: the one that lies beside a topic is the right one for ${right} of ${data.topics.length}.`,
      );
    }

    // --- the picture

    function picture(layout, chosen) {
      const size = narrow.matches ? 340 : 640;
      const edge = 22;
      const { places } = count(layout);
      const unit = (size - 2 * edge) / GRID;
      const [left, top] = [Math.min(...places.map(([x]) => x)), Math.max(...places.map(([, y]) => y))];
      const high = 2 * edge + unit * (top - Math.min(...places.map(([, y]) => y)));
      const wide = 2 * edge + unit * (Math.max(...places.map(([x]) => x)) - left);
      const at = ([x, y]) => [edge + unit * (x - left), edge + unit * (top - y)];
      const truth = chosen < 0 ? [] : data.neighbours[chosen];
      const near = chosen < 0 ? [] : byDistance(places, chosen).slice(0, k);
      const kind = (i) => (i === chosen ? "chosen" : truth.includes(i) ? (near.includes(i) ? "kept" : "lost")
        : near.includes(i) ? "false" : "rest");
      const points = places.map((place, i) => ({ i, at: at(place), kind: kind(i) }));
      const front = points.filter((one) => one.kind !== "rest");
      const lines = points.filter((one) => truth.includes(one.i)).map((one) => svg("line", {
        x1: at(places[chosen])[0], y1: at(places[chosen])[1], x2: one.at[0], y2: one.at[1], class: `lm-line lm-${one.kind}`,
      }));
      const drawn = svg(
        "svg", { viewBox: `0 0 ${wide.toFixed(1)} ${high.toFixed(1)}`, class: "lm-svg", role: "img", "aria-label": describe(layout, chosen) },
        lines, points.filter((one) => one.kind === "rest").map(mark), front.map(mark),
        topicNames(places, at, wide, chosen < 0 ? "" : " lm-pale"), chosen < 0 ? null : names(front, wide, high),
      );
      if (chosen >= 0) {
        drawn.classList.add("lm-open");
        drawn.addEventListener("click", (event) => {
          const box = drawn.getBoundingClientRect();
          const here = [((event.clientX - box.left) / box.width) * wide, ((event.clientY - box.top) / box.height) * high];
          const nearest = points.reduce((best, one) => (square(one.at, here) < square(best.at, here) ? one : best));
          change({ word: data.words[nearest.i] });
        });
      }
      return el("div", {}, drawn, chosen < 0 ? "" : el("p", { class: "lm-key", "aria-hidden": "true" }, key()));
    }

    function mark({ i, at: [x, y], kind }) {
      const shapes = {
        chosen: () => svg("circle", { cx: x, cy: y, r: 7 }),
        kept: () => svg("circle", { cx: x, cy: y, r: 5 }),
        lost: () => svg("path", { d: `M${x} ${y - 6}l6 6l-6 6l-6 -6z` }),
        false: () => svg("rect", { x: x - 4.5, y: y - 4.5, width: 9, height: 9 }),
        rest: () => svg("circle", { cx: x, cy: y, r: 2.6 }),
      };
      const made = shapes[kind]();
      made.setAttribute("class", `lm-point lm-${kind}`);
      if (i >= 0) made.append(svg("title", {}, data.words[i]));
      return made;
    }

    /** Words beside the points that matter, none on top of another. */
    function names(front, size, high) {
      const placed = [];
      const order = ["chosen", "lost", "kept", "false"];
      return [...front].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)).map(({ i, at: [x, y], kind }) => {
        const text = data.words[i];
        const wide = text.length * 7.2 + 6;
        const left = x + wide + 10 > size;
        const free = [4, -9, 17, -20, 28, -31, 39].map((shift) => ({
          from: left ? x - 9 - wide : x + 9, to: left ? x - 9 : x + 9 + wide, y: y + shift,
        })).find((box) => box.y > 10 && box.y < high - 2
          && !placed.some((one) => Math.abs(one.y - box.y) < 13 && one.from < box.to && one.to > box.from));
        if (!free) return null;
        placed.push(free);
        return svg("text", {
          x: left ? free.to : free.from, y: free.y, "text-anchor": left ? "end" : "start", class: `lm-word lm-${kind}`,
        }, text);
      });
    }

    /** The names of the topics, each at the middle of its words; before the guess there is nothing else. */
    function topicNames(places, at, size, pale) {
      const placed = [];
      return data.topics.map((name, t) => {
        const own = places.filter((_, i) => data.topic[i] === t);
        const middle = ["x", "y"].map((_, axis) => own.map((one) => one[axis]).sort((a, b) => a - b)[Math.floor(own.length / 2)]);
        const [x, y] = at(middle);
        const half = name.length * 3.8;
        const box = { x: Math.min(size - half - 4, Math.max(half + 4, x)), y };
        while (placed.some((one) => Math.abs(one.y - box.y) < 15 && Math.abs(one.x - box.x) < half + one.half)) box.y += 15;
        placed.push({ ...box, half });
        return svg("text", { x: box.x, y: box.y, "text-anchor": "middle", class: `lm-topic${pale}` }, name);
      });
    }

    function key() {
      const texts = [["chosen", "the word"], ["kept", "true neighbour, near on the map"], ["lost", "true neighbour, scattered"],
        ["false", "near on the map, no true neighbour"]];
      return texts.map(([kind, text]) => el(
        "span", {}, svg("svg", { viewBox: "-8 -8 16 16", width: 16, height: 16 }, mark({ i: -1, at: [0, 0], kind })), text,
      ));
    }

    function describe(layout, chosen) {
      const how = label(layout);
      return chosen < 0 ? `A map of ${data.words.length} words, ${how}.`
        : `A map of ${data.words.length} words, ${how}. The neighbours of ${data.words[chosen]} are in the lists below.`;
    }

    function label(layout) {
      if (layout.method === "PCA") return "PCA";
      return `t-SNE, perplexity ${layout.perplexity}, ${layout.start === "PCA" ? "start from PCA" : `random start ${Number(layout.start) + 1}`}`;
    }

    // --- what is counted

    function drawResult(layout, chosen) {
      const { places, shares, share } = count(layout);
      const order = byDistance(places, chosen);
      const near = order.slice(0, k);
      const truth = data.neighbours[chosen];
      const many = Math.round(shares[chosen] * k);
      result.replaceChildren(
        el("b", {}, `${many} of the ${k} true neighbours of “${data.words[chosen]}” are among its ${k} nearest on this map.`),
        ` Over all ${data.words.length} words it is ${percent(share)} (${label(layout)}).`,
      );
      lists.replaceChildren(
        list(`True neighbours, by the cosine in ${data.dimensions} dimensions`, truth.map((i) => [
          data.words[i], near.includes(i) ? "near" : `place ${order.indexOf(i) + 1} on the map`, !near.includes(i),
        ])),
        list("Nearest on the map", near.map((i) => [data.words[i], truth.includes(i) ? "true" : "not one of them", !truth.includes(i)])),
      );
    }

    function list(title, rows) {
      const id = live.uid("list");
      return el(
        "div", {}, el("p", { class: "lm-head", id }, title),
        el("ol", { "aria-labelledby": id }, rows.map(([text, note, wrong]) => el(
          "li", { class: wrong ? "lm-wrong" : null }, el("span", {}, text), " ", el("span", { class: "lm-note" }, note),
        ))),
      );
    }

    function drawWhole(layout) {
      const { near, right, share } = count(layout);
      const own = data.topic[data.words.indexOf(state.word)];
      const wrong = near[own] !== data.nearTopics[own];
      whole.replaceChildren(
        el("p", {}, el("b", {}, "The map as a whole. "),
          `Beside the topic “${data.topics[own]}” lies “${data.topics[near[own]]}”; `
          + (wrong ? `in ${data.dimensions} dimensions it is “${data.topics[data.nearTopics[own]]}”. ` : "that is the right one. ")
          + `The nearest topic is the right one for ${right} of ${plural(data.topics.length, "topic", "topics")}. `
          + `All distances on the map correlate with the true ones at ${format(layout.rho)} (ranks), and ${percent(share)} of the true neighbours are kept.`),
      );
    }
  }

  return { pure, mount };
});
