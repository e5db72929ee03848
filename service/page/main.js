// ---- What is shown, and kept up to date.

const view = {
  selected: null,   // uid
  axes: {},         // chosen by hand: x, y
  drawn: null,      // uid of the charts
  seen: null,       // ids of the front when it was drawn last
  job: null,        // last answer for the selected job
};

function drawRun() {
  const run = view.job;
  if (!run || !run.trials) {
    showEmpty(byId('front'), 'No trial has ended yet.');
    showEmpty(byId('curves'), 'Nothing has been trained yet.');
    byId('front-table').replaceChildren();
    return;
  }
  const isSame = view.drawn === run.job.uid;
  drawFront(byId('front'), run, fillAxes(run, view.axes), isSame ? view.seen : null);
  drawCurves(byId('curves'), run, Number(byId('curve-of').value));
  showFrontTable(run);
  view.drawn = run.job.uid;
  view.seen = new Set(run.trials.id.filter((id, row) => run.trials.state[row] === 'front'));
}

async function showSelected() {
  byId('job').hidden = view.selected === null;
  if (view.selected === null) return;
  const asked = view.selected;
  const { value, changed } = await ask(`/api/jobs/${asked}`);
  if (asked !== view.selected) return;
  if (value === null) {  // deleted
    view.selected = null;
    return;
  }
  if (!changed && view.job === value) return showJobFacts(value.job);
  view.job = value;
  showJobHead(value.job);
  drawRun();
}

function select(uid) {
  view.selected = uid;
  view.axes = {};
  for (const button of document.querySelectorAll('#jobs button')) {
    button.setAttribute('aria-current', String(Number(button.dataset.uid) === uid));
  }
  showSelected().catch(() => {});  // the next round says what is wrong
}

async function showAll() {
  const { value, changed } = await ask('/api/overview');
  byId('lock').hidden = true;
  byId('content').hidden = false;
  if (changed) {
    byId('who').textContent = `${value.version} · seen by ${value.caller}`;
    const known = value.jobs.some((job) => job.uid === view.selected);
    if (!known) view.selected = value.jobs.length ? value.jobs[0].uid : null;
    showStates(value.states);
    showJobs(value.jobs, view.selected, select);
    showDevices(value.devices);
  }
  await showSelected();
}

function lock() {
  known.clear();
  byId('content').hidden = true;
  byId('lock').hidden = false;
  byId('refusal').textContent = sessionStorage.getItem('key') ? 'Nobody has this key.' : '';
  sessionStorage.removeItem('key');
  setLink('', 'locked');
  byId('key').focus();
}

/// One round after the other; after a failure ever more rarely, up to four times a minute.
async function keepShowing() {
  for (let wait = kPollMs;;) {
    if (!document.hidden) {
      try {
        await showAll();
        setLink('live', 'live');
        wait = kPollMs;
      } catch (failure) {
        if (failure instanceof Refused) return lock();
        setLink('lost', `no answer from hwnasd: ${failure.message}`);
        wait = Math.min(2 * wait, kLongestPollMs);
      }
    }
    await new Promise((resolve) => { setTimeout(resolve, wait); });
  }
}

byId('lock').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem('key', byId('key').value.trim());
  byId('key').value = '';
  keepShowing();
});
for (const [id, axis] of [['front-x', 'x'], ['front-y', 'y']]) {
  byId(id).addEventListener('change', () => {
    view.axes[axis] = byId(id).value;
    drawRun();
  });
}
byId('curve-of').addEventListener('change', drawRun);
takeKeyFromAddress();
keepShowing();
