// The scatter plot of the front with a choice of axes: the same picture as front_plot.cpp's.

const indexOf = (name) => data.metrics.findIndex((metric) => metric.name === name);
const firstAxes = data.axes ? [indexOf(data.axes.x), indexOf(data.axes.y)] : [0, 0];
const frontView = { x: firstAxes[0], y: firstAxes[1], located: [], container: byId('front-plot') };

function isComplete(row) { return ['front', 'complete'].includes(data.state[row]); }

function frontRange(metric) {
  const complete = trials.filter(isComplete).map((row) => metric.values[row]).filter((v) => v !== null);
  const values = complete.length ? complete : metric.values.filter((v) => v !== null);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const near = metric.limit !== null && metric.limit < high + (high - low);
  return paddedRange(near ? [...values, metric.limit] : values, 0.06);
}

function axisTitle(metric, prefix) {
  const origins = [...new Set(metric.values.flatMap((v, row) => (v === null ? [] : [metric.origins[row]])))].sort();
  const inside = [prefix + metric.unit, origins.map((o) => originNames[o]).join(' or ')].filter(Boolean).join(', ');
  const hint = metric.direction === 0 ? '' : ` · ${metric.direction > 0 ? '→' : '←'} better`;
  return metric.label + (inside ? ` (${inside})` : '') + hint;
}

function drawAxes(svg, frame, xs, ys) {
  const tickAt = (side, vertical) => {
    for (const tick of niceTicks(...side.range, vertical ? 6 : Math.max(4, Math.floor(frame.right / 110)))) {
      const at = side.at(tick);
      const label = String(Number((tick / side.divisor).toPrecision(6)));
      svg.append(vertical ? make('line', { class: 'grid', x1: frame.left, x2: frame.right, y1: at, y2: at })
                          : make('line', { class: 'grid', x1: at, x2: at, y1: frame.top, y2: frame.bottom }));
      svg.append(vertical ? make('text', { class: 'tick end', x: frame.left - 7, y: at + 4 }, label)
                          : make('text', { class: 'tick mid', x: at, y: frame.bottom + 16 }, label));
    }
  };
  tickAt(xs, false);
  tickAt(ys, true);
  svg.append(make('line', { class: 'axis', x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom }));
  svg.append(make('text', { class: 'axis-title mid', x: (frame.left + frame.right) / 2, y: frame.bottom + 40 }, xs.title));
  const turn = `translate(13 ${(frame.top + frame.bottom) / 2}) rotate(-90)`;
  svg.append(make('text', { class: 'axis-title mid', transform: turn }, ys.title));
}

function drawLimits(svg, frame, xs, ys) {
  const name = (metric) => 'limit ' + formatValue(metric, metric.limit);
  if (xs.metric.limit !== null && xs.metric.limit <= xs.range[1]) {
    const x = xs.at(xs.metric.limit);
    svg.append(make('rect', { class: 'forbidden', x, y: frame.top, width: frame.right - x, height: frame.bottom - frame.top }));
    svg.append(make('line', { class: 'limit', x1: x, x2: x, y1: frame.top, y2: frame.bottom }));
    svg.append(make('text', { class: 'limit-label end', x: x - 5, y: frame.bottom - 14 }, name(xs.metric)));
  }
  if (ys.metric.limit !== null && ys.metric.limit <= ys.range[1]) {
    const y = ys.at(ys.metric.limit);
    svg.append(make('rect', { class: 'forbidden', x: frame.left, y: frame.top, width: frame.right - frame.left, height: y - frame.top }));
    svg.append(make('line', { class: 'limit', x1: frame.left, x2: frame.right, y1: y, y2: y }));
    svg.append(make('text', { class: 'limit-label', x: frame.left + 6, y: y + 14 }, name(ys.metric)));
  }
}

function drawStaircase(svg, frame, xs, ys) {
  if (!xs.metric.direction || !ys.metric.direction) return;
  const cost = (side, row) => -side.metric.direction * side.metric.values[row];
  const known = trials.filter((row) => isComplete(row) &&
    xs.metric.values[row] !== null && ys.metric.values[row] !== null);
  known.sort((a, b) => cost(xs, a) - cost(xs, b) || cost(ys, a) - cost(ys, b));
  const worstX = xs.metric.direction < 0 ? frame.right : frame.left;
  const worstY = ys.metric.direction > 0 ? frame.bottom : frame.top;
  let edge = '', best = Infinity, first = 0;
  for (const row of known) {
    if (cost(ys, row) >= best) continue;
    const [x, y] = [px(xs.at(xs.metric.values[row])), px(ys.at(ys.metric.values[row]))];
    edge += edge ? `H${x}V${y}` : `M${x} ${px(worstY)}V${y}`;
    if (best === Infinity) first = x;
    best = cost(ys, row);
  }
  if (!edge) return;
  edge += `H${px(worstX)}`;
  svg.append(make('path', { class: 'dominated', d: `${edge}V${px(worstY)}H${first}Z` }));
  svg.append(make('path', { class: 'front-edge', d: edge }));
}

function drawTrials(svg, frame, xs, ys) {
  const paths = new Map();
  const addTo = (key, d) => paths.set(key, (paths.get(key) || '') + d);
  const density = trials.length < 1000 ? 'dots ' : 'dots dense ';
  frontView.located = [];
  for (const row of trials) {
    const [vx, vy] = [xs.metric.values[row], ys.metric.values[row]];
    if (vx === null && vy === null) continue;
    const x = vx === null ? frame.left : xs.at(vx);
    const y = vy === null ? frame.bottom : ys.at(vy);
    frontView.located.push([x, y, row]);
    const out = selection.keeps(row) ? '' : ' out';
    if (vx === null) addTo('rug ' + data.state[row] + out, `M${px(x)} ${px(y)}h8`);
    else if (vy === null) addTo('rug ' + data.state[row] + out, `M${px(x)} ${px(y)}v-8`);
    else addTo(density + data.state[row] + out, `M${px(x)} ${px(y)}h0`);
  }
  const order = ['infeasible', 'failed', 'stopped', 'complete', 'front'];
  const rank = (key) => order.findIndex((state) => key.includes(state)) - (key.includes('out') ? 10 : 0);
  for (const key of [...paths.keys()].sort((a, b) => rank(a) - rank(b))) {
    svg.append(make('path', { class: key, d: paths.get(key) }));
  }
}

function drawWhiskers(svg, xs, ys) {
  for (const row of trials) {
    const [vx, vy] = [xs.metric.values[row], ys.metric.values[row]];
    if (data.state[row] !== 'front' || vx === null || vy === null || !selection.keeps(row)) continue;
    const [x, y] = [xs.at(vx), ys.at(vy)];
    const [halfX, halfY] = [xs, ys].map((side) => (side.metric.halves ? side.metric.halves[row] : 0));
    if (halfX) svg.append(make('line', { class: 'whisker', x1: xs.at(vx - halfX), x2: xs.at(vx + halfX), y1: y, y2: y }));
    if (halfY) svg.append(make('line', { class: 'whisker', x1: x, x2: x, y1: ys.at(vy - halfY), y2: ys.at(vy + halfY) }));
  }
}

function drawPicked(svg, frame) {
  for (const [x, y, row] of frontView.located) {
    if (row === chosenRow) {
      svg.append(make('circle', { class: 'chosen', cx: px(x), cy: px(y), r: 7 }));
      const right = x > frame.right - 90;
      svg.append(make('text', { class: 'mark-label' + (right ? ' end' : ''), x: x + (right ? -11 : 11), y: y - 8 }, 'chosen'));
    }
    if (selection.pinned.includes(row)) svg.append(make('circle', { class: 'ring pinned', cx: px(x), cy: px(y), r: 10 }));
  }
}

function drawLegend(svg, frame) {
  const words = { front: 'on the front', complete: 'dominated', stopped: 'stopped', infeasible: 'infeasible', failed: 'failed' };
  let x = frame.left + 6, y = 14;
  for (const [state, word] of Object.entries(words)) {
    const total = data.state.filter((s) => s === state).length;
    if (!total) continue;
    const label = `${total} ${word}`;
    const width = 32 + 6.6 * label.length;
    if (x + width > frame.right + 20) [x, y] = [frame.left + 6, y + 18];
    svg.append(make('path', { class: 'dots ' + state, d: `M${x} ${y}h0` }));
    svg.append(make('text', { class: 'legend', x: x + 10, y: y + 4 }, label));
    x += width;
  }
}

function sideOf(metric, from, to) {
  const range = frontRange(metric);
  const [divisor, prefix] = metric.prefixed ? prefixFor(Math.max(...range.map(Math.abs))) : [1, ''];
  return { metric, range, divisor, at: scale(range, from, to), title: axisTitle(metric, prefix) };
}

function drawFront(width) {
  if (width < 50) return;
  const height = Math.max(300, Math.min(460, width * 0.6));
  const frame = { left: 60, right: width - 18, top: width < 560 ? 54 : 34, bottom: height - 50 };
  const xs = sideOf(data.metrics[frontView.x], frame.left, frame.right);
  const ys = sideOf(data.metrics[frontView.y], frame.bottom, frame.top);
  const svg = make('svg', { class: 'plot', viewBox: `0 0 ${px(width)} ${px(height)}`, role: 'img',
                            'aria-label': `Scatter plot of ${ys.metric.label} over ${xs.metric.label}` });
  drawAxes(svg, frame, xs, ys);
  drawLimits(svg, frame, xs, ys);
  drawStaircase(svg, frame, xs, ys);
  drawWhiskers(svg, xs, ys);
  drawTrials(svg, frame, xs, ys);
  drawPicked(svg, frame);
  drawLegend(svg, frame);
  svg.append(make('circle', { class: 'ring', id: 'front-ring', r: 9, visibility: 'hidden' }));
  frontView.container.replaceChildren(svg);
}

function nearestTrial(event) {
  const box = frontView.container.getBoundingClientRect();
  const [px0, py0] = [event.clientX - box.left, event.clientY - box.top];
  let nearest = null, least = 16 ** 2;
  for (const point of frontView.located) {
    const distance = (point[0] - px0) ** 2 + (point[1] - py0) ** 2;
    if (distance < least) [nearest, least] = [point, distance];
  }
  return nearest;
}

if (frontView.container) {
  const [xSelect, ySelect] = [byId('front-x'), byId('front-y')];
  const setAxes = (x, y) => {
    [frontView.x, frontView.y] = [x, y];
    [xSelect.value, ySelect.value] = [x, y];
    selection.changed();
  };
  data.metrics.forEach((metric, index) => {
    for (const select of [xSelect, ySelect]) select.append(make('option', { value: index }, metric.label));
  });
  [xSelect.value, ySelect.value] = [frontView.x, frontView.y];
  xSelect.addEventListener('change', () => setAxes(Number(xSelect.value), frontView.y));
  ySelect.addEventListener('change', () => setAxes(frontView.x, Number(ySelect.value)));
  byId('front-reset').addEventListener('click', () => setAxes(...firstAxes));
  byId('front-controls').hidden = false;

  frontView.container.addEventListener('pointermove', (event) => {
    const nearest = nearestTrial(event);
    const ring = byId('front-ring');
    ring.setAttribute('visibility', nearest ? 'visible' : 'hidden');
    if (!nearest) return hideTip();
    ring.setAttribute('cx', nearest[0]);
    ring.setAttribute('cy', nearest[1]);
    showTip(describe(nearest[2]), event);
  });
  frontView.container.addEventListener('pointerleave', hideTip);
  frontView.container.addEventListener('click', (event) => {
    const nearest = nearestTrial(event);
    if (nearest) selection.togglePin(nearest[2]);
  });
  keepDrawn(frontView.container, drawFront);
}
