// The figure bank of chapter 10, and bank-layers of chapter 13: one word in eight sentences of two
// senses, layer by layer. The first part computes what lib.live_senses computes and knows nothing of
// the page; the second part draws.
(function (root, factory) {
  "use strict";
  const made = factory(root);
  if (typeof module === "object" && module.exports) module.exports = made.pure;
  else ["bank", "bank-layers"].forEach((name) => root.EmbeddingsTested.live.register(name, { mount: made.mount }));
})(typeof window === "undefined" ? globalThis : window, (root) => {
  "use strict";

  // --- calculations ---------------------------------------------------------------------------

  const SURE = 1e-9; // differences below it are rounding

  /** The whole table of cosines from the numbers above its diagonal, row after row. */
  function matrix(triangle, n, scale) {
    const M = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => Number(i === j)));
    let next = 0;
    for (let i = 0; i < n; i += 1) {
      for (let j = i + 1; j < n; j += 1) {
        M[i][j] = triangle[next] / scale;
        M[j][i] = M[i][j];
        next += 1;
      }
    }
    return M;
  }

  function mean(numbers) {
    return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  }

  /** The cosines of all pairs: `same` says whether both sentences have one label. */
  function pairs(M, labels) {
    return M.flatMap((row, i) => row.flatMap((cosine, j) => (
      j > i ? [{ i, j, cosine, same: labels[i] === labels[j] }] : [])));
  }

  /** The mean cosine of pairs of one label, and of pairs of two. */
  function withinBetween(M, labels) {
    const all = pairs(M, labels);
    return [true, false].map((same) => mean(all.filter((one) => one.same === same).map((one) => one.cosine)));
  }

  /** The nearest other sentence of each; all of them, where several are equally near. */
  function nearest(M) {
    return M.map((row, i) => {
      const others = row.map((_, j) => j).filter((j) => j !== i);
      const best = Math.max(...others.map((j) => row[j]));
      return others.filter((j) => row[j] === best);
    });
  }

  /** How many sentences have a nearest one of the same label; a tie counts in part. */
  function hits(M, labels) {
    return nearest(M).reduce((sum, near, i) => sum + mean(near.map((j) => Number(labels[j] === labels[i]))), 0);
  }

  /** All ways to split n sentences into halves, as labels; sentence 0 has label 0. */
  function halves(n) {
    const found = [];
    (function choose(labels, zeros) {
      if (labels.length === n) {
        if (zeros === n / 2) found.push(labels);
        return;
      }
      if (zeros < n / 2) choose([...labels, 0], zeros + 1);
      if (labels.length - zeros < n / 2) choose([...labels, 1], zeros);
    })([0], 1);
    return found;
  }

  /** How far two senses are apart; see lib.live_senses.Separation. */
  function separation(M, labels) {
    const [within, between] = withinBetween(M, labels);
    const splits = halves(M.length);
    const asFar = splits.filter((split) => {
      const [own, other] = withinBetween(M, split);
      return own - other >= within - between - SURE;
    }).length;
    return { within, between, apart: within - between, hits: hits(M, labels), asFar, splits: splits.length };
  }

  /** The cosines that a state asks for. */
  function chosen(data, { model, layer, centred, word }) {
    const { cosines } = data.models.find((one) => one.name === model);
    const place = data.words.findIndex((one) => one.word === word);
    return matrix(cosines[layer][Number(centred)][place], data.words[place].labels.length, data.scale);
  }

  /** Hits over all words, and the mean of how far the senses are apart. */
  function overall(data, state) {
    const found = data.words.map(({ word, labels }) => {
      const M = chosen(data, { ...state, word });
      const [within, between] = withinBetween(M, labels);
      return { hits: hits(M, labels), apart: within - between };
    });
    return {
      hits: found.reduce((sum, one) => sum + one.hits, 0),
      apart: mean(found.map((one) => one.apart)),
    };
  }

  /** The place of the answer that comes nearest to a share. */
  function rightAnswer(share, answers) {
    const off = answers.map((answer) => Math.abs(answer - share));
    return off.indexOf(Math.min(...off));
  }

  /** What stands before a sentence: the first letter of its sense, and its number within it. */
  function marks({ senses, labels }) {
    const counted = [0, 0];
    return labels.map((label) => {
      counted[label] += 1;
      return `${senses[label][0].toUpperCase()}${counted[label]}`;
    });
  }

  /** What the reader is asked about: the last layer of the first model, as it is. */
  function asked(data) {
    const [{ name, layers }] = data.models;
    return { model: name, layer: layers.length - 1, centred: false };
  }

  /** Write the state for the address; `read` is its inverse. */
  function write(state) {
    return [state.guess, state.word, state.model, state.layer, Number(state.centred)].join(".");
  }

  /** Read a state from the address; whatever makes no sense becomes what it is at the start. */
  function read(text, data) {
    const [guess, word, name, layer, centred] = text.split(".");
    const start = asked(data);
    const model = data.models.find((one) => one.name === name);
    const known = model && /^\d+$/.test(layer) && Number(layer) < model.layers.length;
    return {
      guess: /^([0123]|skip)$/.test(guess) ? guess : "",
      word: data.words.some((one) => one.word === word) ? word : data.words[0].word,
      model: known ? name : start.model,
      layer: known ? Number(layer) : start.layer,
      centred: centred === "1",
    };
  }

  const pure = {
    matrix, pairs, withinBetween, nearest, hits, halves, separation, chosen, overall, rightAnswer, marks, write, read,
  };

  // --- the page -------------------------------------------------------------------------------

  const NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

  /** Put the figure into `stage`. */
  function mount(stage, payload, options) {
    const live = root.EmbeddingsTested.live;
    const { el, svg, format } = live;
    const { data } = payload;
    const n = data.words[0].labels.length;
    const all = n * data.words.length;
    const chance = all * ((n / 2 - 1) / (n - 1));
    const address = live.state(payload.name);
    const narrow = root.matchMedia("(max-width: 767px)");
    const totals = new Map();
    let state = read(address.read(), data);

    narrow.addEventListener("change", () => draw(false));
    const decided = () => state.guess !== "";
    const spelt = (number) => NUMBERS[number] || String(number);
    const few = (number) => format(number, Math.abs(number - Math.round(number)) < SURE ? 0 : 1);
    const modelOf = (name) => data.models.find((one) => one.name === name);
    const wordOf = () => data.words.find((one) => one.word === state.word);

    const question = el("div", {});
    const said = el("p", { class: "live-said" });
    const word = live.select("Word", data.words.map((one) => [one.word, one.word]), (value) => change({ word: value }));
    const model = live.select("Model", data.models.map((one) => [one.name, one.label]), (value) => change({
      model: value, layer: modelOf(value).layers.length - 1,
    }));
    const layerPlace = el("div", {});
    const centred = live.checkbox(
      "centred: less the mean vector of all other words", (value) => change({ centred: value }),
    );
    const knobs = el("div", { class: "live-knobs" }, word.box, model.box, layerPlace, centred.box);
    const reach = el("p", { class: "bk-reach" });
    const sentences = el("div", { class: "bk-sentences" });
    const result = el("p", { class: "bk-result" });
    const picture = el("div", {});
    const table = el("div", { class: "bk-matrix" });
    const whole = el("div", { class: "bk-whole" });
    let layer = null;
    stage.classList.add("live-plain", "bank");
    stage.append(
      question, said, knobs, reach, sentences, result, picture, table, whole,
      live.foot(reset, () => address.link(options.figure.id)),
    );
    draw(true);

    function change(changes) {
      const asking = state.guess !== (changes.guess ?? state.guess);
      state = { ...state, ...changes };
      address.write(write(state));
      draw(asking);
      if (!asking) live.announce(result.textContent);
    }

    function reset() {
      state = read("", data);
      address.write("");
      draw(true);
      live.announce("Back to the beginning");
    }

    function draw(asking) {
      word.set(state.word);
      model.set(state.model);
      centred.set(state.centred);
      drawLayers();
      if (asking) question.replaceChildren(...(decided() ? [] : [ask()]));
      for (const part of [said, knobs, result, picture, table, whole]) part.hidden = !decided();
      const M = chosen(data, state);
      const own = wordOf();
      drawSentences(own, decided() ? M : null);
      if (!decided()) return;
      drawVerdict();
      drawResult(own, separation(M, own.labels));
      picture.replaceChildren(strip(own, M));
      drawTable(own, M);
      drawWhole();
    }

    /** The slider of the layers is made anew when the model has others. */
    function drawLayers() {
      const { name, layers } = modelOf(state.model);
      if (!layer || layer.name !== name) {
        const numbers = layers.map((_, i) => i);
        layer = { name, ...live.slider("Layer", numbers, (i) => layers[i], (value) => change({ layer: value })) };
        layerPlace.replaceChildren(layer.box);
      }
      layer.box.hidden = layers.length < 2;
      layer.set(state.layer);
    }

    /** What all words give together, counted once. */
    function total(where) {
      const key = [where.model, where.layer, where.centred].join();
      if (!totals.has(key)) totals.set(key, overall(data, where));
      return totals.get(key);
    }

    // --- the question, and what came of it

    function ask() {
      const { label, layers, until } = data.models[0];
      return live.ask(
        `Before you look: ${spelt(data.words.length)} words stand in ${spelt(n)} sentences each, ${spelt(n / 2)} of each sense, such as those below. `
          + `Take the vector of the word from ${label}, ${layers[layers.length - 1]}${until ? ", which has read no further than the word" : ""}. For how many of the ${all} sentences is the `
          + `nearest of the other ${spelt(n - 1)} of the same sense?`,
        data.answers.map((share, i) => `about ${Math.round(share * all)}${i ? "" : ", as by chance"}`),
        (guess) => {
          change({ guess });
          live.focusOn(said);
        },
      );
    }

    function drawVerdict() {
      const start = asked(data);
      const found = total(start);
      const right = rightAnswer(found.hits / all, data.answers);
      const opening = state.guess === "skip" ? "It is" : Number(state.guess) === right ? "Yes, it is" : "No, it is";
      const [first, ...rest] = data.models;
      const below = first.layers.slice(0, -1).map((name, i) => `${name} ${few(total({ ...start, layer: i }).hits)}`);
      const others = rest.map(({ name, label, layers }) => {
        const each = layers.map((_, i) => total({ model: name, layer: i, centred: false }).hits);
        const best = each.indexOf(Math.max(...each));
        return `${label}${layers.length > 1 ? `, the best of its ${spelt(layers.length)} layers (${layers[best]})` : ""} ${few(each[best])}`;
      });
      said.replaceChildren(
        el("strong", {}, `${opening} ${few(found.hits)} of ${all}. `),
        `Chance gives ${format(chance, 1)}, and so does one vector a word, to which all are equally near. `,
        below.length ? `The layers below it: ${live.listed(below)}. ` : "",
        others.length ? `For comparison: ${others.join("; ")}.` : "",
      );
    }

    // --- the sentences

    function drawSentences(own, M) {
      const { until, label: reader } = modelOf(state.model);
      reach.hidden = !until;
      reach.textContent = until
        ? `${reader}: the vector has read the sentence up to “${own.word}”. What is grey comes after it and cannot move it.` : "";
      const names = marks(own);
      const near = M && nearest(M);
      sentences.replaceChildren(...own.senses.map((sense, label) => {
        const id = live.uid("sense");
        const rows = own.sentences.map((_, i) => i).filter((i) => own.labels[i] === label);
        return el(
          "div", {}, el("p", { class: "bk-head", id }, shape(label), ` ${own.word}, ${sense}`),
          el("ul", { "aria-labelledby": id }, rows.map((i) => el(
            "li", {}, el("b", { class: "bk-name" }, names[i]),
            el("span", {}, marked(own, i)), near ? note(own, names, M, near[i], i) : "",
          ))),
        );
      }));
    }

    function marked(own, i) {
      const tokens = own.sentences[i].split(" ");
      const place = own.places[i];
      const after = tokens.slice(place + 1).join(" ");
      return [tokens.slice(0, place).join(" "), " ", el("mark", { class: "bk-target" }, tokens[place]), " ",
        modelOf(state.model).until ? el("span", { class: "bk-unread" }, after) : after];
    }

    function note(own, names, M, near, i) {
      const right = mean(near.map((j) => Number(own.labels[j] === own.labels[i])));
      const judged = right === 1 ? "same sense" : right === 0 ? "other sense" : "both senses";
      const which = near.length === n - 1 ? `all ${spelt(n - 1)} equally near` : `nearest ${live.listed(near.map((j) => names[j]))}`;
      return el(
        "span", { class: `bk-note ${right === 1 ? "bk-good" : right === 0 ? "bk-bad" : ""}` },
        `${which}, ${format(M[i][near[0]], 3)}: ${judged}`,
      );
    }

    /** The sign of a sense: a filled circle, an open diamond. */
    function shape(label) {
      return svg(
        "svg", { viewBox: "-8 -8 16 16", width: 16, height: 16, "aria-hidden": "true", focusable: "false" },
        label ? svg("path", { d: "M0 -6l6 6l-6 6l-6 -6z", class: "bk-second" }) : svg("circle", { r: 5, class: "bk-first" }),
      );
    }

    // --- one word

    function where() {
      const { label, layers } = modelOf(state.model);
      return `${label}${layers.length > 1 ? `, ${layers[state.layer]}` : ""}${state.centred ? ", centred" : ""}`;
    }

    function drawResult(own, found) {
      const none = Math.abs(found.apart) < SURE;
      result.replaceChildren(
        el("b", {}, `For “${own.word}” the nearest sentence has the same sense ${few(found.hits)} times of ${n}`), ` (${where()}). `,
        `Mean cosine within a sense ${format(found.within, 3)}, between senses ${format(found.between, 3)}: `
          + `${none ? "no difference" : `the difference is ${format(found.apart, 3)}`}. `,
        none ? "" : `Of the ${found.splits} ways to halve the ${spelt(n)} sentences `
          + `${found.asFar === 1 ? "none but the true one gives so much." : `${found.asFar} give so much or more, the true one among them.`}`,
      );
    }

    /** All pairs on the line of cosines: those within a sense above, those between senses below. */
    function strip(own, M) {
      const wide = narrow.matches ? 330 : 640;
      const left = narrow.matches ? 12 : 118;
      const every = pairs(M, own.labels);
      const values = every.map((one) => one.cosine);
      const [low, high] = range(values);
      const x = (value) => left + ((value - low) / (high - low)) * (wide - left - 14);
      const means = withinBetween(M, own.labels);
      const rows = [["within a sense", true], ["between senses", false]].map(([name, same], r) => {
        const y = (narrow.matches ? 34 : 24) + r * (narrow.matches ? 52 : 40);
        const dots = every.filter((one) => one.same === same).map((one) => svg(same ? "circle" : "path", {
          ...(same ? { cx: x(one.cosine), cy: y, r: 5 } : { d: `M${x(one.cosine).toFixed(1)} ${y - 6}l6 6l-6 6l-6 -6z` }),
          class: same ? "bk-dot bk-within" : "bk-dot bk-between",
        }));
        const at = x(means[r]);
        return svg(
          "g", {}, svg("text", narrow.matches ? { x: left, y: y - 14 } : { x: 0, y: y + 4 }, name), dots,
          svg("line", { x1: at, x2: at, y1: y - 11, y2: y + 11, class: "bk-mean" }),
        );
      });
      const floor = narrow.matches ? 106 : 88;
      const ticks = [low, (low + high) / 2, high].map((value, i) => svg(
        "g", {}, svg("line", { x1: x(value), x2: x(value), y1: floor, y2: floor + 5, class: "bk-axis" }),
        svg("text", { x: x(value), y: floor + 19, "text-anchor": ["start", "middle", "end"][i] }, format(value, 2)),
      ));
      return el("div", {}, svg(
        "svg", {
          viewBox: `0 0 ${wide} ${floor + 26}`, class: "bk-svg", role: "img",
          "aria-label": `Cosines of all pairs: within a sense ${spread(every, true)}, between senses ${spread(every, false)}.`,
        },
        svg("line", { x1: left, x2: wide - 14, y1: floor, y2: floor, class: "bk-axis" }), ticks, rows,
      ), el("p", { class: "bk-key" }, "Each sign is a pair of sentences, by its cosine; an upright line is the mean."));
    }

    /** A range of the axis, on round hundredths, that holds all values; never empty. */
    function range(values) {
      const low = Math.floor(Math.min(...values) * 50 - SURE) / 50;
      const high = Math.ceil(Math.max(...values) * 50 + SURE) / 50;
      return [Math.max(-1, low), Math.min(1, high)].map((value, i, both) => (
        both[0] === both[1] ? value - 0.02 * (1 - i) : value));
    }

    function spread(every, same) {
      const values = every.filter((one) => one.same === same).map((one) => one.cosine);
      return `${format(Math.min(...values), 3)} to ${format(Math.max(...values), 3)}, mean ${format(mean(values), 3)}`;
    }

    /** The table of cosines; the stronger the tint, the nearer; a frame around the nearest of each row. */
    function drawTable(own, M) {
      const names = marks(own);
      const near = nearest(M);
      const values = pairs(M, own.labels).map((one) => one.cosine);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const shade = (value) => (high - low < SURE ? 0 : (30 * (value - low)) / (high - low)).toFixed(1);
      const brief = (value) => (narrow.matches ? format(value, 3).replace("0.", ".") : format(value, 3));
      const cell = (i, j) => {
        if (i === j) return el("td", { class: "bk-self" }, "–");
        const best = near[i].length < n - 1 && near[i].includes(j);
        const edge = own.labels[i] === own.labels[j] ? " bk-own" : "";
        return el(
          "td", { class: `${best ? "bk-best" : ""}${edge}`, style: `--shade: ${shade(M[i][j])}%` }, brief(M[i][j]),
          best ? el("span", { class: "live-voice" }, " nearest") : "",
        );
      };
      table.replaceChildren(
        el("table", {},
          el("caption", {}, `Cosines of “${own.word}” between its sentences. The stronger the tint, the nearer; the nearest of a row is framed; bold pairs share a sense.`),
          el("thead", {}, el("tr", {}, el("th", { scope: "col" }, el("span", { class: "live-voice" }, "sentence")), names.map((name, i) => el(
            "th", { scope: "col" }, shape(own.labels[i]), name,
          )))),
          el("tbody", {}, names.map((name, i) => el(
            "tr", { class: i === n / 2 ? "bk-break" : null }, el("th", { scope: "row" }, shape(own.labels[i]), name),
            names.map((_, j) => cell(i, j)),
          )))),
      );
    }

    // --- all words

    function drawWhole() {
      const share = (hit) => `${((100 * hit) / all).toFixed(1)}%`;
      const rows = data.models.flatMap(({ name, label, layers }) => layers.map((text, i) => {
        const found = total({ model: name, layer: i, centred: state.centred });
        const here = name === state.model && i === state.layer;
        return el(
          "tr", { class: here ? "bk-here" : null, "aria-current": here ? "true" : null },
          el("th", { scope: "row" }, layers.length > 1 ? `${label}, ${text}` : label),
          el("td", { class: "bk-count" }, el("span", {
            class: "bk-bar", "aria-hidden": "true", style: `--w: ${share(found.hits)}; --chance: ${share(chance)}`,
          }), el("span", { class: "bk-hits" }, few(found.hits))),
          el("td", {}, format(found.apart, 3)),
        );
      }));
      whole.replaceChildren(el(
        "table", {},
        el("caption", {}, `All ${spelt(data.words.length)} words${state.centred ? ", centred" : ""}: the line in a bar is chance, ${format(chance, 1)} of ${all}.`),
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "model and layer"),
          el("th", { scope: "col" }, `nearest has the same sense, of ${all}`), el("th", { scope: "col" }, "within less between"))),
        el("tbody", {}, rows),
      ));
    }
  }

  return { pure, mount };
});
