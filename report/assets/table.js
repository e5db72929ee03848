// The trial table: sorting, finding, and only what passes the brushes.

const tableView = { body: null, column: 1, ascending: true, shown: 25, words: '' };

function sortKey(column) {
  if (column === 0) return (row) => data.id[row];
  const order = ['front', 'complete', 'stopped', 'infeasible', 'failed'];
  if (column === 1) return (row) => order.indexOf(data.state[row]);
  const metric = data.metrics[column - 2];
  if (metric) return (row) => metric.values[row];
  return (row) => data.genotype[row];
}

function sortedRows() {
  const words = tableView.words.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (row) => [data.id[row], data.state[row], data.genotype[row], data.description[row], data.reason[row]]
    .join(' ').toLowerCase();
  const rows = trials.filter((row) => selection.keeps(row) && (!words.length || words.every((word) => text(row).includes(word))));
  const key = sortKey(tableView.column);
  const sign = tableView.ascending ? 1 : -1;
  return rows.sort((a, b) => {
    const [ka, kb] = [key(a), key(b)];
    if (ka === null || kb === null) return (ka === null) - (kb === null) || a - b;
    return ka < kb ? -sign : ka > kb ? sign : a - b;
  });
}

function tableRow(row) {
  const tr = make('tr', { class: selection.pinned.includes(row) ? 'pinned' : row === chosenRow ? 'is-chosen' : '' });
  tr.append(make('th', { scope: 'row' }, data.id[row]));
  const state = make('td');
  state.append(make('span', { class: 'state ' + data.state[row] }, data.state[row]));
  tr.append(state);
  for (const metric of data.metrics) {
    const known = metric.values[row] !== null;
    tr.append(make('td', known ? { class: 'is-' + originNames[metric.origins[row]] } : {}, valueWithInterval(metric, row)));
  }
  const network = make('td', { class: 'words' });
  network.append(make('code', {}, data.genotype[row]), ' ' + data.description[row]);
  if (data.reason[row]) network.append(make('span', { class: 'reason' }, data.reason[row]));
  tr.append(network);
  tr.tabIndex = 0;
  tr.addEventListener('keydown', (event) => { if (event.key === 'Enter') selection.togglePin(row); });
  tr.addEventListener('click', () => { if (!getSelection().toString()) selection.togglePin(row); });
  return tr;
}

function drawTable() {
  const rows = sortedRows();
  tableView.body.replaceChildren(...rows.slice(0, tableView.shown).map(tableRow));
  byId('trial-count').textContent = rows.length === trials.length ? `${rows.length} trials`
                                                                  : `${rows.length} of ${trials.length} trials`;
  byId('trial-more').hidden = rows.length <= tableView.shown;
}

function sortBy(column, headings) {
  tableView.ascending = tableView.column === column ? !tableView.ascending : true;
  tableView.column = column;
  headings.forEach((heading) => heading.removeAttribute('aria-sort'));
  headings[column].setAttribute('aria-sort', tableView.ascending ? 'ascending' : 'descending');
  drawTable();
}

const trialTable = byId('trial-table');
if (trialTable) {
  tableView.body = trialTable.tBodies[0];
  const headings = [...trialTable.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    heading.classList.add('sortable');
    heading.tabIndex = 0;
    heading.addEventListener('click', () => sortBy(column, headings));
    heading.addEventListener('keydown', (event) => { if (event.key === 'Enter') sortBy(column, headings); });
  });
  byId('trial-search').addEventListener('input', (event) => { tableView.words = event.target.value; drawTable(); });
  byId('trial-controls').addEventListener('submit', (event) => event.preventDefault());
  byId('trial-more').addEventListener('click', () => { tableView.shown += 200; drawTable(); });
  byId('trial-controls').hidden = false;
  headings[tableView.column].setAttribute('aria-sort', 'ascending');
  selection.listeners.push(drawTable);
  drawTable();
}
