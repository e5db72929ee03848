// ---- Metrics by their names, as in report/metric.cpp.

const kUnits = [['_bytes', 'B', 'prefixed'], ['_ms', 'ms'], ['_us', 'µs'], ['_seconds', 's'], ['_mj', 'mJ'],
                ['_mw', 'mW'], ['_top1', '%', 'percent'], ['_top5', '%', 'percent']];
const kLabels = { val_top1: 'validation top-1', test_top1: 'test top-1', macs: 'MACs', peak_sram_bytes: 'peak SRAM' };
const kOrigins = ['predicted', 'emulated', 'exact', 'measured'];
const kStates = ['infeasible', 'failed', 'stopped', 'complete', 'running', 'front'];
const kWords = { front: 'on the front', complete: 'dominated', running: 'running', stopped: 'stopped',
                 infeasible: 'infeasible', failed: 'failed' };

function metricOf(name) {
  const [ending, unit, kind] = kUnits.find(([e]) => name.endsWith(e)) || ['', '', 'prefixed'];
  return { name, unit, percent: kind === 'percent', prefixed: kind === 'prefixed',
           label: kLabels[name] || name.slice(0, name.length - ending.length).replaceAll('_', ' ') };
}

// ---- The tip.

function showTip(text, event) {
  const tip = document.getElementById('tip');
  tip.textContent = text;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, event.clientX + 14 + width > innerWidth ? event.clientX - width - 14 : event.clientX + 14)}px`;
  tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - height - 8))}px`;
}

function hideTip() { document.getElementById('tip').hidden = true; }

/// Tells of the nearest of `places` ([x, y, text] in the chart's own units) under the pointer.
function tellNearest(svg, places) {
  svg.addEventListener('pointermove', (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    let nearest = null, least = 18 ** 2;
    for (const place of places) {
      const distance = (place[0] - at.x) ** 2 + (place[1] - at.y) ** 2;
      if (distance < least) [nearest, least] = [place, distance];
    }
    if (nearest) showTip(nearest[2], event); else hideTip();
  });
  svg.addEventListener('pointerleave', hideTip);
}

// ---- Axes.

const kFrame = { left: 58, right: 542, top: 34, bottom: 296, width: 560, height: 344 };

function sideOf(metric, values, from, to) {
  const range = paddedRange(values, 0.06);
  const [divisor, prefix] = metric.prefixed ? prefixFor(Math.max(...range.map(Math.abs))) : [1, ''];
  const unit = metric.percent ? '%' : prefix + metric.unit;
  return { metric, range, divisor, at: scale(range, from, to), title: metric.label + (unit ? ` (${unit})` : '') };
}

function drawAxes(svg, xs, ys) {
  const label = (tick, side) => String(Number((tick / side.divisor).toPrecision(6)));
  for (const tick of niceTicks(...xs.range, 6)) {
    if (xs.metric.whole && !Number.isInteger(tick)) continue;
    const x = xs.at(tick);
    svg.append(make('line', { class: 'grid', x1: x, x2: x, y1: kFrame.top, y2: kFrame.bottom }));
    svg.append(make('text', { class: 'tick mid', x, y: kFrame.bottom + 16 }, label(tick, xs)));
  }
  for (const tick of niceTicks(...ys.range, 6)) {
    const y = ys.at(tick);
    svg.append(make('line', { class: 'grid', x1: kFrame.left, x2: kFrame.right, y1: y, y2: y }));
    svg.append(make('text', { class: 'tick end', x: kFrame.left - 7, y: y + 4 }, label(tick, ys)));
  }
  svg.append(make('line', { class: 'axis', x1: kFrame.left, x2: kFrame.right, y1: kFrame.bottom, y2: kFrame.bottom }));
  svg.append(make('text', { class: 'axis-title mid', x: (kFrame.left + kFrame.right) / 2, y: kFrame.bottom + 38 }, xs.title));
  const turn = `translate(14 ${(kFrame.top + kFrame.bottom) / 2}) rotate(-90)`;
  svg.append(make('text', { class: 'axis-title mid', transform: turn }, ys.title));
}

function newChart(description) {
  return make('svg', { class: 'plot', viewBox: `0 0 ${kFrame.width} ${kFrame.height}`, role: 'img', 'aria-label': description });
}

function showEmpty(container, text) {
  container.replaceChildren(make('p', { class: 'empty' }, text));
}

function drawLegend(svg, counts) {
  let x = kFrame.left + 6;
  for (const state of [...kStates].reverse()) {
    if (!counts[state]) continue;
    const text = `${counts[state]} ${kWords[state]}`;
    svg.append(make('path', { class: `dots key ${state}`, d: `M${px(x)} 14h0` }));
    svg.append(make('text', { class: 'legend', x: x + 10, y: 18 }, text));
    x += 30 + 6.1 * text.length;
  }
}

// ---- The front.

function drawStaircase(svg, xs, ys, rows) {
  if (!xs.metric.direction || !ys.metric.direction) return;
  const cost = (side, row) => -side.metric.direction * side.values[row];
  const sorted = [...rows].sort((a, b) => cost(xs, a) - cost(xs, b) || cost(ys, a) - cost(ys, b));
  const worstX = xs.metric.direction < 0 ? kFrame.right : kFrame.left;
  const worstY = ys.metric.direction > 0 ? kFrame.bottom : kFrame.top;
  let edge = '', best = Infinity, first = 0;
  for (const row of sorted) {
    if (cost(ys, row) >= best) continue;
    const [x, y] = [px(xs.at(xs.values[row])), px(ys.at(ys.values[row]))];
    edge += edge ? `H${x}V${y}` : `M${x} ${worstY}V${y}`;
    if (best === Infinity) first = x;
    best = cost(ys, row);
  }
  if (!edge) return;
  edge += `H${worstX}`;
  svg.append(make('path', { class: 'dominated', d: `${edge}V${worstY}H${first}Z` }));
  svg.append(make('path', { class: 'front-edge', d: edge }));
}

function drawLimit(svg, side, isX) {
  const bound = side.metric.limit;
  if (bound === undefined || bound > side.range[1] || bound < side.range[0]) return;
  const at = px(side.at(bound));
  const ends = isX ? { x1: at, x2: at, y1: kFrame.top, y2: kFrame.bottom } : { x1: kFrame.left, x2: kFrame.right, y1: at, y2: at };
  svg.append(make('line', { class: 'limit', ...ends }));
  svg.append(make('text', { class: 'limit-label end', x: isX ? at - 5 : kFrame.right - 4, y: isX ? kFrame.bottom - 8 : at - 5 },
                  `limit ${formatValue(side.metric, bound)}`));
}

/// Dots of one state are one path: thousands of them stay quick. Those new since the last time get a ring.
function drawDots(svg, xs, ys, trials, seen) {
  const paths = new Map(), places = [];
  trials.id.forEach((id, row) => {
    const [vx, vy] = [xs.values[row], ys.values[row]];
    if (vx === null || vy === null) return;
    const [x, y, state] = [px(xs.at(vx)), px(ys.at(vy)), trials.state[row]];
    paths.set(state, (paths.get(state) || '') + `M${x} ${y}h0`);
    places.push([Number(x), Number(y), describeTrial(trials, row)]);
    if (state === 'front' && seen && !seen.has(id)) {
      const ring = make('circle', { class: 'fresh', cx: x, cy: y, r: 6 });
      svg.append(ring);
      ring.animate([{ r: 6, opacity: 1 }, { r: 22, opacity: 0 }], { duration: 1400, fill: 'forwards' });
    }
  });
  const dense = trials.id.length < 1000 ? '' : ' dense';
  for (const state of kStates) {
    if (paths.has(state)) svg.append(make('path', { class: `dots${dense} ${state}`, d: paths.get(state) }));
  }
  return places;
}

function describeTrial(trials, row) {
  const lines = Object.entries(trials.metrics).filter(([, column]) => column.value[row] !== null).map(([name, column]) => {
    const metric = metricOf(name);
    return `${metric.label} ${formatValue(metric, column.value[row])} (${kOrigins[column.origin[row]]})`;
  });
  const reason = trials.reason[row] ? [trials.reason[row]] : [];
  return [`trial ${trials.id[row]}, ${kWords[trials.state[row]]}`, ...lines, ...reason].join('\n');
}

/// `seen`: ids of the front's trials that have been shown before; null: all are new.
function drawFront(container, run, names, seen) {
  const { trials } = run;
  const columns = names.map((name) => trials.metrics[name]);
  if (!columns[0] || !columns[1] || !columns[0].value.some((v, row) => v !== null && columns[1].value[row] !== null)) {
    return showEmpty(container, 'No trial has ended yet.');
  }
  const [mx, my] = names.map((name) => {
    const objective = run.objectives.find((o) => o.metric === name);
    const limit = run.limits.find((l) => l.metric === name);
    return { ...metricOf(name), direction: objective ? (objective.maximize ? 1 : -1) : 0, limit: limit?.bound };
  });
  // What broke a limit by far would press all others into a corner.
  const near = (values) => values.filter((v, row) => trials.state[row] !== 'infeasible');
  const pick = (values) => (near(values).some((v) => v !== null) ? near(values) : values);
  const xs = { ...sideOf(mx, pick(columns[0].value), kFrame.left, kFrame.right), values: columns[0].value };
  const ys = { ...sideOf(my, pick(columns[1].value), kFrame.bottom, kFrame.top), values: columns[1].value };
  const svg = newChart(`Trials by ${mx.label} and ${my.label}`);
  drawAxes(svg, xs, ys);
  drawLimit(svg, xs, true);
  drawLimit(svg, ys, false);
  const front = [...trials.id.keys()].filter((row) => trials.state[row] === 'front' && xs.values[row] !== null && ys.values[row] !== null);
  drawStaircase(svg, xs, ys, front);
  const places = drawDots(svg, xs, ys, trials, seen);
  const counts = {};
  for (const state of trials.state) counts[state] = (counts[state] || 0) + 1;
  drawLegend(svg, counts);
  tellNearest(svg, places);
  container.replaceChildren(svg);
}

// ---- Learning curves.

const kCurveMetrics = { 1: { label: 'training loss', unit: '' }, 2: { label: 'validation loss', unit: '' },
                        3: { label: 'validation top-1', unit: '%', percent: true } };

/// `column`: of a curve's points.
function drawCurves(container, run, column) {
  const curves = run.curves.filter((curve) => curve.points.some((point) => point[column] !== null));
  if (!curves.length) return showEmpty(container, 'Nothing has been trained yet.');
  const epochs = curves.flatMap((curve) => curve.points.map((point) => point[0]));
  const values = curves.flatMap((curve) => curve.points.map((point) => point[column]));
  const xs = sideOf({ label: 'epoch', unit: '', whole: true }, epochs, kFrame.left, kFrame.right);
  const ys = sideOf(kCurveMetrics[column], values, kFrame.bottom, kFrame.top);
  const svg = newChart(`${kCurveMetrics[column].label} of ${curves.length} trials by epoch`);
  drawAxes(svg, xs, ys);
  const places = [];
  for (const state of kStates) {
    for (const curve of curves.filter((one) => one.state === state)) {
      const points = curve.points.filter((point) => point[column] !== null).map((p) => [px(xs.at(p[0])), px(ys.at(p[column])), p]);
      svg.append(make('path', { class: `series ${state}`, d: `M${points.map(([x, y]) => `${x} ${y}`).join('L')}` }));
      for (const [x, y, p] of points) {
        const value = formatValue(kCurveMetrics[column], p[column]);
        places.push([Number(x), Number(y), `trial ${curve.id}, ${kWords[state]}\nepoch ${p[0]}: ${value}`]);
      }
      const [x, y] = points[points.length - 1];
      if (state === 'running' || points.length === 1) svg.append(make('circle', { class: 'end-dot', cx: x, cy: y, r: 3.5 }));
    }
  }
  const counts = {};
  for (const curve of curves) counts[curve.state] = (counts[curve.state] || 0) + 1;
  drawLegend(svg, counts);
  tellNearest(svg, places);
  container.replaceChildren(svg);
}
