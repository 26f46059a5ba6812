// What a person would complain of on this page, as a list of strings: text that is small, pale or covered, a page wider
// than its window, anything that could act.
(() => {
  const smallest = 11, least = 4.5;
  const found = [];
  const say = (text) => { if (found.length < 50 && !found.includes(text)) found.push(text); };
  document.querySelectorAll("details").forEach((d) => { d.open = true; });

  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > root.clientWidth && !scrolled(e));
    say(`it is wider than the window: ${root.scrollWidth} of ${root.clientWidth} px, by ${wide.slice(0, 3).map((e) => e.outerHTML.slice(0, 80))}`);
  }
  for (const e of document.querySelectorAll("*")) {
    const name = e.localName;
    if (["script", "img", "iframe", "object", "embed", "form", "input", "link", "base", "audio", "video", "foreignObject"].includes(name)) say(`<${name}> stands in it`);
    for (const a of e.attributes) {
      if (a.name.startsWith("on")) say(`<${name}> has ${a.name}`);
      if (/^(xlink:)?(href|src|action|formaction)$/.test(a.name) && !a.value.startsWith("#")) say(`<${name}> stands in it with ${a.name}=${a.value}`);
    }
  }
  for (const e of document.querySelectorAll("body *")) reach(e);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walker.nextNode(); n; n = walker.nextNode()) text(n);
  return found;

  function text(node) {
    const e = node.parentElement, what = node.data.trim().slice(0, 40);
    if (!what || !e.checkVisibility() || ["style", "title", "script"].includes(e.localName)) return;
    const style = getComputedStyle(e), drawn = e instanceof SVGElement;
    const size = parseFloat(style.fontSize) * (drawn ? Math.hypot(e.getScreenCTM().a, e.getScreenCTM().b) : 1);
    if (size < smallest) say(`${Math.round(size * 10) / 10}px: ${what}`);
    const ground = drawn ? under(node, e) : behind(e);
    if (!ground) return;
    const ink = colour(drawn ? style.fill : style.color);
    for (let p = e; p; p = p.parentElement) ink[3] *= parseFloat(getComputedStyle(p).opacity);
    const ratio = contrast(over(ink, ground), ground);
    if (ratio < least) say(`contrast ${ratio.toFixed(2)}: ${what}`);
    if (!drawn) covered(node, e, what);
    if (drawn) {
      const box = e.getBoundingClientRect(), picture = e.ownerSVGElement.getBoundingClientRect();
      if (box.left < picture.left - 1 || box.right > picture.right + 1) say(`cut off: ${what}`);
    }
  }

  // reach: what can be used or scrolls is come to by keys, in the order of the page, and shows that they are there; tables that scroll keep the names of their rows.
  function reach(e) {
    const what = `${e.localName} ${e.textContent.trim().slice(0, 40)}`, style = getComputedStyle(e);
    if (e.tabIndex > 0) say(`keys go there out of order: ${what}`);
    if (e.tabIndex >= 0 && e.checkVisibility()) {
      e.focus({ focusVisible: true });
      if (document.activeElement === e && getComputedStyle(e).outlineStyle === "none") say(`focus cannot be seen: ${what}`);
      e.blur();
    }
    const beyond = (all, seen, overflow) => all > seen + 1 && ["auto", "scroll"].includes(overflow);
    const sideways = beyond(e.scrollWidth, e.clientWidth, style.overflowX);
    if (!sideways && !beyond(e.scrollHeight, e.clientHeight, style.overflowY)) return;
    if (e.querySelector("a[href]")) return; // keys go to what stands in it
    if (!e.hasAttribute("tabindex")) say(`it scrolls, and no key goes there: ${what}`);
    else if (!e.getAttribute("aria-label")) say(`it scrolls, and has no name: ${what}`);
    const first = e.querySelector("tbody tr > *");
    if (!sideways || !first) return;
    e.scrollLeft = e.scrollWidth;
    const name = first.getBoundingClientRect(), box = e.getBoundingClientRect();
    if (name.left < box.left - 1) say(`its rows lose their names: ${what}`);
    if (name.width > box.width * 0.6) say(`the names of its rows leave no room: ${what}`);
    e.scrollLeft = 0;
  }

  // covered: something else stands where the text should be.
  function covered(node, e, what) {
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getClientRects()[0];
    if (!box) return;
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return;
    for (let p = e; p; p = p.parentElement) { // scrolled out of sight
      const seen = p.getBoundingClientRect();
      if (getComputedStyle(p).overflowX !== "visible" && (x < seen.left || x > seen.right || y < seen.top || y > seen.bottom)) return;
    }
    const top = document.elementFromPoint(x, y);
    if (top && !e.contains(top) && !top.contains(e)) say(`covered: ${what}`);
  }

  function scrolled(e) {
    for (let p = e; p; p = p.parentElement) if (["auto", "scroll", "hidden"].includes(getComputedStyle(p).overflowX)) return true;
    return false;
  }

  // behind is the colour of the ground that an element stands on, through all that can be seen through.
  function behind(e) {
    const layers = [];
    for (let p = e; p; p = p.parentElement) {
      const c = colour(getComputedStyle(p).backgroundColor);
      if (c[3] > 0) layers.push(c);
      if (c[3] === 1) break;
    }
    const dark = matchMedia("(prefers-color-scheme: dark)").matches && getComputedStyle(root).colorScheme.includes("dark");
    return layers.reverse().reduce((ground, c) => over(c, ground), dark ? [18, 18, 18, 1] : [255, 255, 255, 1]);
  }

  // under is the colour of the shape that is drawn under the middle of a text.
  function under(node, e) {
    e.scrollIntoView({ block: "center", inline: "center" });
    const box = e.getBoundingClientRect();
    for (const s of document.elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2)) {
      if (!(s instanceof SVGElement)) return behind(s);
      if (s === e || s.localName === "text" || s.localName === "svg" || s.localName === "g") continue;
      const fill = getComputedStyle(s).fill;
      if (fill !== "none") return colour(fill);
    }
    return behind(e.ownerSVGElement.parentElement);
  }

  function colour(s) {
    const n = (s.match(/[\d.]+/g) || []).map(Number);
    if (n.length < 3) return [0, 0, 0, s === "none" ? 0 : 1];
    return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1];
  }

  function over(c, ground) { return [0, 1, 2].map((i) => c[i] * c[3] + ground[i] * (1 - c[3])).concat(1); }

  function contrast(a, b) {
    const [x, y] = [a, b].map((c) => {
      const [r, g, bl] = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
      return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
    });
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  }
})()
