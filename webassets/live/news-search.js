// The news search of chapter 3: BM25 in the reader's browser, and why each article ranks where it
// does. The first part computes what lib.counts.BM25 and Tfidf compute, from the index that
// lib/live_terms.py made, and knows nothing of the page; the second part draws.
(function (root, factory) {
  "use strict";
  const made = factory(root);
  if (typeof module === "object" && module.exports) module.exports = made.pure;
  else root.EmbeddingsTested.live.register("news-search", { mount: made.mount });
})(typeof window === "undefined" ? globalThis : window, (root) => {
  "use strict";

  // --- words ------------------------------------------------------------------------------------

  /** Cut a text into words as lib.text.tokenize does: two or more letters, digits, underscores. */
  function tokenize(text) {
    return text.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) || [];
  }

  // --- the index --------------------------------------------------------------------------------

  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const VALUES = new Uint8Array(128);
  [...LETTERS].forEach((letter, value) => { VALUES[letter.charCodeAt(0)] = value; });

  /** Read the packed numbers of a text, five bits a letter, into a list. */
  function unpack(text) {
    const numbers = [];
    let number = 0;
    let shift = 0;
    for (let i = 0; i < text.length; i += 1) {
      const value = VALUES[text.charCodeAt(i)];
      number += (value & 31) * 2 ** shift;
      if (value > 31) {
        shift += 5;
      } else {
        numbers.push(number);
        number = 0;
        shift = 0;
      }
    }
    return numbers;
  }

  /** Read where a word stands, and how often: `{documents, counts}`. */
  function unpackPostings(text) {
    const numbers = unpack(text);
    const documents = [];
    const counts = [];
    let following = 0;
    for (let i = 0; i < numbers.length; i += 1) {
      const document = following + Math.floor(numbers[i] / 2);
      const many = numbers[i] % 2 === 1;
      if (many) i += 1;
      documents.push(document);
      counts.push(many ? numbers[i] + 2 : 1);
      following = document + 1;
    }
    return { documents, counts };
  }

  /** Read the sorted words, each of which repeats nothing of the one before. */
  function unpackWords(text) {
    let before = [];
    return text.split(" ").map((coded) => {
      const shared = VALUES[coded.charCodeAt(0)];
      before = [...before.slice(0, shared), ...coded.slice(1)];
      return before.join("");
    });
  }

  /** Make a loaded index ready: postings, lengths of the documents, norms of their TF-IDF rows. */
  function prepare(index) {
    const words = unpackWords(index.words);
    const postings = index.postings.split(" ").map(unpackPostings);
    const lengths = new Float64Array(index.n);
    const norms = new Float64Array(index.n);
    for (const { documents, counts } of postings) {
      const idf = smoothIdf(documents.length, index.n);
      documents.forEach((document, i) => {
        lengths[document] += counts[i];
        norms[document] += (counts[i] * idf) ** 2;
      });
    }
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const frequent = words.map((_, i) => i)
      .sort((a, b) => postings[b].documents.length - postings[a].documents.length || a - b);
    return {
      n: index.n, words, postings, lengths, titles: index.titles, mean: total / index.n,
      norms: norms.map(Math.sqrt), numbers: new Map(words.map((word, i) => [word, i])),
      byFrequency: frequent.map((i) => words[i]),
    };
  }

  // --- the formulas -----------------------------------------------------------------------------

  /** idf of BM25 as in Lucene: above zero for every word. */
  function bm25Idf(df, n) {
    return Math.log(1 + (n - df + 0.5) / (df + 0.5));
  }

  /** idf of the smooth variant of TF-IDF, scikit-learn's default. */
  function smoothIdf(df, n) {
    return Math.log((1 + n) / (1 + df)) + 1;
  }

  /** What a count is up against: k1, more of it the longer the document. */
  function heldBack(length, mean, { k1, b }) {
    return k1 * (1 - b + (b * length) / mean);
  }

  /** The share of a word's idf that a document earns: 0 without the word, towards 1 with many. */
  function saturation(tf, length, mean, settings) {
    return tf / (tf + heldBack(length, mean, settings));
  }

  /** Cut a query into the words that are in the index and those that are not. */
  function parse(model, query) {
    const times = new Map();
    for (const word of tokenize(query)) times.set(word, (times.get(word) || 0) + 1);
    const sorted = [...times.keys()].sort((a, b) => (a < b ? -1 : 1));
    const known = sorted.filter((word) => model.numbers.has(word)).map((word) => {
      const posting = model.postings[model.numbers.get(word)];
      return { word, times: times.get(word), df: posting.documents.length, posting };
    });
    return { known, unknown: [...times.keys()].filter((word) => !model.numbers.has(word)) };
  }

  /** BM25 scores of all documents. */
  function bm25Scores(model, known, settings) {
    const scores = new Float64Array(model.n);
    for (const { df, times, posting } of known) {
      const idf = bm25Idf(df, model.n);
      posting.documents.forEach((document, i) => {
        const tf = posting.counts[i];
        const length = model.lengths[document];
        const weight = (idf * tf) / (tf + heldBack(length, model.mean, settings));
        scores[document] += times * weight;
      });
    }
    return scores;
  }

  /** Cosines of all documents with the query, both as TF-IDF vectors. */
  function cosineScores(model, known) {
    const scores = new Float64Array(model.n);
    const weights = known.map(({ df, times }) => times * smoothIdf(df, model.n));
    const length = Math.sqrt(weights.reduce((sum, weight) => sum + weight ** 2, 0));
    known.forEach(({ df, posting }, k) => {
      const idf = smoothIdf(df, model.n);
      posting.documents.forEach((document, i) => {
        const own = (posting.counts[i] * idf) / model.norms[document];
        scores[document] += own * (weights[k] / length);
      });
    });
    return scores;
  }

  /** The best documents, highest first; of scores that differ by rounding alone the earlier one. */
  function best(scores, limit = 10) {
    const found = [];
    scores.forEach((score, document) => { if (score > 0) found.push({ document, score }); });
    const level = ({ score }) => Math.round(score * 1e10);
    found.sort((a, b) => level(b) - level(a) || a.document - b.document);
    return { hits: found.length, top: found.slice(0, limit) };
  }

  /** What each word of the query adds to the BM25 score of a document. */
  function reasons(model, known, document, settings) {
    return known.map(({ word, times, df, posting }) => {
      const at = posting.documents.indexOf(document);
      const tf = at < 0 ? 0 : posting.counts[at];
      const idf = bm25Idf(df, model.n);
      const share = tf ? saturation(tf, model.lengths[document], model.mean, settings) : 0;
      return { word, times, df, tf, idf, share, adds: times * idf * share };
    });
  }

  /** Answer a query: the words, the two rankings. */
  function search(model, query, settings) {
    const { known, unknown } = parse(model, query);
    return {
      known, unknown,
      bm25: best(bm25Scores(model, known, settings)),
      cosine: best(cosineScores(model, known)),
    };
  }

  /** The BM25 score of each article of a question, and what each word adds. */
  function judge(question, n, mean, settings) {
    return question.articles.map(({ length, tf }) => {
      const parts = question.words.map((word, i) => {
        const idf = bm25Idf(question.df[i], n);
        const share = tf[i] ? saturation(tf[i], length, mean, settings) : 0;
        return { word, times: 1, df: question.df[i], tf: tf[i], idf, share, adds: idf * share };
      });
      return { parts, score: parts.reduce((sum, part) => sum + part.adds, 0) };
    });
  }

  /** Write the state for the address; `read` is its inverse. The query comes last. */
  function write(state) {
    const guesses = state.guesses.map((guess) => (guess === "" ? "-" : guess)).join("");
    const { k1, b, asked, query } = state;
    return [Math.round(k1 * 10), Math.round(b * 100), asked, guesses, query].join(".");
  }

  /** Read a state from the address; whatever makes no sense becomes what it is at the start. */
  function read(text, questions) {
    const [k1, b, asked, guesses, ...query] = text.split(".");
    const number = (said, least, most, start) => {
      const value = said ? Number(said) : NaN;
      return value >= least && value <= most ? value : start;
    };
    return {
      k1: number(k1, 0, 30, 12) / 10,
      b: number(b, 0, 100, 75) / 100,
      asked: Math.floor(number(asked, 0, questions - 1, 0)),
      guesses: Array.from({ length: questions }, (_, i) => {
        const said = (guesses || "")[i];
        return said && "01s".includes(said) ? said : "";
      }),
      query: query.join("."),
    };
  }

  const START = { k1: 1.2, b: 0.75 };
  const pure = {
    START, tokenize, unpack, unpackPostings, unpackWords, prepare,
    bm25Idf, smoothIdf, saturation, parse, bm25Scores, cosineScores, best, reasons, search, judge,
    write, read,
  };

  // --- the page -----------------------------------------------------------------------------------

  const EXAMPLES = ["prison escape", "self driving cars", "space station", "antarctic ice"];
  const WAIT = 150; // milliseconds after the last letter before the answer is renewed

  const times = (number) => (["never", "once", "twice"][number] || `${number} times`);

  /** Put the figure into `stage`. */
  function mount(stage, payload, options) {
    const live = root.EmbeddingsTested.live;
    const { el, format, whole, plural } = live;
    const { data } = payload;
    const address = live.state("news-search");
    let state = read(address.read(), data.questions.length);
    let model = null;
    let timer = 0;

    const quiz = el("section", { class: "ns-quiz" });
    const engine = el("section", { class: "ns-engine" });
    const foot = live.foot(reset, () => address.link(options.figure.id));
    stage.classList.add("news-search");
    stage.append(quiz, engine, foot);
    const settings = () => ({ k1: state.k1, b: state.b });
    const answered = () => state.guesses.some((guess) => guess !== "") || state.query !== "";
    drawQuiz();
    drawEngine();

    function save(changes) {
      state = { ...state, ...changes };
      address.write(write(state));
    }

    function reset() {
      clearTimeout(timer); // what was being typed must not come back
      state = read("", data.questions.length);
      address.write("");
      drawQuiz();
      drawEngine();
      live.announce("Back to the beginning");
    }

    // --- the question that comes first

    function drawQuiz() {
      const question = data.questions[state.asked];
      const guess = state.guesses[state.asked];
      const number = `Question ${state.asked + 1} of ${data.questions.length}`;
      const title = el("p", { class: "ns-step" }, `${number}. You search for `,
        el("b", { class: "ns-query" }, question.query), ". Which article does BM25 put first?");
      quiz.replaceChildren(title, guess === "" ? ask(question) : answer(question, guess));
    }

    function facts(question, i) {
      const article = question.articles[i];
      const said = question.words.map((word, k) => [
        k ? ", " : "", el("b", {}, word), ` ${times(article.tf[k])}`,
      ]);
      return [
        el("span", { class: "ns-title" }, article.title),
        el("span", { class: "ns-facts" }, `${whole(article.length)} words: `, said),
      ];
    }

    function ask(question) {
      const name = live.uid("article");
      const choices = question.articles.map((_, i) => el(
        "label", { class: "ns-choice" }, el("input", { type: "radio", name, value: i }),
        el("span", {}, facts(question, i)),
      ));
      const rare = question.words.map((word, k) => `${word} stands in ${question.df[k]}`).join(", ");
      return el(
        "div", {},
        el("p", { class: "ns-facts" }, `Of ${whole(data.n)} articles, ${rare}. `
          + `The mean article has ${whole(Math.round(data.words / data.n))} words.`),
        el("fieldset", {}, el("legend", { class: "live-voice" }, "Which article ranks first?"), choices),
        el(
          "div", { class: "ns-actions" },
          live.button("That is my guess", commit, { class: "live-button live-main" }),
          live.button("Show me without a guess", () => reveal("s"), { class: "live-button live-quiet" }),
        ),
      );
    }

    function commit() {
      const chosen = quiz.querySelector("input:checked");
      if (chosen) {
        reveal(chosen.value);
        return;
      }
      live.remind(quiz.querySelector(".ns-actions"), "Choose one of the two articles first.");
      quiz.querySelector("input").focus();
    }

    function reveal(guess) {
      const opened = !answered();
      save({ guesses: state.guesses.map((old, i) => (i === state.asked ? guess : old)) });
      drawQuiz();
      if (opened) drawEngine();
      const said = quiz.querySelector(".ns-said");
      live.focusOn(said);
    }

    function answer(question, guess) {
      const judged = judge(question, data.n, data.words / data.n, START);
      const winner = judged[0].score >= judged[1].score ? 0 : 1;
      const cosines = question.articles.map((article) => article.cosine);
      const other = cosines[0] >= cosines[1] ? 0 : 1;
      const opening = guess === "s" ? "BM25 puts" : Number(guess) === winner ? "Yes: BM25 puts" : "No: BM25 puts";
      const same = other === winner ? "TF-IDF agrees" : "TF-IDF puts the other one first";
      const last = state.asked === data.questions.length - 1;
      return el(
        "div", {},
        el("p", { class: "ns-said" }, el("strong", {}, `${opening} “${question.articles[winner].title}” first`),
          `, ${format(judged[winner].score)} against ${format(judged[1 - winner].score)}. ${same} `
          + `(cosine ${format(cosines[other])} against ${format(cosines[1 - other])}).`),
        el("div", { class: "ns-pair" }, judged.map(({ parts, score }, i) => el(
          "div", {},
          el("p", { class: "ns-choice" }, el("b", { class: "ns-place" }, i === winner ? "1st" : "2nd"), el("span", {}, facts(question, i))),
          reasonTable(parts, score, question.articles[i].length, data.words / data.n, START),
        ))),
        el("p", { class: "ns-lesson" }, lesson(question)),
        el("div", { class: "ns-actions" }, live.button(
          last ? "Back to the first question" : "Next question",
          () => {
            save({ asked: last ? 0 : state.asked + 1 });
            drawQuiz();
            const next = quiz.querySelector("input, .ns-said");
            if (next) {
              if (next.matches("input")) next.focus();
              else live.focusOn(next);
            }
          },
        )),
      );
    }

    // --- the search

    function drawEngine() {
      engine.hidden = !answered();
      if (engine.hidden) return;
      if (model) {
        drawForm();
        return;
      }
      const size = `${data.megabytes} MB, about ${data.packed} MB compressed`;
      engine.replaceChildren(
        el("p", { class: "ns-step" }, "Now search for yourself."),
        el("p", {}, `Every third of the ${whole(data.of)} articles is indexed, ${whole(data.n)} of `
          + `them with title and whole text: ${whole(data.vocabulary)} words, where they stand and how `
          + "often. The texts themselves are not part of it."),
        state.query ? el("p", {}, "Your query: ", el("b", { class: "ns-query" }, state.query)) : "",
        live.button(`Load the index (${size})`, load, {
          class: "live-button live-main ns-load",
        }),
      );
    }

    function load() {
      const waiting = engine.querySelector(".ns-load");
      if (waiting) {
        waiting.textContent = "Loading …";
        waiting.disabled = true;
      }
      live.loadLarge("news-search").then((index) => {
        model = prepare(index);
        const here = document.activeElement; // whoever went on reading meanwhile is left there
        const stayed = !here || here === document.body || engine.contains(here);
        drawEngine();
        if (engine.hidden) return; // started again meanwhile
        if (stayed) engine.querySelector("input[type=search]").focus();
        live.announce(`${whole(model.n)} articles can be searched`);
      }).catch(missing);
    }

    function missing(error) {
      console.error(error);
      const said = "The index could not be loaded: the connection failed, or this copy of the site was "
        + "built without the news articles. The table below shows three searches.";
      const again = live.button("Try again", load, { class: "live-button ns-load" });
      engine.replaceChildren(el("p", { class: "ns-missing" }, said), again);
      again.focus();
      const table = options.figure.querySelector("details.live-data");
      if (table) table.open = true;
      live.announce(said);
    }

    function drawForm() {
      engine.hidden = false;
      const id = live.uid("query");
      const field = el("input", {
        id, type: "search", value: state.query, autocomplete: "off", spellcheck: "false",
        oninput: () => later(field.value),
      });
      const form = el(
        "form", { class: "ns-form", role: "search", "aria-label": "the news articles" },
        el("label", { for: id }, `Search ${whole(model.n)} articles`),
        el("div", { class: "ns-line" }, field, el("button", { type: "submit", class: "live-button live-main" }, "Search")),
      );
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        askFor(field.value);
      });
      const examples = el("p", { class: "ns-examples" }, "Try ", EXAMPLES.map((query, i) => [
        i ? " " : "", live.button(query, () => askFor(query), { class: "live-button live-quiet" }),
      ]));
      const k1 = slider("k1", "k1, how late counts saturate", live.steps(0, 3, 0.1), (value) => (
        value === 0 ? "0: only presence counts" : format(value, 1)));
      const b = slider("b", "b, how much length matters", live.steps(0, 1, 0.05), (value) => (
        value === 0 ? "0: not at all" : value === 1 ? "1: in proportion" : format(value)));
      const curve = el("div", { class: "ns-curve" });
      const answers = el("div", { class: "ns-answers" });
      engine.replaceChildren(
        el("p", { class: "ns-step" }, "Now search for yourself."), form, examples, el("div", { class: "ns-knobs" }, k1, b),
        curve, answers,
      );
      renew(false);

      function askFor(query) {
        clearTimeout(timer);
        field.value = query;
        save({ query });
        renew(true);
      }
      function later(query) {
        clearTimeout(timer);
        timer = setTimeout(() => askFor(query), WAIT);
      }
      function slider(name, label, values, words) {
        const made = live.slider(label, values, words, (value) => {
          save({ [name]: value });
          renew(true);
        }, "ns-field");
        made.set(state[name]);
        return made.box;
      }
      function renew(aloud) {
        curve.replaceChildren(curves());
        answers.replaceChildren(...results(aloud, askFor));
      }
    }

    function results(aloud, again) {
      if (!tokenize(state.query).length) {
        if (aloud) live.announce("Type a word of two letters or more");
        return [el("p", { class: "ns-facts" }, "Type one word or several, of two letters or more.")];
      }
      const began = performance.now();
      const found = search(model, state.query, settings());
      const took = performance.now() - began;
      const line = `${plural(found.bm25.hits, "article holds", "articles hold")} at least one of the words`;
      if (aloud) {
        const first = found.bm25.top[0];
        live.announce(first ? `${line}. BM25 first: ${model.titles[first.document]}. TF-IDF first: `
          + `${model.titles[found.cosine.top[0].document]}.` : "No article holds any of the words.");
      }
      return [
        el("ul", { class: "ns-words" }, [
          ...found.known.map(({ word, df }) => el("li", {}, el("b", {}, word), ` in ${plural(df, "article", "articles")}, idf ${format(bm25Idf(df, model.n))}`)),
          ...found.unknown.map((word) => unknown(word, again)),
        ]),
        el("p", { class: "ns-facts" }, found.known.length
          ? `${line}; found in ${took < 1 ? "less than 1 ms" : `${Math.round(took)} ms`}.`
          : "No article holds any of the words, so there is nothing to rank."),
        found.known.length ? el("div", { class: "ns-pair" }, ranking("BM25", found.bm25, found), ranking("TF-IDF, cosine", found.cosine, found)) : "",
      ];
    }

    function unknown(word, again) {
      const near = live.nearestSpellings(word, model.byFrequency);
      return el(
        "li", { class: "ns-unknown" }, el("b", {}, word), " is in no article",
        near.length ? "; nearest spellings: " : "; no known word is spelled much like it",
        near.map((other, i) => [i ? " " : "", live.button(other, () => {
          engine.querySelector("input[type=search]").focus();
          again(replaceWord(state.query, word, other));
        }, { class: "live-button live-quiet" })]),
      );
    }

    function ranking(name, own, found) {
      const isBm25 = own === found.bm25;
      const other = isBm25 ? found.cosine : found.bm25;
      const top = own.top.length ? own.top[0].score : 1;
      const id = live.uid("ranking");
      return el(
        "div", {}, el("p", { class: "ns-head", id }, name),
        el("ol", { class: "ns-list", "aria-labelledby": id }, own.top.map(({ document, score }) => {
          const there = other.top.findIndex((one) => one.document === document);
          const parts = isBm25 ? reasons(model, found.known, document, settings()) : null;
          return el(
            "li", {},
            el("span", { class: "ns-title" }, model.titles[document]),
            el("span", { class: "ns-score" }, format(score, isBm25 ? 2 : 3)),
            el("span", { class: "ns-bar", "aria-hidden": "true", style: `--w: ${((100 * score) / top).toFixed(1)}%` }),
            el("span", { class: "ns-facts" }, `${whole(model.lengths[document])} words; `
              + `${there < 0 ? "not in the other ten" : `number ${there + 1} in the other list`}`),
            parts ? el("details", {}, el("summary", {}, "Why ", el("span", { class: "ns-sum" },
              parts.filter((part) => part.tf).map((part) => `${part.word} ${format(part.adds)}`).join(" + "))),
            reasonTable(parts, score, model.lengths[document], model.mean, settings())) : null,
          );
        })),
      );
    }

    function reasonTable(parts, score, length, mean, used) {
      const { k1, b } = used;
      const held = heldBack(length, mean, used);
      const rows = parts.map((part) => el(
        "tr", {}, el("th", { scope: "row" }, part.word, part.times > 1 ? ` (${part.times} × asked)` : ""),
        el("td", {}, part.tf), el("td", {}, format(part.idf)), el("td", {}, format(part.share)),
        el("td", {}, format(part.adds)),
      ));
      return el(
        "div", { class: "ns-why" },
        el("table", {},
          el("caption", {}, `K = ${format(k1, 1)} · (1 − ${format(b)} + ${format(b)} · `
            + `${whole(length)} / ${whole(Math.round(mean))}) = ${format(held)}`),
          el("thead", {}, el("tr", {}, ["word", "tf", "idf", "tf / (tf + K)", "adds"].map((cell) => el("th", { scope: "col" }, cell)))),
          el("tbody", {}, rows, el("tr", { class: "ns-total" }, el("th", { scope: "row", colspan: 4 }, "score"), el("td", {}, format(score))))),
      );
    }

    // --- the curve: what a count earns, in a short, a mean and a long article

    function curves() {
      const { svg } = live;
      const most = 20;
      const at = (tf, share) => [40 + (tf / most) * 300, 130 - share * 112];
      const kinds = [[0.25, "¼ mean length"], [1, "mean length"], [4, "4 × mean length"]];
      const ends = kinds.map(([ratio]) => at(most, saturation(most, ratio, 1, settings()))[1]);
      const spread = apart(ends);
      const lines = kinds.map(([ratio, name], i) => {
        const path = Array.from({ length: most * 4 + 1 }, (_, k) => {
          const tf = k / 4;
          const [x, y] = at(tf, tf ? saturation(tf, ratio, 1, settings()) : 0);
          return `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
        }).join("");
        return [
          svg("path", { d: path, class: `ns-line-${i}` }),
          svg("text", { x: 348, y: spread[i] + 4, class: "ns-label" }, name),
        ];
      });
      const ticks = [0, 5, 10, 15, 20].map((tf) => svg("text", { x: at(tf, 0)[0], y: 147, class: "ns-tick", "text-anchor": "middle" }, tf));
      const sides = [0, 0.5, 1].map((share) => [
        svg("line", { x1: 40, x2: 340, y1: at(0, share)[1], y2: at(0, share)[1], class: "ns-grid" }),
        svg("text", { x: 34, y: at(0, share)[1] + 4, class: "ns-tick", "text-anchor": "end" }, share),
      ]);
      const of10 = kinds.map(([ratio, name]) => `${name} ${format(saturation(10, ratio, 1, settings()))}`);
      return svg("svg", {
        viewBox: "0 0 490 170", role: "img", class: "ns-svg",
        "aria-label": "What share of its idf a word earns by its count, which levels off. With 10 "
          + `occurrences: ${of10.join(", ")}.`,
      }, sides, ticks, lines,
      svg("text", { x: 190, y: 165, class: "ns-tick", "text-anchor": "middle" }, "times in the article: the share of its idf it earns"));
    }
  }

  /** Move numbers apart that are nearer than a line of text, from the lowest place upwards. */
  function apart(places, least = 15) {
    const order = places.map((_, i) => i).sort((a, b) => places[b] - places[a]);
    const moved = places.slice();
    let limit = Infinity;
    for (const i of order) {
      moved[i] = Math.min(moved[i], limit);
      limit = moved[i] - least;
    }
    const down = Math.max(0, 12 - Math.min(...moved)); // none above the upper edge
    return moved.map((place) => place + down);
  }

  /** Put another word in place of an unknown one, whatever its case. */
  function replaceWord(query, word, other) {
    return query.replace(/[\p{L}\p{N}_]+/gu, (found) => (found.toLowerCase() === word ? other : found));
  }

  /** What the pair teaches, from its numbers alone. */
  function lesson({ words, articles }) {
    if (words.length === 1) {
      return "One word, so only count and length matter. BM25 lets a count saturate and length weigh "
        + "less than in proportion; the cosine divides by the whole vector of the article, and a "
        + "very short article has a very short one.";
    }
    const covered = articles.map(({ tf }) => tf.filter(Boolean).length);
    const [few] = articles.filter((_, i) => covered[i] === Math.min(...covered));
    const loudest = Math.max(...few.tf);
    return `A count saturates: even the word that comes ${loudest} times earns no more than its idf, and `
      + "each further word of the query brings an idf of its own. Whether the winner answers what you "
      + "had in mind is another matter: it holds the words, and BM25 knows nothing else.";
  }

  return { pure, mount };
});
