// The analogy switch of chapter 7: own analogies over pretrained vectors. The first part computes
// what lib.vectors.Vectors.analogy computes, over the bytes that lib/live_analogy.py wrote, and
// knows nothing of the page; the second part draws.
(function (root, factory) {
  "use strict";
  const made = factory(root);
  if (typeof module === "object" && module.exports) module.exports = made.pure;
  else root.EmbeddingsTested.live.register("analogy-switch", { mount: made.mount });
})(typeof window === "undefined" ? globalThis : window, (root) => {
  "use strict";

  // --- calculations ---------------------------------------------------------------------------

  const EPSILON = 0.001; // keeps 3CosMul from dividing by zero
  const METHODS = ["add", "mul", "only-b"];

  /** Make loaded vectors ready: the words, their numbers, rows of length 1 (a zero row stays). */
  function unpack({ words: text, d, bytes }) {
    const words = text.split(" ");
    const raw = Int8Array.from(root.atob(bytes), (letter) => letter.charCodeAt(0));
    const rows = new Float64Array(raw.length);
    for (let i = 0; i < words.length; i += 1) {
      let squares = 0;
      for (let j = i * d; j < (i + 1) * d; j += 1) squares += raw[j] * raw[j];
      const length = Math.sqrt(squares) || 1;
      for (let j = i * d; j < (i + 1) * d; j += 1) rows[j] = raw[j] / length;
    }
    return { words, d, rows, index: new Map(words.map((word, i) => [word, i])) };
  }

  /** The cosines of one word with all words. */
  function cosines({ words, d, rows }, number) {
    return words.map((_, i) => {
      let sum = 0;
      for (let j = 0; j < d; j += 1) sum += rows[i * d + j] * rows[number * d + j];
      return sum;
    });
  }

  /**
   * Answer "a is to a* as b is to ?": the `k` best words and their scores, on a tie the more
   * frequent one. `inputs` says whether the three words may be answers.
   */
  function analogy(model, question, { method, inputs }, k = 5) {
    const numbers = question.map((word) => model.index.get(word));
    const [a, star, b] = numbers.map((number) => cosines(model, number));
    const moved = (x) => (1 + x) / 2;
    const score = {
      add: (i) => star[i] - a[i] + b[i],
      mul: (i) => (moved(star[i]) * moved(b[i])) / (moved(a[i]) + EPSILON),
      "only-b": (i) => b[i],
    }[method];
    return model.words.map((word, i) => ({ word, i, score: score(i) }))
      .filter(({ i }) => inputs || !numbers.includes(i))
      .sort((x, y) => y.score - x.score || x.i - y.i)
      .slice(0, k).map(({ word, score: value }) => ({ word, score: value }));
  }

  /** Bring what was typed to the form that the vectors know: lower case, no blanks. */
  function tidy(text) {
    return text.toLowerCase().replace(/\s+/g, "");
  }

  /** Write the state for the address; `read` is its inverse. The words come last. */
  function write(state) {
    return [state.guess, state.method, state.inputs ? 1 : 0, state.words.join(" ")].join(".");
  }

  /** Read a state from the address; whatever makes no sense becomes what it is at the start. */
  function read(text, data) {
    const [guess, method, inputs, ...rest] = text.split(".");
    const words = rest.join(".").split(" ").map(tidy);
    return {
      guess: /^([012]|skip)$/.test(guess) ? guess : "",
      method: METHODS.includes(method) ? method : "add",
      inputs: inputs === "1",
      words: words.length === 3 ? words : data.first.slice(),
    };
  }

  const pure = { METHODS, unpack, cosines, analogy, tidy, write, read };

  // --- the page -------------------------------------------------------------------------------

  const NAMES = { add: "3CosAdd", mul: "3CosMul", "only-b": "only b" };
  const FORMULA = {
    add: "cos(x, a*) − cos(x, a) + cos(x, b)",
    mul: "cos(x, a*) · cos(x, b) / (cos(x, a) + 0.001), each cosine moved to 0..1",
    "only-b": "cos(x, b): the pair before it is not looked at",
  };
  const FIELDS = ["a", "a*", "b"];

  /** Put the figure into `stage`. */
  function mount(stage, payload, options) {
    const live = root.EmbeddingsTested.live;
    const { el, format, whole } = live;
    const { data } = payload;
    const address = live.state("analogy-switch");
    let state = read(address.read(), data);
    let model = null;
    let unknown = [];

    const decided = () => state.guess !== "";
    const question = el("div", {});
    const said = el("p", { class: "live-said" });
    const engine = el("div", { class: "as-engine" });
    stage.classList.add("live-plain", "analogy-switch");
    stage.append(question, said, engine, live.foot(reset, () => address.link(options.figure.id)));
    draw();

    function save(changes) {
      state = { ...state, ...changes };
      address.write(write(state));
    }

    function reset() {
      state = read("", data);
      unknown = [];
      address.write("");
      draw();
      live.announce("Back to the beginning");
    }

    function draw() {
      question.replaceChildren(...(decided() ? [] : [ask()]));
      said.hidden = !decided();
      engine.hidden = !decided();
      if (!decided()) return;
      drawVerdict();
      if (model) drawForm();
      else drawOffer();
    }

    function quoted([a, star, b]) {
      return [el("b", {}, a), " is to ", el("b", {}, star), " as ", el("b", {}, b), " is to ?"];
    }

    function ask() {
      return live.ask(
        ["Before you look: ", ...quoted(data.first), " Of all words, the given three among them, which one has the highest score (3CosAdd)?"],
        data.choices,
        (guess) => {
          save({ guess });
          draw();
          live.focusOn(said);
        },
      );
    }

    function drawVerdict() {
      const { allowed, "left out": without } = data.answers;
      const right = allowed[0][0];
      const opening = state.guess === "skip" ? `It is “${right}”.`
        : data.choices[Number(state.guess)] === right ? `Yes, “${right}”.` : `No, it is “${right}”.`;
      said.replaceChildren(
        el("strong", {}, opening), ` ${live.listed(allowed.slice(0, 3).map(([word, score]) => `${word} ${format(score)}`))}. `
        + `The published scores leave the given words out, and then “${without[0][0]}” is first.`,
      );
    }

    // --- loading

    function drawOffer() {
      const size = `${data.megabytes} MB, about ${data.packed} MB compressed`;
      engine.replaceChildren(
        el("p", { class: "as-step" }, "Now ask for yourself."),
        el("p", {}, `The vectors of the ${whole(data.n)} most frequent words of ${data.vectors} are loaded, one byte a number.`),
        state.words.join() === data.first.join() ? "" : el("p", {}, "Your question: ", ...quoted(state.words)),
        live.button(`Load the vectors (${size})`, load, { class: "live-button live-main as-load" }),
      );
    }

    function load() {
      const waiting = engine.querySelector(".as-load");
      waiting.textContent = "Loading …";
      waiting.disabled = true;
      live.loadLarge("analogy-switch").then((loaded) => {
        model = unpack(loaded);
        const here = document.activeElement; // whoever went on reading meanwhile is left there
        const stayed = !here || here === document.body || engine.contains(here);
        draw();
        if (!decided()) return; // started again meanwhile
        if (stayed) engine.querySelector("input").focus();
        live.announce(`${whole(model.words.length)} words are loaded. ${spoken()}`);
      }).catch(missing);
    }

    function missing(error) {
      console.error(error);
      const text = "The vectors could not be loaded: the connection failed, or this copy of the site was built without "
        + "them. The table below answers a dozen questions.";
      const again = live.button("Try again", load, { class: "live-button as-load" });
      engine.replaceChildren(el("p", { class: "as-missing" }, text), again);
      again.focus();
      const table = options.figure.querySelector("details.live-data");
      if (table) table.open = true;
      live.announce(text);
    }

    // --- asking

    function drawForm() {
      const fields = FIELDS.map((name, i) => {
        const id = live.uid("word");
        const own = el("input", {
          id, type: "text", value: state.words[i], autocomplete: "off", autocapitalize: "off", spellcheck: "false",
        });
        return { own, box: el("div", { class: "as-word" }, el("label", { for: id }, name), own) };
      });
      const joins = ["is to", "as", "is to ?"];
      const form = el(
        "form", { class: "as-form", "aria-label": "an analogy" },
        fields.map(({ box }, i) => [box, el("span", { class: "as-join" }, joins[i])]),
        el("button", { type: "submit", class: "live-button live-main" }, "Ask"),
      );
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        asked(fields.map(({ own }) => tidy(own.value)));
      });
      const examples = el("p", { class: "as-examples" }, "Try ", data.examples.map((words) => [" ", live.button(
        `${words[0]} : ${words[1]} = ${words[2]} : ?`, () => asked(words.slice()), { class: "live-button live-quiet" },
      )]));
      const method = live.radios("Method", METHODS.map((name) => [name, NAMES[name]]), (value) => change({ method: value }));
      const inputs = live.checkbox("the given words may be answers", (value) => change({ inputs: value }));
      method.set(state.method);
      inputs.set(state.inputs);
      const answers = el("div", { class: "as-answers" });
      engine.replaceChildren(
        el("p", { class: "as-step" }, "Now ask for yourself."), form, examples,
        el("div", { class: "live-knobs" }, method.box, inputs.box), answers,
      );
      renew();

      function asked(words) {
        save({ words });
        fields.forEach(({ own }, i) => { own.value = words[i]; });
        renew();
        live.announce(spoken());
      }

      function change(changes) {
        save(changes);
        renew();
        live.announce(spoken());
      }

      function renew() {
        unknown = state.words.filter((word) => !model.index.has(word));
        fields.forEach(({ own }, i) => {
          if (model.index.has(state.words[i])) own.removeAttribute("aria-invalid");
          else own.setAttribute("aria-invalid", "true");
        });
        answers.replaceChildren(...(unknown.length ? unknown.map((word) => missingWord(word, asked)) : results()));
      }
    }

    function missingWord(word, again) {
      if (!word) return el("p", { class: "as-missing" }, "Fill in all three words.");
      const near = live.nearestSpellings(word, model.words);
      return el(
        "p", { class: "as-missing" }, el("b", {}, word), ` is not among the ${whole(model.words.length)} words`,
        near.length ? "; nearest spellings: " : "; no known word is spelled much like it.",
        near.map((other) => [" ", live.button(
          other, () => again(state.words.map((own) => (own === word ? other : own))), { class: "live-button live-quiet" },
        )]),
      );
    }

    function best(changes = {}) {
      return analogy(model, state.words, { ...state, ...changes }, data.top);
    }

    function results() {
      const found = best();
      const top = found[0].score;
      const id = live.uid("answers");
      const rows = found.map(({ word, score }) => el(
        "li", {}, el("span", { class: "as-answer" }, word, state.words.includes(word) ? el("span", { class: "as-given" }, " given") : ""),
        el("span", { class: "as-bar", "aria-hidden": "true", style: `--w: ${Math.max(0, (100 * score) / top).toFixed(1)}%` }),
        el("span", { class: "as-score" }, format(score, 3)),
      ));
      const others = METHODS.filter((name) => name !== state.method).map((name) => `${NAMES[name]}: ${best({ method: name })[0].word}`);
      const switched = best({ inputs: !state.inputs })[0].word;
      return [
        el("p", { class: "as-head", id }, el("b", {}, NAMES[state.method]), el("span", {}, FORMULA[state.method])),
        el("ol", { "aria-labelledby": id }, rows),
        el("p", { class: "as-note" }, `First by the other methods: ${others.join("; ")}. `
          + `With the given words ${state.inputs ? "left out" : "allowed"}: ${switched}.`),
      ];
    }

    function spoken() {
      if (unknown.length) return engine.querySelector(".as-answers").textContent;
      return `${NAMES[state.method]}, given words ${state.inputs ? "allowed" : "left out"}: `
        + `${best().map(({ word, score }) => `${word} ${format(score, 3)}`).join(", ")}.`;
    }
  }

  return { pure, mount };
});
