// Follows the focus through a page, press of Tab by press of Tab. Run inside the page by
// tools/journeys.py; the site itself never loads this file.
(() => {
  "use strict";

  const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
  const faults = new Map();
  const visited = [];
  // Elements whose own style does not change with the focus: a part of them may still do so.
  const suspects = [];
  let before = null;

  function label(element) {
    const name = element.getAttribute("aria-label") || element.textContent || element.value || "";
    return `${element.localName}.${[...element.classList].slice(0, 2).join(".")} `
      + `"${name.trim().replace(/\s+/g, " ").slice(0, 30)}"`;
  }

  /** What a sighted reader could notice of a focus. */
  function look(element) {
    const s = getComputedStyle(element);
    const outline = s.outlineStyle === "none" ? "none" : `${s.outlineWidth} ${s.outlineColor}`;
    return [outline, s.boxShadow, s.borderColor, s.borderWidth, s.backgroundColor, s.color,
      s.textDecorationLine, s.textDecorationThickness].join("|");
  }

  function fault(kind, element, fix) {
    const found = faults.get(kind) || { fix, elements: [] };
    found.elements.push(label(element));
    faults.set(kind, found);
  }

  /** Is some of the element in the window, and is it the topmost there? */
  function visible(element) {
    const boxes = [...element.getClientRects()];
    const inside = boxes.filter((b) => b.width > 1 && b.height > 1 && b.bottom > 0 && b.right > 0
      && b.top < innerHeight && b.left < innerWidth);
    if (!inside.length) return "";
    return inside.some((b) => [0.5, 0.1, 0.9].some((share) => {
      const x = Math.min(innerWidth - 1, Math.max(0, b.left + b.width * share));
      const y = (Math.max(0, b.top) + Math.min(innerHeight, b.bottom)) / 2;
      const top = document.elementFromPoint(x, y);
      return top && (element.contains(top) || top.contains(element) || sameLabel(element, top));
    })) ? "shown" : "covered";
  }

  function sameLabel(element, top) {
    return [...(element.labels || [])].some((l) => l.contains(top));
  }

  /** Look at where the focus is now; true when the page has been gone through. */
  function stop() {
    const here = document.activeElement;
    if (before && before.element.isConnected && before.element !== here
        && look(before.element) === before.look) {
      suspects.push(before.element);
    }
    if (!here || here === document.body || visited.includes(here)) {
      if (before && here === before.element) fault("traps the focus", here, "let Tab go on");
      return true;
    }
    const state = visible(here);
    if (!state) fault("takes the focus out of sight", here, "show it, or take it out of the order");
    if (state === "covered") {
      fault("has the focus under something else", here, "set scroll-padding, or lower what covers it");
    }
    visited.push(here);
    before = { element: here, look: look(here) };
    return false;
  }

  /** What the walk found: [[what, fix]]. */
  function report() {
    const missed = [...document.querySelectorAll(FOCUSABLE)].filter((e) => e.tabIndex >= 0
      && !e.disabled && e.checkVisibility({ visibilityProperty: true }) && e.type !== "radio"
      && e.getClientRects().length && !e.closest("[inert]") && !visited.includes(e));
    if (missed.length) {
      missed.forEach((e) => fault("is not reached by Tab", e, "let the focus go through it"));
    }
    return [...faults].map(([kind, { fix, elements }]) => [
      `${elements.length} of ${visited.length} stops: ${elements.slice(0, 3).join(", ")} ${kind}`, fix,
    ]);
  }

  window.bookWalk = { label, report, stop, suspects };
})();
