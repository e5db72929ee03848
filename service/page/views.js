// ---- Lists and facts. All text of clients goes in as text, never as markup.

const byId = (id) => document.getElementById(id);
const kStateWords = { QUEUED: 'queued', RUNNING: 'running', CANCELLING: 'cancelling', SUCCEEDED: 'succeeded', FAILED: 'failed', CANCELLED: 'cancelled' };

function formatDuration(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return '–';
  const whole = Math.max(0, Math.round(seconds));
  const two = (value) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

function formatTime(seconds) {
  return seconds === null ? '–' : new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

function shareOf(job) {
  if (job.state === 'SUCCEEDED') return 1;
  return job.progress && job.progress.planned ? Math.min(1, job.progress.evaluated / job.progress.planned) : 0;
}

function makeBar(job) {
  const bar = make('div', { class: `bar ${kStateWords[job.state]}` });
  const fill = make('i');
  fill.style.width = `${100 * shareOf(job)}%`;
  bar.append(fill);
  return bar;
}

function showStates(states) {
  const words = { RUNNING: 'Running', QUEUED: 'Queued', SUCCEEDED: 'Succeeded', FAILED: 'Failed', CANCELLED: 'Cancelled' };
  byId('states').replaceChildren(...Object.entries(words).map(([state, word]) => {
    const count = (states[state] || 0) + (state === 'RUNNING' ? states.CANCELLING || 0 : 0);
    const tile = make('div', { class: `${word.toLowerCase()}${count ? '' : ' none'}` });
    tile.append(make('dt', {}, word), make('dd', {}, String(count)));
    return tile;
  }));
}

function showJobs(jobs, selected, select) {
  byId('no-jobs').hidden = jobs.length > 0;
  byId('jobs').replaceChildren(...jobs.map((job) => {
    const state = kStateWords[job.state];
    const button = make('button', { type: 'button', class: state, 'data-uid': job.uid, 'aria-current': String(job.uid === selected) });
    const trials = job.progress ? `${job.progress.evaluated} of ${job.progress.planned} trials` : '';
    button.append(make('span', { class: 'id' }, job.id), make('span', { class: `state ${state}` }, state),
                  make('span', { class: 'of' }, [job.tenant, job.display_name, job.device, trials].filter(Boolean).join(' · ')));
    if (job.state !== 'QUEUED') button.append(makeBar(job));
    button.addEventListener('click', () => select(job.uid));
    const item = make('li');
    item.append(button);
    return item;
  }));
}

function showFacts(list, facts) {
  list.replaceChildren(...facts.filter(([, value]) => value !== '' && value !== null).map(([term, value]) => {
    const fact = make('div');
    fact.append(make('dt', {}, term), make('dd', {}, value));
    return fact;
  }));
}

/// What runs goes on by the clock of this machine, between the daemon's answers.
function runTime(job) {
  if (job.start_time === null) return '';
  return formatDuration((job.end_time === null ? Date.now() / 1000 : job.end_time) - job.start_time);
}

function showJobFacts(job) {
  const progress = job.progress;
  const left = progress && job.state === 'RUNNING' && progress.left_seconds !== null ? `about ${formatDuration(progress.left_seconds)}` : '';
  showFacts(byId('job-facts'), [
    ['device', [job.device, job.runtime].filter(Boolean).join(' with ')], ['space', job.space], ['strategy', job.strategy],
    ['submitted', formatTime(job.create_time)], [job.end_time === null ? 'running for' : 'took', runTime(job)], ['left', left],
    ['starts', job.attempts > 1 ? String(job.attempts) : ''], ['priority', job.priority ? String(job.priority) : ''],
  ]);
}

function progressText(job) {
  const progress = job.progress;
  if (!progress) return job.state === 'QUEUED' ? 'Waits for its turn.' : 'Starting.';
  const parts = [`${progress.evaluated} of ${progress.planned} trials`, `${progress.front} on the front`];
  if (progress.infeasible) parts.push(`${progress.infeasible} infeasible`);
  if (progress.failed) parts.push(`${progress.failed} failed`);
  if (job.state === 'RUNNING' && progress.stage) parts.push(`stage ${progress.stage}`);
  return parts.join(' · ');
}

function showJobHead(job) {
  const state = kStateWords[job.state];
  byId('job-name').replaceChildren(document.createTextNode(job.id), make('span', { class: `state ${state}` }, state));
  byId('job-title').textContent = [job.name, job.display_name || job.experiment].filter(Boolean).join(' · ');
  const bar = makeBar(job);
  bar.id = 'job-bar';
  bar.setAttribute('role', 'img');
  bar.setAttribute('aria-label', `${Math.round(100 * shareOf(job))} % of the trials`);
  byId('job-bar').replaceWith(bar);
  byId('job-progress').textContent = progressText(job);
  byId('job-failure').hidden = !job.failure;
  byId('job-failure').textContent = job.failure;
  showJobFacts(job);
}

function fillAxes(run, chosen) {
  const names = Object.keys(run.trials.metrics);
  const first = [...run.objectives].reverse().map((objective) => objective.metric);
  const axes = [chosen.x || first[0], chosen.y || first[1] || first[0]];
  for (const [index, id] of ['front-x', 'front-y'].entries()) {
    const select = byId(id);
    const options = [...select.options].map((option) => option.value);
    if (options.join() !== names.join()) {
      select.replaceChildren(...names.map((name) => make('option', { value: name }, metricOf(name).label)));
    }
    if (names.includes(axes[index])) select.value = axes[index];
  }
  return axes;
}

const kMostRows = 30;

/// The front as a table: the same numbers for who cannot see the chart, and to be copied.
function showFrontTable(run) {
  const { trials } = run;
  const names = [...new Set([...run.objectives.map((o) => o.metric), ...run.limits.map((l) => l.metric)])].filter((name) => trials.metrics[name]);
  const rows = [...trials.id.keys()].filter((row) => trials.state[row] === 'front');
  if (!rows.length || !names.length) return byId('front-table').replaceChildren();
  const main = trials.metrics[names[0]].value;
  const sign = run.objectives[0].maximize ? -1 : 1;
  rows.sort((a, b) => sign * (main[a] - main[b]));
  const table = make('table');
  table.append(make('caption', {}, `The front: ${rows.length} trial${rows.length === 1 ? '' : 's'}`));
  const head = make('tr');
  head.append(make('th', { scope: 'col' }, 'trial'), ...names.map((name) => make('th', { scope: 'col' }, metricOf(name).label)),
              make('th', { scope: 'col', class: 'words' }, 'genotype'));
  const body = make('tbody');
  for (const row of rows.slice(0, kMostRows)) {
    const line = make('tr');
    line.append(make('td', {}, String(trials.id[row])));
    for (const name of names) {
      const column = trials.metrics[name];
      const cell = make('td', {}, formatValue(metricOf(name), column.value[row]));
      if (column.value[row] !== null) cell.append(make('span', { class: 'origin' }, kOrigins[column.origin[row]]));
      line.append(cell);
    }
    line.append(make('td', { class: 'words' }, trials.genotype[row]));
    body.append(line);
  }
  const top = make('thead');
  top.append(head);
  table.append(top, body);
  byId('front-table').replaceChildren(table);
}

function showDevices(devices) {
  byId('devices').replaceChildren(...devices.map((device) => {
    const item = make('li', { class: device.running ? 'busy' : '' });
    const use = [device.running && `${device.running} running`, device.queued && `${device.queued} queued`].filter(Boolean).join(', ');
    const ended = device.ended ? `${device.ended} done` : 'idle';
    item.append(make('span', { class: 'id' }, device.name), make('span', { class: use ? 'use' : 'use idle' }, use || ended),
                make('span', { class: 'of' }, [device.tenant, device.summary].filter(Boolean).join(' · ')));
    const runtimes = make('span', { class: 'runtimes' });
    runtimes.append(...device.runtimes.map((runtime) => make('span', {}, runtime)));
    item.append(runtimes);
    return item;
  }));
}
