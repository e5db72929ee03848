// The page is complete without this script; it adds what needs a pointer. Data comes by column.

const data = JSON.parse(document.getElementById('data').textContent);
const trials = [...data.id.keys()];
const rowOf = new Map(data.id.map((id, row) => [id, row]));
const chosenRow = data.chosen === null ? -1 : rowOf.get(data.chosen);
const originNames = ['exact', 'predicted', 'emulated', 'measured'];
const byId = (id) => document.getElementById(id);
document.documentElement.classList.add('scripted');

// ---- What is told of a trial.

function valueWithInterval(metric, row) {
  const value = metric.values[row];
  const half = metric.halves ? metric.halves[row] : 0;
  if (!half || value === null) return formatValue(metric, value);
  const [factor, prefix] = metric.prefixed ? prefixFor(value) : [1, ''];
  const ofHalf = decimalsFor(half / factor, 2);
  const ofValue = Math.max(ofHalf, decimalsFor(value / factor, 3));
  return `${(value / factor).toFixed(ofValue)} ± ${(half / factor).toFixed(ofHalf)} ${prefix}${metric.unit}`.trim();
}

function describe(row) {
  const lines = data.metrics.filter((metric) => metric.values[row] !== null).map((metric) =>
    `${metric.label} ${valueWithInterval(metric, row)} (${originNames[metric.origins[row]]})`);
  const reason = data.reason[row] ? [data.reason[row]] : [];
  return [`trial ${data.id[row]}, ${data.state[row]}`, ...lines, ...reason].join('\n');
}

// ---- The tip: for every mark with a <title>, and for what other files show.

const tip = byId('tip');

function showTip(text, event) {
  tip.textContent = text;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const x = event.clientX + 14 + width > innerWidth ? event.clientX - width - 14 : event.clientX + 14;
  const y = Math.min(event.clientY + 14, innerHeight - height - 8);
  tip.style.left = Math.max(x, 4) + 'px';
  tip.style.top = Math.max(y, 4) + 'px';
}

function hideTip() { tip.hidden = true; }

for (const title of document.querySelectorAll('svg title')) {
  // The browser would show its own, later and plainer, beside ours.
  const mark = title.parentNode;
  const text = title.textContent;
  title.remove();
  mark.setAttribute('aria-label', text);
  mark.addEventListener('pointermove', (event) => showTip(text, event));
  mark.addEventListener('pointerleave', hideTip);
}

// ---- What is selected, for all views alike.

const selection = {
  brushes: new Map(),  // metric -> [low, high]
  pinned: [],          // rows
  listeners: [],
  keeps(row) {
    for (const [metric, [low, high]] of this.brushes) {
      const value = metric.values[row];
      if (value === null || value < low || value > high) return false;
    }
    return true;
  },
  togglePin(row) {
    const mostPins = 4;
    this.pinned = this.pinned.includes(row) ? this.pinned.filter((other) => other !== row)
                                            : [...this.pinned, row].slice(-mostPins);
    this.changed();
  },
  changed() { for (const listener of this.listeners) listener(); },
};

/// Draws into a container now, when its width changes (after the observer's own pass over the layout),
/// and when the selection does.
function keepDrawn(container, draw) {
  let width = 0;
  selection.listeners.push(() => draw(width));
  new ResizeObserver(([entry]) => {
    if (Math.abs(entry.contentRect.width - width) < 1) return;
    width = entry.contentRect.width;
    requestAnimationFrame(() => draw(width));
  }).observe(container);
}

// ---- The timeline, whose bars are one path a state.

const timeline = byId('timeline');
if (timeline) {
  const workers = [...new Set(data.worker)].sort((a, b) => a - b);
  timeline.addEventListener('pointermove', (event) => {
    const { left, start, top, lane } = timeline.dataset;
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(timeline.getScreenCTM().inverse());
    const seconds = (point.x - left) / timeline.dataset.scale + Number(start);
    const worker = workers[Math.floor((point.y - top) / lane)];
    const row = trials.find((r) => data.worker[r] === worker && data.start[r] <= seconds && seconds <= data.end[r]);
    if (row === undefined) return hideTip();
    showTip(`${describe(row)}\n${number(data.end[row] - data.start[row])} s`, event);
  });
  timeline.addEventListener('pointerleave', hideTip);
}
