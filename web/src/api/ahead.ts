declare global {
  interface Window {
    /** What the page itself has asked for (public/ahead.js): path and query → answer. */
    tongdanAhead?: Map<string, Promise<Response>>;
  }
}

/** Like `fetch`; a question that the page has asked already is not asked a second time. */
export function fetchAhead(request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const asked = request.method === 'GET' ? window.tongdanAhead?.get(pathname + search) : undefined;
  window.tongdanAhead?.delete(pathname + search);
  return asked ?? fetch(request);
}
