// ---- The daemon's answers. The key stays in this tab, and goes along as a header: no cookie, so no other
// page can make the browser ask in its name.

const kPollMs = 1000;
const kLongestPollMs = 15000;

function takeKeyFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('key');
  if (!given) return;
  sessionStorage.setItem('key', given);
  history.replaceState(null, '', location.pathname);  // not into bookmarks or pictures of the screen
}

class Refused extends Error {}

/// Keeps the last answer of each path, which the daemon is not asked for again until it changes.
const known = new Map();

/// The answer, and whether it has changed since the last time.
async function ask(path) {
  const last = known.get(path);
  const headers = { Authorization: `Bearer ${sessionStorage.getItem('key') || ''}` };
  if (last) headers['If-None-Match'] = last.etag;
  const response = await fetch(path, { headers, cache: 'no-store', signal: AbortSignal.timeout(10000) });
  if (response.status === 304) return { value: last.value, changed: false };
  if (response.status === 401) throw new Refused();
  if (response.status === 404) return { value: null, changed: true };
  if (!response.ok) throw new Error(`the daemon answered with status ${response.status}`);
  const value = await response.json();
  if (known.size > 50) known.clear();
  known.set(path, { etag: response.headers.get('ETag'), value });
  return { value, changed: true };
}

function setLink(state, text) {
  const link = document.getElementById('link');
  link.className = `link ${state}`;
  link.textContent = text;
}
