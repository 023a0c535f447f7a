// The window of chapter 4: what a window over a sentence counts, and which words its width makes
// near. The first part computes what lib.cooccurrence and lib.live_window compute and knows nothing
// of the page; the second part draws.
(function (root, factory) {
  "use strict";
  const made = factory(root);
  if (typeof module === "object" && module.exports) module.exports = made.pure;
  else root.EmbeddingsTested.live.register("window", { mount: made.mount });
})(typeof window === "undefined" ? globalThis : window, (root) => {
  "use strict";

  // --- calculations ---------------------------------------------------------------------------

  /** What a word counts at each distance, the nearest first; see lib.cooccurrence. */
  function windowWeights(width, weighting) {
    const formulas = {
      plain: () => 1,
      distance: (d) => 1 / d,
      dynamic: (d) => (width - d + 1) / width,
    };
    return Array.from({ length: width }, (_, i) => formulas[weighting](i + 1));
  }

  /** The places that a window sees, from left to right: `{place, weight}`. */
  function inWindow(length, centre, width, weighting) {
    const weights = windowWeights(width, weighting);
    const seen = [];
    for (let place = Math.max(0, centre - width); place <= Math.min(length - 1, centre + width); place += 1) {
      if (place !== centre) seen.push({ place, weight: weights[Math.abs(place - centre) - 1] });
    }
    return seen;
  }

  /** What all the weights of a window add up to. */
  function sum(seen) {
    return seen.reduce((total, { weight }) => total + weight, 0);
  }

  /**
   * The place of the setting that was counted and is nearest to the wanted one; of two equally near
   * the narrower. One word on each side counts alike under every weighting.
   */
  function nearestSetting(settings, width, weighting) {
    let best = -1;
    settings.forEach((setting, place) => {
      if (setting.weighting !== weighting && setting.width > 1) return;
      const apart = Math.abs(setting.width - width);
      const least = best < 0 ? Infinity : Math.abs(settings[best].width - width);
      if (apart < least || (apart === least && setting.width < settings[best].width)) best = place;
    });
    return best;
  }

  /** Which share of the neighbours two lists of lists have in common. */
  function overlap(first, second) {
    let both = 0;
    let all = 0;
    first.forEach((words, i) => {
      both += words.filter((word) => second[i].includes(word)).length;
      all += words.length;
    });
    return both / all;
  }

  /** Write the state for the address; `read` is its inverse. */
  function write(state) {
    return [state.guess, state.width, state.weighting, state.centre, state.word].join(".");
  }

  /** Read a state from the address; whatever makes no sense becomes what it is at the start. */
  function read(text, data) {
    const [guess, width, weighting, centre, word] = text.split(".");
    const number = (said, least, most, start) => (
      /^\d{1,3}$/.test(said || "") && Number(said) >= least && Number(said) <= most ? Number(said) : start);
    return {
      guess: /^([01]|skip)$/.test(guess) ? guess : "",
      width: number(width, 1, data.reach, 2),
      weighting: data.settings.some((one) => one.weighting === weighting) ? weighting : "plain",
      centre: number(centre, 0, lastCentre(data), Math.min(6, lastCentre(data))),
      word: data.words.includes(word) ? word : data.question.word,
    };
  }

  /** The last word whose widest window still fits into what is shown of the document. */
  function lastCentre(data) {
    return data.tokens.length - 1 - data.reach;
  }

  const pure = { windowWeights, inWindow, sum, nearestSetting, overlap, write, read, lastCentre };

  // --- the page -------------------------------------------------------------------------------

  const WEIGHTINGS = {
    plain: "every word counts 1", distance: "1 / distance", dynamic: "falling evenly to the edge",
  };
  const LETTERS = ["A", "B"];

  /** Put the figure into `stage`. */
  function mount(stage, payload, options) {
    const live = root.EmbeddingsTested.live;
    const { el, format, plural, percent } = live;
    const { data } = payload;
    const address = live.state("window");
    let state = read(address.read(), data);

    const decided = () => state.guess !== "";
    const weightings = [...new Set(data.settings.map((one) => one.weighting))];
    const width = live.slider(
      "Width of the window", live.steps(1, data.reach, 1),
      (value) => `${plural(value, "word", "words")} on each side`, (value) => change({ width: value }),
    );
    const weighting = live.radios(
      "Weights", weightings.map((name) => [name, WEIGHTINGS[name]]),
      (value) => change({ weighting: value }),
    );
    const centre = live.slider(
      "Word at the centre", live.steps(0, lastCentre(data), 1),
      (value) => `word ${value + 1}: ${data.tokens[value]}`, (value) => change({ centre: value }),
    );
    const word = live.select(
      "Neighbours of", data.words.map((one) => [one, one]), (value) => change({ word: value }),
    );
    const text = el("p", { class: "ws-text", lang: "en" });
    const counted = el("p", { class: "ws-sum" });
    const question = el("div", { class: "ws-part" });
    const said = el("p", { class: "live-said" });
    const lists = el("div", { class: "ws-lists" });
    const shares = el("div", { class: "ws-shares" });
    const answers = el("div", { class: "ws-part" }, said, word.box, lists, shares);
    stage.classList.add("live-plain", "window-figure");
    stage.append(
      text, counted, el("div", { class: "live-knobs" }, width.box, weighting.box, centre.box),
      question, answers, live.foot(reset, () => address.link(options.figure.id)),
    );
    draw(true);

    function change(changes) {
      const asked = state.guess;
      state = { ...state, ...changes };
      address.write(write(state));
      draw(asked !== state.guess);
      live.announce("word" in changes ? spokenLists() : counted.textContent + (decided() ? ` ${spokenLists()}` : ""));
    }

    function reset() {
      state = read("", data);
      address.write("");
      draw(true);
      live.announce("Back to the beginning");
    }

    function draw(asking) {
      width.set(state.width);
      weighting.set(state.weighting);
      centre.set(state.centre);
      word.set(state.word);
      drawSentence();
      if (asking) question.replaceChildren(...(decided() ? [] : [ask()]));
      answers.hidden = !decided();
      if (!decided()) return;
      drawVerdict();
      drawLists();
      drawShares();
    }

    // --- the sentence

    function weightText(weight) {
      return Number.isInteger(weight) ? String(weight) : format(weight);
    }

    function drawSentence() {
      const seen = inWindow(data.tokens.length, state.centre, state.width, state.weighting);
      const weights = new Map(seen.map(({ place, weight }) => [place, weight]));
      text.replaceChildren(...data.tokens.flatMap((token, place) => [place ? " " : "", el(
        "span",
        {
          class: place === state.centre ? "ws-token ws-centre" : weights.has(place) ? "ws-token ws-in" : "ws-token",
          style: weights.has(place) ? `--w: ${weights.get(place).toFixed(3)}` : null,
          onclick: place <= lastCentre(data) ? () => change({ centre: place }) : null,
        },
        el("span", {}, token),
        el("small", {}, place === state.centre ? "centre" : weights.has(place) ? weightText(weights.get(place)) : ""),
      )]), " …");
      const empty = 2 * state.width - seen.length;
      counted.textContent = `Around “${data.tokens[state.centre]}” the window counts `
        + `${plural(seen.length, "word", "words")}; together they weigh ${weightText(sum(seen))}.`
        + (empty ? ` The document begins here, so ${plural(empty, "place", "places")} of the window `
          + `${empty === 1 ? "stays" : "stay"} empty.` : "");
    }

    // --- the question that comes first

    function listOf(place, about) {
      return data.lists[place][data.words.indexOf(about)];
    }

    function ask() {
      const { word: about, options: places } = data.question;
      const box = el("div", {});
      box.append(live.ask(
        [`Before you look: the words nearest to “${about}” by two windows, one word and `
          + `${data.settings[places[0]].width} words wide on each side. Which list is the narrow window’s?`],
        places.map((place, i) => [el("b", {}, `${LETTERS[i]} `), listOf(place, about).join(", ")]),
        (guess) => {
          change({ guess, word: about });
          live.focusOn(said);
        },
      ));
      box.querySelector(".live-choices").classList.add("ws-choices");
      return box;
    }

    function drawVerdict() {
      const { word: about, options: places } = data.question;
      const right = places.findIndex((place) => data.settings[place].width === 1);
      const opening = state.guess === "skip" ? "It is" : Number(state.guess) === right ? "Yes, it is" : "No, it is";
      said.replaceChildren(
        el("strong", {}, `${opening} list ${LETTERS[right]}. `),
        "One word on each side hears what can stand before and after: its list holds words that could take "
        + `the place of “${about}”. A wide window hears what the text is about.`,
      );
    }

    // --- the lists

    function chosen() {
      return nearestSetting(data.settings, state.width, state.weighting);
    }

    function narrowest() {
      return data.settings.findIndex((one) => one.width === 1);
    }

    function label(place) {
      const { width: words, weighting: how } = data.settings[place];
      return `${plural(words, "word", "words")} on each side`
        + (words > 1 && how !== "plain" ? `, ${WEIGHTINGS[how]}` : "");
    }

    function drawLists() {
      const first = listOf(narrowest(), state.word);
      const second = listOf(chosen(), state.word);
      const wanted = data.settings[chosen()].width !== state.width;
      const have = data.settings.filter((one) => one.weighting === state.weighting || one.width === 1)
        .map((one) => one.width);
      lists.replaceChildren(
        list("The narrowest window", label(narrowest()), first, second),
        list("Your window", label(chosen()), second, first),
        el("p", { class: "ws-note" }, wanted
          ? `With these weights the whole corpus was counted at the widths ${live.listed(have)}; the nearest to yours is shown.`
          : "Counted over the whole corpus; rows of positive PMI, compared by the cosine."),
      );
    }

    function list(title, under, own, other) {
      const id = live.uid("list");
      return el(
        "div", {}, el("p", { class: "ws-head", id }, el("b", {}, title), el("span", {}, under)),
        el("ol", { "aria-labelledby": id }, own.map((one) => el(
          "li", { class: other.includes(one) ? "ws-both" : null }, one,
          other.includes(one) ? el("span", { class: "ws-mark" }, " in both") : "",
        ))),
      );
    }

    /** How much of the narrowest window's neighbours each setting keeps, over all words. */
    function drawShares() {
      const base = data.lists[narrowest()];
      const rows = data.settings.map((_, place) => {
        const share = overlap(base, data.lists[place]);
        return el(
          "li", { class: place === chosen() ? "ws-chosen" : null },
          el("span", {}, label(place), place === chosen() ? el("span", { class: "live-voice" }, " (shown)") : ""),
          el("span", { class: "ws-bar", "aria-hidden": "true", style: `--w: ${(100 * share).toFixed(1)}%` }),
          el("span", { class: "ws-share" }, percent(share)),
        );
      });
      const id = live.uid("shares");
      shares.replaceChildren(
        el("p", { class: "ws-head", id }, el("b", {}, "How far from the narrowest?"),
          el("span", {}, `Neighbours shared with it, over all ${data.words.length} words`)),
        el("ul", { "aria-labelledby": id }, rows),
      );
    }

    function spokenLists() {
      return `${state.word}, ${label(chosen())}: ${listOf(chosen(), state.word).join(", ")}.`;
    }
  }

  return { pure, mount };
});
