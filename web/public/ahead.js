// Who is signed in, and the board if that is the page, are asked for before the console's own scripts have come.
// `fetchAhead` (src/api/ahead.ts) takes the answers.
{
  const chosen = new URLSearchParams(location.search);
  const filters = ['shop', 'warehouse', 'age'].map((name) => [name, chosen.get(name) ?? '']);
  const paths = ['/session'];
  if (localStorage.getItem('tongdan.inside') && /^\/(board)?$/.test(location.pathname)) {
    paths.push(`/api/v1/board?${new URLSearchParams(filters)}`);
  }
  const ask = (path) => fetch(path, { headers: { 'X-Tongdan-Console': '1' } });
  window.tongdanAhead = new Map(paths.map((path) => [path, ask(path)]));
  for (const answer of window.tongdanAhead.values()) answer.catch(() => undefined); // whoever takes it is told
}
