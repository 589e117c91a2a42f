// Makes the page live. Everything works without this script, by reloading.
(() => {
  'use strict';

  const live = document.getElementById('live');
  const connection = document.getElementById('connection');
  const message = document.getElementById('message');
  const { page, name } = document.body.dataset;
  if (page === 'error') return;

  // Renewing: the server sends the page anew, and only what differs is changed,
  // so that focus, scroll position, selection and opened details stay.

  // Not n.id: a form answers with its field of that name.
  const keyOf = (n) => (n.nodeType === 1 ? n.getAttribute('id') ?? n.getAttribute('data-key') ?? undefined : undefined);

  function morph(from, to) {
    if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
      from.replaceWith(to);
      return;
    }
    if (from.nodeType !== 1) {
      if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
      return;
    }
    for (const { name, value } of to.attributes) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    for (const { name } of [...from.attributes]) {
      const users = name === 'open' && from.nodeName === 'DETAILS' || name === 'aria-disabled';
      if (!to.hasAttribute(name) && !users) from.removeAttribute(name);
    }
    morphChildren(from, to);
  }

  function morphChildren(from, to) {
    const keyed = new Map();
    for (const c of from.childNodes) {
      const k = keyOf(c);
      if (k) keyed.set(k, c);
    }
    const wanted = new Set([...to.childNodes].map(keyOf));
    let at = from.firstChild;
    // What is gone goes first: the others then stay where they are, and a node
    // that stays keeps its focus.
    for (const [k, c] of keyed) {
      if (wanted.has(k)) continue;
      if (c === at) at = at.nextSibling;
      c.remove();
    }
    for (const want of [...to.childNodes]) {
      const k = keyOf(want);
      let have = k ? keyed.get(k) : at;
      // A node with a key of its own is nobody else's.
      if (!k && have && keyOf(have)) have = undefined;
      if (!have) {
        from.insertBefore(want, at);
        continue;
      }
      if (have === at) at = at.nextSibling;
      else from.insertBefore(have, at);
      morph(have, want);
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }

  function show(html) {
    const box = document.createElement('div');
    box.innerHTML = html;
    const focused = live.contains(document.activeElement);
    morphChildren(live, box);
    // Whoever was on something that is gone goes on from the content, not from
    // the top of the page.
    if (focused && !live.contains(document.activeElement)) document.getElementById('main').focus({ preventScroll: true });
    const title = live.querySelector('[data-title]');
    if (title && document.title !== title.dataset.title) document.title = title.dataset.title;
  }

  // The connection. A browser allows few connections to one server, so a tab
  // that nobody sees has none.

  let source;
  let again;
  let lostAt = 0;
  let ended = ''; // what the server said when it ended the stream
  let shownAt; // when the last picture came

  function connect() {
    clearTimeout(again);
    source?.close();
    source = new EventSource(`stream?page=${encodeURIComponent(page)}&name=${encodeURIComponent(name)}`);
    source.addEventListener('page', (e) => {
      lostAt = 0;
      ended = '';
      shownAt = new Date();
      say('Live', false);
      show(e.data);
    });
    // A stop of the server is no lost connection: it says so before it goes.
    source.addEventListener('end', (e) => {
      ended = e.data;
      lostAt ||= Date.now();
      say(known(ended), true);
    });
    source.onerror = () => {
      // A stream that ends during a stop comes back within a second or two.
      lostAt ||= Date.now();
      if (ended || Date.now() - lostAt > 2500) say(known(ended || `Connection lost ${Math.round((Date.now() - lostAt) / 1000)} s ago`), true);
      if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, 2000);
    };
  }

  function known(why) {
    return `${why}. ${shownAt ? `What you see is the last that was known, of ${shownAt.toLocaleTimeString()}.` : ''}`.trim();
  }

  function say(text, lost) {
    if (connection.textContent !== text) connection.textContent = text;
    connection.classList.toggle('lost', lost);
    document.body.classList.toggle('stale', lost);
  }

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      clearTimeout(again);
      source?.close();
    } else connect();
  });
  addEventListener('pagehide', () => source?.close());
  addEventListener('pageshow', (e) => { if (e.persisted) connect(); });
  connect();

  // Actions without leaving the page.

  let hide;

  function tell(text, bad) {
    clearTimeout(hide);
    const p = document.createElement('p');
    p.textContent = text;
    p.classList.toggle('bad', bad);
    message.replaceChildren(p);
    if (!bad) hide = setTimeout(() => message.replaceChildren(), 6000);
  }
  if (message.firstChild) hide = setTimeout(() => message.replaceChildren(), 6000);

  document.addEventListener('submit', async (e) => {
    const form = e.target;
    if (form.method !== 'post') return;
    e.preventDefault();
    // Not disabled: that would take the focus away.
    const button = form.querySelector('button');
    if (button.ariaDisabled) return;
    button.ariaDisabled = 'true';
    try {
      const answer = await fetch(form.getAttribute('action'), {
        method: 'POST',
        headers: { Accept: 'application/json' },
        body: new URLSearchParams(new FormData(form)),
      });
      const said = await answer.json();
      tell(said.done || said.error, !answer.ok);
      if (answer.ok) form.closest('details')?.removeAttribute('open');
    } catch {
      tell('The server did not answer; it is not known whether it was done.', true);
    } finally {
      button.ariaDisabled = null;
    }
  });
})();
