// Pinned trials side by side: costs, and where their genotypes differ.

function wordsRow(label, cells) {
  const tr = make('tr');
  tr.append(make('th', { scope: 'row' }, label), ...cells.map((text) => make('td', {}, text)));
  return tr;
}

function metricRow(metric, rows) {
  const tr = make('tr');
  tr.append(make('th', { scope: 'row' }, metric.label));
  for (const row of rows) {
    const known = metric.values[row] !== null;
    const differs = metric.values[row] !== metric.values[rows[0]] ? 'differs' : '';
    const cell = make('td', { class: differs }, valueWithInterval(metric, row));
    const origin = originNames[metric.origins[row]];
    if (known) cell.append(' ', make('span', { class: 'origin ' + origin }, origin));
    tr.append(cell);
  }
  return tr;
}

function genotypeRow(rows) {
  const tr = make('tr');
  tr.append(make('th', { scope: 'row' }, 'genotype'));
  const first = data.genotype[rows[0]].split('-');
  rows.forEach((row, column) => {
    const cell = make('td');
    data.genotype[row].split('-').forEach((choice, i) => {
      const same = column && choice === first[i];
      cell.append(i ? '-' : '', make('code', { class: !column ? '' : same ? 'same' : 'differs' }, choice));
    });
    tr.append(cell);
  });
  return tr;
}

function pinHeading(row) {
  const heading = make('th', { scope: 'col' });
  const button = make('button', { type: 'button', 'aria-label': `Unpin trial ${data.id[row]}` }, '×');
  button.addEventListener('click', () => selection.togglePin(row));
  heading.append(`trial ${data.id[row]} `, button);
  return heading;
}

function drawPins() {
  const rows = selection.pinned;
  const panel = byId('pinned');
  if (!rows.length) return panel.replaceChildren();
  const table = make('table', { class: 'numbers' });
  const head = table.createTHead().insertRow();
  head.append(make('th', { scope: 'col' }), ...rows.map(pinHeading));
  const body = table.createTBody();
  body.append(wordsRow('state', rows.map((row) => data.state[row])));
  body.append(...data.metrics.map((metric) => metricRow(metric, rows)), genotypeRow(rows));
  body.append(wordsRow('network', rows.map((row) => data.description[row])));
  const scroller = make('div', { class: 'scroll' });
  scroller.append(table);
  panel.replaceChildren(make('h3', {}, rows.length > 1 ? 'Pinned trials: what differs from the first' : 'Pinned trial'), scroller);
}

if (byId('pinned')) selection.listeners.push(drawPins);
