// Parallel coordinates with a brush on every axis: the same picture as parallel_plot.cpp's.

const parallelView = { container: byId('parallel-plot'), rails: [], top: 48, bottom: 294, unknown: 316 };

function makeRails(width) {
  const margin = Math.min(70, width * 0.1);
  const mostRails = 8;
  const metrics = data.metrics.filter((metric) => metric.values.some((value) => value !== null)).slice(0, mostRails);
  return metrics.map((metric, index) => {
    const range = paddedRange(metric.values, 0);
    const { top, bottom } = parallelView;
    const low = metric.direction < 0;
    return { metric, index, range, x: margin + ((width - 2 * margin) * index) / Math.max(metrics.length - 1, 1),
             at: low ? scale(range, top, bottom) : scale(range, bottom, top), low };
  });
}

function threadOf(row) {
  return parallelView.rails.map((rail, i) => {
    const value = rail.metric.values[row];
    return `${i ? 'L' : 'M'}${px(rail.x)} ${px(value === null ? parallelView.unknown : rail.at(value))}`;
  }).join('');
}

function threadPaths() {
  const paths = { infeasible: '', complete: '', front: '', chosen: '' };
  for (const row of trials) {
    if (!selection.keeps(row) || data.metrics.every((metric) => metric.values[row] === null)) continue;
    const state = row === chosenRow ? 'chosen' : data.state[row];
    paths[state in paths ? state : 'infeasible'] += threadOf(row);
  }
  return paths;
}

function drawRail(svg, rail, narrow) {
  const { top, bottom } = parallelView;
  const [upper, lower] = rail.low ? rail.range : [rail.range[1], rail.range[0]];
  const small = narrow && rail.index % 2 ? 12 : 0;  // labels take turns where they would collide
  svg.append(make('line', { class: 'rail', x1: rail.x, x2: rail.x, y1: top, y2: bottom }));
  svg.append(make('text', { class: 'column-title mid', x: rail.x, y: 12 + small }, rail.metric.label));
  svg.append(make('text', { class: 'tick mid', x: rail.x, y: top - 8 }, formatValue(rail.metric, upper)));
  svg.append(make('text', { class: 'tick mid', x: rail.x, y: bottom + 15 }, formatValue(rail.metric, lower)));
  const limit = rail.metric.limit;
  if (limit !== null && limit >= rail.range[0] && limit <= rail.range[1]) {
    svg.append(make('line', { class: 'limit', x1: rail.x - 9, x2: rail.x + 9, y1: rail.at(limit), y2: rail.at(limit) }));
  }
  const brush = selection.brushes.get(rail.metric);
  if (brush) {
    const [a, b] = brush.map(rail.at);
    svg.append(make('rect', { class: 'brush', x: rail.x - 7, width: 14, y: Math.min(a, b), height: Math.max(Math.abs(a - b), 2) }));
  }
  const zone = make('rect', { class: 'rail-zone', x: rail.x - 16, width: 32, y: top - 6, height: bottom - top + 12 });
  zone.dataset.rail = rail.index;
  svg.append(zone);
}

function drawParallel(width) {
  if (width < 50) return;
  parallelView.rails = makeRails(width);
  const svg = make('svg', { class: 'plot', viewBox: `0 0 ${px(width)} 340`, role: 'img',
                            'aria-label': 'Parallel coordinates of all trials, better is up' });
  for (const [state, d] of Object.entries(threadPaths())) svg.append(make('path', { class: 'thread ' + state, d }));
  for (const rail of parallelView.rails) drawRail(svg, rail, width / parallelView.rails.length < 110);
  svg.append(make('text', { class: 'tick', x: 4, y: parallelView.unknown + 20 }, 'below: not known'));
  parallelView.container.replaceChildren(svg);
}

function brushValue(rail, event) {
  const y = event.clientY - parallelView.container.getBoundingClientRect().top;
  const { top, bottom } = parallelView;
  const share = Math.min(Math.max((y - top) / (bottom - top), 0), 1);
  const [low, high] = rail.range;
  return rail.low ? low + share * (high - low) : high - share * (high - low);
}

if (parallelView.container) {
  let active = null;
  parallelView.container.addEventListener('pointerdown', (event) => {
    const index = event.target.dataset.rail;
    if (index === undefined) return;
    const rail = parallelView.rails[index];
    active = { rail, from: brushValue(rail, event), y: event.clientY };
    parallelView.container.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  parallelView.container.addEventListener('pointermove', (event) => {
    if (!active || Math.abs(event.clientY - active.y) < 3) return;
    const to = brushValue(active.rail, event);
    selection.brushes.set(active.rail.metric, [Math.min(active.from, to), Math.max(active.from, to)]);
    selection.changed();
  });
  parallelView.container.addEventListener('pointerup', (event) => {
    if (active && Math.abs(event.clientY - active.y) < 3) {
      selection.brushes.delete(active.rail.metric);
      selection.changed();
    }
    active = null;
  });
  keepDrawn(parallelView.container, drawParallel);
}
