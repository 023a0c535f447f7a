/*
 * Sets the formulas of a page a few at a time, so that the page answers the reader meanwhile.
 *
 * Runs before MathJax and hands it the order of work. `MathJax.startup.promise` still ends when
 * the last formula stands, and the document still lists them all, as its menu needs.
 */
(function () {
  "use strict";

  var SLICE = 12; // milliseconds of work before the page may answer

  /** Set formulas until the slice is used up. */
  async function slice(waiting, done) {
    var start = performance.now();
    do {
      await MathJax.typesetPromise([waiting.shift()]);
      done.push.apply(done, Array.from(MathJax.startup.document.math));
    } while (waiting.length && performance.now() - start < SLICE);
  }

  /** Let the browser paint and answer. */
  function pause() {
    return new Promise(function (resume) { setTimeout(resume); });
  }

  /** Set every formula of the page, in the order of reading. */
  async function all() {
    var waiting = Array.from(document.querySelectorAll(".math.notranslate"));
    var done = [];
    while (waiting.length) {
      await slice(waiting, done);
      await pause();
    }
    var list = MathJax.startup.document.math;
    list.clear();
    done.forEach(function (formula) { list.push(formula); });
  }

  var options = window.MathJax = window.MathJax || {};
  options.startup = Object.assign({}, options.startup, { pageReady: all });
})();
