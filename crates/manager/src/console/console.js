// The console: jobs, runs with live progress, ledger, rejects, report. Texts of strangers are only ever set as text.
'use strict';

const $ = (id) => document.getElementById(id);
const state = { token: sessionStorage.getItem('token') || '', job: null, run: null, listening: null };
const number = (n) => (n === null || n === undefined ? '–' : n.toLocaleString('en'));
const time = (ms) => (ms ? new Date(ms).toLocaleString() : '–');
const say = (text) => { $('message').textContent = text; };

async function call(path, options = {}) {
  const headers = { Accept: 'application/json', Authorization: `Bearer ${state.token}`, ...options.headers };
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({ detail: response.statusText, code: response.status }));
  throw new Error(`${problem.detail} (${problem.code})`);
}

const json = async (path, options) => (await call(path, options)).json();

// Runs an action and shows why it failed.
const attempt = (action) => async (event) => {
  event?.preventDefault?.();
  say('');
  try { await action(event); } catch (error) { say(error.message); }
};

async function all(path) {
  const items = [];
  let next = null;
  do {
    const page = await json(`${path}?limit=1000${next === null ? '' : `&after=${encodeURIComponent(next)}`}`);
    items.push(...page.items);
    next = page.next;
  } while (next !== null);
  return items;
}

function row(cells) {
  const tr = document.createElement('tr');
  for (const cell of cells) {
    const td = document.createElement('td');
    if (cell instanceof Node) td.append(cell);
    else if (typeof cell === 'number') { td.className = 'n'; td.textContent = number(cell); }
    else td.textContent = cell ?? '–';
    tr.append(td);
  }
  return tr;
}

function button(text, action) {
  const made = document.createElement('button');
  made.textContent = text;
  made.addEventListener('click', attempt(action));
  return made;
}

const jobPath = (job) => `/v1/clients/${job.client}/jobs/${job.id}`;
const runPath = (run) => `${jobPath({ client: run.client, id: run.job })}/runs/${run.id}`;

// Which clients this token can see.
async function clients() {
  const who = await json('/v1/whoami');
  return who.kind === 'client' ? [who.client] : (await all('/v1/clients')).map((client) => client.id);
}

async function showJobs() {
  if (!state.token) return say('Paste a token to begin: the admin\'s, or a client\'s.');
  const jobs = [];
  for (const client of await clients()) jobs.push(...await all(`/v1/clients/${client}/jobs`));
  $('jobs').replaceChildren(...jobs.map((job) =>
    row([`${job.client}/${job.id}`, job.revision, time(job.updated_ms), button('Runs', () => showRuns(job))])));
  if (!jobs.length) say('There are no jobs yet.');
}

async function showRuns(job) {
  state.job = job;
  const { items } = await json(`${jobPath(job)}/runs?limit=20`);
  $('runs-title').textContent = `Runs of ${job.client}/${job.id}`;
  $('runs-section').hidden = false;
  $('runs').replaceChildren(...items.map((run) =>
    row([button(run.id, () => follow(run)), run.state, time(run.created_ms), run.ledger.read, run.ledger.created, run.ledger.rejected])));
}

function showRun(run) {
  state.run = run;
  $('run-section').hidden = false;
  $('run-title').textContent = `Run ${run.id}`;
  $('run-state').textContent = run.state;
  $('run-state').className = run.state === 'completed' ? 'good' : ['failed', 'suspect', 'undone'].includes(run.state) ? 'bad' : '';
  const notes = [];
  if (run.waiting) notes.push(`waits: ${run.waiting.kind}`);
  if (run.stalled) notes.push(`stalled in ${run.stalled.stage}: ${run.stalled.reason}`);
  if (run.outcome?.failure) notes.push(`${run.outcome.failure.message}. ${run.outcome.failure.next_step}`);
  $('run-note').textContent = notes.join(' · ');
  $('report').disabled = !run.ended;
  for (const verb of document.querySelectorAll('[data-verb]')) verb.disabled = run.ended;
  showLedger(run.ledger);
  if (run.ended) { $('progress').value = 100; $('rate').textContent = ''; } else if (run.sample) showSample(run.sample);
}

function showSample(sample) {
  $('progress').value = sample.percent;
  const eta = sample.eta_ms === null ? '' : ` · ${Math.ceil(sample.eta_ms / 1000)} s left`;
  $('rate').textContent = `${sample.percent.toFixed(1)} % · ${number(Math.round(sample.records_per_s))} records/s${eta}`;
  showLedger(sample.ledger);
}

function showLedger(ledger) {
  const names = ['read', 'added', 'filtered', 'rejected', 'created', 'duplicate'];
  $('ledger').replaceChildren(...names.map((name) => row([name, ledger[name]])));
  const incoming = ledger.read + ledger.added;
  const outgoing = ledger.filtered + ledger.rejected + ledger.created + ledger.duplicate;
  $('equation').textContent = `read + added = ${number(incoming)} · filtered + rejected + created + duplicate = ${number(outgoing)}`;
  $('equation').className = incoming === outgoing ? 'good' : '';
}

async function showDetails(run) {
  const files = await json(`${runPath(run)}/files?limit=200`);
  $('files').replaceChildren(...files.items.map((file) => row([file.name, file.state.kind, file.ledger.read, file.ledger.created,
    file.ledger.duplicate, file.ledger.filtered, file.ledger.rejected, file.counted ?? '–'])));
  const causes = await json(`${runPath(run)}/rejects/causes`);
  $('causes').replaceChildren(...causes.items.map((cause) => row([cause.code, cause.step, cause.field, cause.count,
    `${cause.sample.file}, line ${cause.sample.line}: ${cause.sample.message}`])));
}

// Reads a run's events until it ends or another run is looked at.
async function follow(run) {
  state.listening?.abort();
  const listening = new AbortController();
  state.listening = listening;
  showRun(run);
  await showDetails(run);
  const response = await call(`${runPath(run)}/events`, { headers: { Accept: 'text/event-stream' }, signal: listening.signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
      const events = text.split('\n\n');
      text = events.pop();
      events.forEach(take);
    }
  } catch (error) {
    if (!listening.signal.aborted) throw error;
    return;
  }
  await showDetails(run);
  if (state.job) await showRuns(state.job);
}

function take(event) {
  const [, name, data] = event.match(/^event: (\w+)\ndata: (.*)$/s) ?? [];
  if (name === 'run') showRun(JSON.parse(data));
  if (name === 'sample') showSample(JSON.parse(data));
}

async function openReport() {
  const page = await call(`${runPath(state.run)}/report?format=html`);
  const frame = document.createElement('a');
  frame.href = URL.createObjectURL(new Blob([await page.text()], { type: 'text/html' }));
  frame.download = `report-${state.run.id}.html`;
  frame.click();
  URL.revokeObjectURL(frame.href);
}

$('sign-in').addEventListener('submit', attempt(async () => {
  state.token = $('token').value.trim();
  $('token').value = '';
  sessionStorage.setItem('token', state.token);
  await showJobs();
}));
$('start').addEventListener('click', attempt(async () => {
  const run = await json(`${jobPath(state.job)}/start`, { method: 'POST' });
  await showRuns(state.job);
  await follow(run);
}));
$('report').addEventListener('click', attempt(openReport));
for (const verb of document.querySelectorAll('[data-verb]')) {
  verb.addEventListener('click', attempt(async () =>
    showRun(await json(`${runPath(state.run)}/${verb.dataset.verb}`, { method: 'POST' }))));
}
attempt(showJobs)();
