// What axe looks at first, of everything that can be seen: names of what can be worked, ids that are
// there once, one heading above all, contrast of text (WCAG 2.2 AA), and sizes for fingers.
() => {
  const faults = [], seen = new Set();
  const visible = e => e.checkVisibility({checkVisibilityCSS: true}) && e.getClientRects().length;
  const rgb = text => (text.match(/[\d.]+/g) || []).map(Number);
  const light = c => {
    const [r, g, b] = c.map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > .99) return c;
    }
    return [255, 255, 255];
  };
  for (const e of document.querySelectorAll('[id]')) {
    if (seen.has(e.id)) faults.push(`id twice: ${e.id}`);
    seen.add(e.id);
  }
  if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
  if (document.querySelectorAll('main').length !== 1) faults.push('not one main');
  if (!document.documentElement.lang || !document.title) faults.push('no lang or title');
  for (const e of document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary')) {
    if (!visible(e) || e.closest('.skip')) continue;
    const name = (e.labels?.length ? e.labels[0].textContent : '') || e.getAttribute('aria-label') || e.textContent;
    if (!name.trim()) faults.push(`no name: ${e.outerHTML.slice(0, 80)}`);
    const box = e.closest('label') || e, size = box.getBoundingClientRect();
    const inline = e.tagName === 'A' && getComputedStyle(e).display === 'inline';
    if (!inline && Math.min(size.width, size.height) < 24) faults.push(`small: ${e.outerHTML.slice(0, 80)}`);
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !visible(e) || e.closest('.hidden, .skip, [aria-hidden], option, script, style')) continue;
    const s = getComputedStyle(e), a = light(rgb(s.color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(1)}: ${texts.currentNode.data.trim().slice(0, 40)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push('wider than the screen');
  return faults;
}
