// What the page needs beyond its HTML: names for the buttons of the theme, and a way to scroll
// wide blocks with the keyboard. Text, figures and tables work without this file.
(() => {
  "use strict";

  const names = [
    [".primary-toggle", "Show or hide the chapters"],
    [".secondary-toggle", "Show or hide the contents of this page"],
    [".theme-switch-button", "Light, dark or as the system"],
  ];

  // A block that scrolls sideways must be reachable with the keyboard, and only such a block.
  function reachable(block) {
    const wide = block.scrollWidth > block.clientWidth + 1;
    if (wide) block.setAttribute("tabindex", "0");
    else block.removeAttribute("tabindex");
  }

  // The browser tells when it has laid a block out, so that nothing asks it to do so twice.
  function measure() {
    const watch = new ResizeObserver((seen) => seen.forEach((entry) => reachable(entry.target)));
    document
      .querySelectorAll("pre, .pst-scrollable-table-container, .table-frame, .figure-frame, div.math")
      .forEach((block) => watch.observe(block));
  }

  // On a phone a figure first shows whole, and on request large enough to read every label.
  function enlargeable(frame) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "figure-larger";
    button.textContent = "Enlarge figure";
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const large = frame.classList.toggle("large");
      button.setAttribute("aria-pressed", String(large));
      reachable(frame);
    });
    frame.after(button);
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".figure-frame").forEach(enlargeable);
    for (const [selector, name] of names) {
      document.querySelectorAll(selector).forEach((b) => b.setAttribute("aria-label", name));
    }
    measure();
  });
})();
