/*
 * Sets formulas with MathJax, outside of any browser: TeX in, HTML with hidden MathML out.
 *
 * node formulas.cjs FOLDER FONTS < [[tex, display], ...] > {formulas: [html], errors: [[n, text]], css}
 * FOLDER is MathJax's folder es5, FONTS the address of its typefaces as seen from the style sheet.
 */
"use strict";

const fs = require("fs");
const path = require("path");

const [folder, fonts] = process.argv.slice(2);
const LINE = 80; // em: formulas are not broken, so that any width will do

/** Set one formula, or note why it cannot be set. */
function set(MathJax, [tex, display], place, errors) {
  const size = { display, em: 16, ex: 8, containerWidth: LINE * 16 };
  try {
    return MathJax.startup.adaptor.outerHTML(MathJax.tex2chtml(tex, size));
  } catch (error) {
    errors.push([place, error.message]);
    return "";
  }
}

require(path.join(folder, "node-main.js"))
  .init({
    loader: { load: ["input/tex", "output/chtml", "adaptors/liteDOM", "a11y/assistive-mml"] },
    options: { enableAssistiveMml: true },
    tex: {
      packages: { "[-]": ["noerrors", "noundefined"] },
      formatError: (jax, error) => { throw new Error(error.message); },
    },
    chtml: { scale: 1.06, matchFontHeight: false, fontURL: fonts },
  })
  .then((MathJax) => {
    const errors = [];
    const wanted = JSON.parse(fs.readFileSync(0, "utf-8"));
    const formulas = wanted.map((formula, place) => set(MathJax, formula, place, errors));
    const css = MathJax.startup.adaptor.textContent(MathJax.chtmlStylesheet());
    process.stdout.write(JSON.stringify({ formulas, errors, css }));
  })
  .catch((error) => {
    process.stderr.write(String((error && error.stack) || error));
    process.exitCode = 1;
  });
