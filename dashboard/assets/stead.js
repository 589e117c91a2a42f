// Makes the page live. Everything works without this script, by reloading.
(() => {
  'use strict';

  const live = document.getElementById('live');
  const connection = document.getElementById('connection');
  const message = document.getElementById('message');
  const { page, name } = document.body.dataset;

  // The mark of a slash that was added says nothing to people.
  const here = new URL(location.href);
  if (here.searchParams.has('slash')) {
    here.searchParams.delete('slash');
    history.replaceState(null, '', here);
  }
  if (page === 'error') return;

  // What is new and not shown yet. Without this script there is no such button.
  const news = document.createElement('div');
  news.id = 'news';
  news.hidden = true;
  news.innerHTML = '<span role="status"></span> <button type="button">Show</button>';
  message.before(news);

  // Renewing: the server sends the page anew, and only what differs is changed,
  // so that focus, scroll position, selection and opened details stay.

  // Not n.id: a form answers with its field of that name.
  const keyOf = (n) => (n.nodeType === 1 ? n.getAttribute('id') ?? n.getAttribute('data-key') ?? undefined : undefined);

  // While somebody points at a row or has the focus in one, nothing that would move it
  // is changed: no node comes or goes, and texts stay up to date. What was left out is
  // in held, until it is asked for or nobody points there.
  let holding = false;
  let held = 0; // changes that were left out
  let fresh = new Map(); // new rows among them, by what they are

  function morph(from, to) {
    if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
      if (holding) held++;
      else from.replaceWith(to);
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
    if (holding) renew(from, to);
    else morphChildren(from, to);
  }

  // renew changes no more than what is inside of the children that are on both sides.
  function renew(from, to) {
    const keys = [...from.children].some(keyOf) || [...to.children].some(keyOf);
    if (!keys) {
      const a = [...from.childNodes];
      const b = [...to.childNodes];
      const same = a.length === b.length && a.every((c, i) => c.nodeType === b[i].nodeType && c.nodeName === b[i].nodeName);
      if (same) a.forEach((c, i) => morph(c, b[i]));
      else held++;
      return;
    }
    const have = new Map([...from.children].map((c, i) => [keyOf(c) ?? `${c.nodeName} ${i}`, c]));
    const noun = to.getAttribute('data-new');
    let moved = [...to.children].length !== have.size;
    [...to.children].forEach((c, i) => {
      const old = have.get(keyOf(c) ?? `${c.nodeName} ${i}`);
      if (old) {
        morph(old, c);
        return;
      }
      moved = true;
      if (noun) fresh.set(noun, (fresh.get(noun) ?? 0) + 1);
    });
    if (moved) held++;
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

  let latest = ''; // the last picture that came
  let asked = false; // the next one is wanted as it is: somebody acted
  // Nobody has moved since the page was opened, or since somebody acted and waits for what
  // comes of it: a mouse that only rests somewhere points at nothing.
  let resting = true;
  for (const moves of ['pointermove', 'pointerdown', 'keydown']) document.addEventListener(moves, () => { resting = false; });
  document.addEventListener('focusin', (e) => { resting &&= !e.target.closest('main [data-key]'); });
  let down = false; // a finger or button is down
  let touched = 0;
  let mouse = matchMedia('(hover: hover)').matches;
  document.addEventListener('pointermove', (e) => { mouse = e.pointerType === 'mouse'; });

  // A row is what has a key. Where there is no mouse, hover stays where the last touch
  // was: there a touch holds for a moment.
  function pointing() {
    const focus = document.activeElement;
    if (focus !== document.body && live.contains(focus) && focus.closest('main [data-key]')) return true;
    if (mouse) return !!live.querySelector('main [data-key]:hover');
    return Date.now() - touched < 3000;
  }

  function show(html) {
    latest = html;
    if (down) return;
    holding = !asked && !resting && pointing();
    held = 0;
    fresh = new Map();
    const box = document.createElement('div');
    box.innerHTML = html;
    const focused = live.contains(document.activeElement);
    if (holding) {
      morph(live.querySelector('header'), box.querySelector('header'));
      morph(live.querySelector('main'), box.querySelector('main'));
    } else {
      morphChildren(live, box);
      asked = false;
    }
    // Whoever was on something that is gone goes on from the content, not from
    // the top of the page.
    if (focused && !live.contains(document.activeElement)) document.getElementById('main').focus({ preventScroll: true });
    const title = live.querySelector('[data-title]');
    if (title && document.title !== title.dataset.title) document.title = title.dataset.title;
    announce();
  }

  // Only what is new has a number: a row that is gone is found gone when it is used.
  function announce() {
    const parts = [...fresh].map(([noun, n]) => `${n} new ${noun}${n === 1 ? '' : 's'}`);
    const text = held === 0 ? '' : parts.length ? parts.join(', ') : 'The page has changed';
    news.hidden = !text;
    const said = news.querySelector('span');
    if (said.textContent !== text) said.textContent = text;
  }

  news.querySelector('button').addEventListener('click', () => {
    asked = true;
    show(latest);
    document.getElementById('main').focus({ preventScroll: true });
  });
  const release = () => { if (held && latest && !pointing()) show(latest); };
  live.addEventListener('pointerleave', release);
  live.addEventListener('pointerout', () => setTimeout(release, 150));
  live.addEventListener('focusout', () => setTimeout(release));

  // The connection. A browser allows few connections to one server, so a tab
  // that nobody sees has none.

  let source;
  let again;
  let lostAt = 0;
  let ended = ''; // what the server said when it ended the stream
  let shownAt; // when the last picture came
  let polls = 0;

  function arrived(html, text) {
    clearTimeout(again);
    lostAt = 0;
    ended = '';
    shownAt = new Date();
    say(text, false);
    show(html);
  }

  function connect() {
    clearTimeout(again);
    source?.close();
    source = new EventSource(`stream?page=${encodeURIComponent(page)}&name=${encodeURIComponent(name)}`);
    source.addEventListener('page', (e) => arrived(e.data, 'Live'));
    // A stop of the server is no lost connection: it says so before it goes.
    source.addEventListener('end', (e) => {
      ended = e.data;
      lostAt ||= Date.now();
      say(known(ended), true);
    });
    source.onerror = () => {
      // A stream that is refused is one that cannot come through.
      if (source.readyState === EventSource.CLOSED) {
        poll();
        return;
      }
      // A stream that ends during a stop comes back within a second or two.
      lostAt ||= Date.now();
      if (ended || Date.now() - lostAt > 2500) lost();
    };
    // Nor does one come through of which nothing arrives.
    again = setTimeout(() => {
      if (source.readyState !== EventSource.CONNECTING || !lostAt) poll();
    }, 5000);
  }

  // poll asks for the whole page where no stream comes through. One that has brought a
  // picture by the time of the answer does: the server or this machine was busy. A stream
  // is tried again now and then: the server may have been away behind a proxy.
  async function poll() {
    clearTimeout(again);
    if (++polls % 10 === 0) {
      connect();
      return;
    }
    const before = shownAt;
    try {
      const answer = await fetch(location.href, { cache: 'no-store' });
      const text = await answer.text();
      if (shownAt !== before) return;
      source?.close();
      const anew = new DOMParser().parseFromString(text, 'text/html').getElementById('live');
      if (anew) arrived(anew.innerHTML, 'No live stream comes through to this page. It asks again every 3 s instead.');
      else say(`The server answers ${answer.status} ${answer.statusText}: reload the page.`, true);
    } catch {
      source?.close();
      lostAt ||= Date.now();
      lost();
    }
    if (!document.hidden) again = setTimeout(poll, 3000);
  }

  function lost() {
    const stopping = live.querySelector('header')?.dataset.phase === 'stopping';
    say(known(ended || (stopping ? 'The program is stopping, and the server of this page has stopped' : '') || `Connection lost ${Math.round((Date.now() - lostAt) / 1000)} s ago`), true);
  }

  function known(why) {
    return `${why}. ${shownAt ? `What you see is the last that was known, of ${shownAt.toLocaleTimeString()}.` : ''}`.trim();
  }

  function say(text, stale) {
    if (connection.textContent !== text) connection.textContent = text;
    connection.classList.toggle('lost', stale);
    document.body.classList.toggle('stale', stale);
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

  // What is searched for is in the address, as all else that a page is about.
  live.addEventListener('change', (e) => {
    if (e.target.id === 'search') location.href = `${page}?name=${encodeURIComponent(e.target.value)}`;
  });

  // Actions without leaving the page.

  let hide;

  // undo are the fields of the action that takes back what was done, if there is one.
  function tell(text, bad, undo) {
    clearTimeout(hide);
    const p = document.createElement('p');
    p.textContent = text;
    p.classList.toggle('bad', bad);
    if (undo) {
      const button = document.createElement('button');
      button.textContent = 'Undo';
      button.addEventListener('click', () => send(undo));
      p.append(' ', button);
    }
    message.replaceChildren(p);
    if (!bad) hide = setTimeout(() => message.replaceChildren(), undo ? 60000 : 6000);
  }
  if (message.firstChild) hide = setTimeout(() => message.replaceChildren(), message.querySelector('form') ? 60000 : 6000);

  const fieldsOf = (form) => new URLSearchParams(new FormData(form));

  // A click does what stood there when the finger went down, whatever the page has
  // become since.
  let pressed;
  document.addEventListener('pointerdown', (e) => {
    down = true;
    touched = Date.now();
    const form = e.target.closest('form');
    pressed = form && { form, fields: fieldsOf(form) };
  });
  for (const up of ['pointerup', 'pointercancel']) {
    document.addEventListener(up, () => setTimeout(() => { // after the click
      down = false;
      pressed = undefined;
    }));
  }

  // send asks for an action, tells what came of it and returns whether it was done.
  async function send(fields) {
    try {
      const answer = await fetch('actions', { method: 'POST', headers: { Accept: 'application/json' }, body: fields });
      if (!answer.headers.get('Content-Type')?.startsWith('application/json')) {
        const text = (await answer.text()).replace(/<[^>]*>/g, ' ').trim().slice(0, 120);
        tell(`Not done. Something in front of this page answered ${answer.status}: ${text}`, true);
        return false;
      }
      const said = await answer.json();
      let undo;
      if (said.undo) {
        undo = new URLSearchParams(fields);
        undo.set('verb', said.undo);
      }
      tell(said.done || said.error, !answer.ok, undo);
      if (answer.ok) {
        asked = true;
        resting = true;
      }
      return answer.ok;
    } catch {
      tell('The server did not answer; it is not known whether it was done.', true);
      return false;
    }
  }

  document.addEventListener('submit', async (e) => {
    const form = e.target;
    if (form.method !== 'post') return;
    e.preventDefault();
    // Not disabled: that would take the focus away.
    const button = form.querySelector('button');
    if (button.ariaDisabled) return;
    button.ariaDisabled = 'true';
    if (await send(pressed?.form === form ? pressed.fields : fieldsOf(form))) form.closest('details')?.removeAttribute('open');
    button.ariaDisabled = null;
  });
})();
