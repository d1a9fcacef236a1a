// The chat's page. Text of users is set as textContent only.

import { Refused, ask, avatar, backoff, calendar, clock, day, element, hue, messagesOf, pause, sentence, together } from "./parts.js";

const maxText = 2000;
const $ = (id) => document.getElementById(id);
const [join, chat, log, outbox, scroll, text, status] = ["join", "chat", "log", "outbox", "scroll", "text", "status"].map($);

let nick = "", room = "";
let last = 0, history = "", presence = ""; // what we have of the room
let lastShown = null, oldest = null; // messages at the ends of the log
let leaving = new AbortController(); // aborted when we leave the room
let unsent = []; // {room, nick, id, text, item}: in order; one is sent at a time
let sending = false;
const sent = new Map(); // id to item in the outbox, until the poll brings the message
let unread = 0, below = 0; // messages since the page was hidden; messages below the fold

// ---- Polling

async function poll(room, signal) {
  for (let tries = 0; !signal.aborted;) {
    try {
      const known = history ? { after: last, history, presence } : {};
      const news = await ask(messagesOf(room, { nick, ...known }), { signal });
      if (signal.aborted) return;
      tries = 0;
      status.textContent = "";
      take(news);
      deliver();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused) return refused(error);
      if (tries > 0) status.textContent = error.wait ? sentence(error) : "Connection lost. Trying again …";
      await pause(backoff(tries++, error));
    }
  }
}

// refused goes back to the door.
function refused(error) {
  leave();
  $("joinError").textContent = sentence(error);
}

function take(news) {
  const fresh = news.history !== history;
  if (fresh) {
    clear();
    history = news.history;
    $("older").hidden = !news.older;
  }
  const stay = fresh || atEnd();
  for (const m of news.messages) {
    if (m.n <= last) continue;
    last = m.n;
    show(m, !fresh);
  }
  $("empty").hidden = lastShown !== null || outbox.children.length > 0;
  if (news.people) showPeople(news.people);
  presence = news.presence;
  if (stay) toEnd();
  log.setAttribute("aria-live", "polite"); // what was there before is not read out
  title();
}

// ---- Messages

// item is a message in the log, after another or null.
function item(m, before) {
  const li = element("li", "message");
  if (m.nick === nick) li.classList.add("mine");
  if (!together(before, m)) {
    li.classList.add("first");
    const by = element("div", "by");
    const name = element("span", "nick " + hue(m.nick), m.nick);
    const time = element("time", "", clock.format(m.at));
    time.dateTime = new Date(m.at).toISOString();
    by.append(name, time);
    li.append(avatar(m.nick), by);
  } else {
    li.append(element("span", "only-heard", m.nick + ":"));
  }
  const words = element("div", "text", m.text);
  words.dir = "auto";
  words.title = new Date(m.at).toLocaleString();
  li.append(words);
  return li;
}

// items are the messages with the days between them.
function items(messages, before) {
  const all = [];
  for (const m of messages) {
    if (!before || day(before) !== day(m)) all.push(element("li", "day", day(m) === new Date().toDateString() ? "Today" : calendar.format(m.at)));
    all.push(item(m, before));
    before = m;
  }
  return all;
}

function show(m, live) {
  sent.get(m.id)?.remove();
  sent.delete(m.id);
  const nodes = items([m], lastShown);
  if (live) nodes.at(-1).classList.add("new");
  log.append(...nodes);
  oldest ??= m;
  lastShown = m;
  if (!live || m.nick === nick) return;
  if (document.hidden) unread++;
  if (!atEnd()) below++;
}

function clear() {
  log.setAttribute("aria-live", "off");
  log.replaceChildren();
  last = below = 0;
  history = presence = "";
  lastShown = oldest = null;
}

$("older").onclick = async () => {
  const { signal } = leaving, first = oldest, button = $("older");
  button.disabled = true;
  try {
    const { messages, older } = await ask(messagesOf(room, { before: first.n }), { signal });
    const height = scroll.scrollHeight, top = scroll.scrollTop;
    log.setAttribute("aria-live", "off");
    const nodes = items(messages, null), rest = log.children;
    // The first message may belong to those that now come before it.
    if (messages.length && day(messages.at(-1)) === day(first)) rest[0].remove();
    if (messages.length) rest[rest[0].matches(".day") ? 1 : 0].replaceWith(item(first, messages.at(-1)));
    log.prepend(...nodes);
    oldest = messages[0] ?? first;
    button.hidden = !older;
    scroll.scrollTop = top + scroll.scrollHeight - height;
    scroll.focus({ preventScroll: true });
    requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
  } catch (error) {
    if (!signal.aborted) $("error").textContent = "Older messages: " + error.message;
  }
  button.disabled = false;
};

// ---- Where the reader is

const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;

function toEnd() {
  scroll.scrollTop = scroll.scrollHeight;
  below = 0;
  jump();
}

function jump() {
  $("jump").hidden = below === 0;
  $("jump").textContent = below === 1 ? "1 new message ↓" : below + " new messages ↓";
}

function title() {
  jump();
  document.title = (unread ? "(" + unread + ") " : "") + (room ? "#" + room + " · " : "") + "Valet chat";
}

// The field below grows, and the keyboard of a phone comes: who is at the end stays
// there.
let pinned = true;
scroll.onscroll = () => {
  pinned = atEnd();
  if (below && pinned) toEnd();
};
new ResizeObserver(() => { if (pinned) toEnd(); }).observe(scroll);
$("jump").onclick = () => { toEnd(); text.focus(); };
document.onvisibilitychange = () => { if (!document.hidden) { unread = 0; title(); } };

// ---- Sending

// An id names a message to the server, which so stores it once however often it is
// sent. (randomUUID would need HTTPS.)
const newID = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

function keep() {
  sessionStorage.setItem("unsent", JSON.stringify(unsent.map(({ item, ...u }) => u)));
}

function enqueue(u) {
  u.item = item({ ...u, at: Date.now() }, null);
  u.item.classList.add("sending");
  unsent.push(u);
  sent.set(u.id, u.item);
  if (u.room === room) outbox.append(u.item);
  $("empty").hidden = true;
}

// deliver sends what is unsent, one after another, until it has arrived.
async function deliver() {
  if (sending) return;
  sending = true;
  for (let tries = 0; unsent.length;) {
    const { room: here, nick, id, text: words, item } = unsent[0];
    try {
      const { n } = await ask(messagesOf(here), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ nick, id, text: words }) });
      item.classList.remove("sending"); // the poll brings it, and takes this away
      if (here === room && n <= last) item.remove(); // it has, long ago
    } catch (error) {
      if (!(error instanceof Refused)) {
        if (tries > 1) $("error").textContent = "Not sent yet: " + (error.wait ? error.message : "no connection") + ".";
        await pause(backoff(tries++, error));
        continue;
      }
      item.remove();
      sent.delete(id);
      $("error").textContent = "Not sent: " + error.message + ".";
      if (!text.value) text.value = words;
    }
    if (tries) $("error").textContent = "";
    tries = 0;
    unsent.shift();
    keep();
  }
  sending = false;
}

$("form").onsubmit = (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (!words) return text.focus();
  if ([...words].length > maxText) return length();
  $("error").textContent = "";
  enqueue({ room, nick, id: newID(), text: words });
  keep();
  text.value = "";
  length();
  toEnd();
  text.focus();
  deliver();
};

// Enter sends, and Shift+Enter begins a new line. Keyboards of phones do not tell
// which key was pressed, only what it is to do.
let shift = false;
text.onkeydown = (event) => { shift = event.shiftKey; };
text.onbeforeinput = (event) => {
  if (event.inputType !== "insertLineBreak" || shift || event.isComposing) return;
  event.preventDefault();
  $("form").requestSubmit();
};

// length says how much room is left, when it becomes tight, and fits the field.
function length() {
  const left = maxText - [...text.value.trim()].length;
  $("left").textContent = left > 200 ? "" : left >= 0 ? left + " characters left" : -left + " characters too many";
  if (!CSS.supports("field-sizing", "content")) {
    text.style.height = "auto";
    text.style.height = text.scrollHeight + 2 + "px";
  }
}
text.oninput = length;

// ---- People and rooms

function showPeople({ names, count }) {
  for (const e of document.querySelectorAll(".count")) e.textContent = count;
  $("people").replaceChildren(...names.map((name) => {
    const li = element("li");
    li.append(avatar(name), element("span", "nick " + hue(name), name));
    if (name === nick) li.append(element("span", "you", "you"));
    return li;
  }));
  if (count > names.length) $("people").append(element("li", "more", "and " + (count - names.length) + " more"));
}

async function showRooms() {
  const rooms = await ask("").catch(() => null);
  if (!rooms) return;
  for (const name of [room, "lobby"]) {
    if (name && !rooms.some((r) => r.name === name)) rooms.push({ name, messages: 0, people: 0 });
  }
  $("roomNames").replaceChildren(...rooms.map((r) => { const o = element("option"); o.value = r.name; return o; }));
  $("rooms").replaceChildren(...rooms.map((r) => {
    const a = element("a");
    a.href = "#" + encodeURIComponent(r.name);
    if (r.name === room) a.setAttribute("aria-current", "page");
    const size = element("span", "size", r.messages.toLocaleString());
    size.title = r.messages + " messages, " + r.people + " here";
    a.append(element("span", "name", r.name), size);
    const li = element("li");
    li.append(a);
    return li;
  }));
}

function side(open) {
  chat.classList.toggle("side-open", open);
  $("sideButton").setAttribute("aria-expanded", open);
  if (open) showRooms();
}

$("sideButton").onclick = () => side(!chat.classList.contains("side-open"));
onkeydown = (event) => {
  if (event.key === "Escape" && chat.classList.contains("side-open")) { side(false); $("sideButton").focus(); }
};
$("roomForm").onsubmit = (event) => {
  event.preventDefault();
  location.hash = encodeURIComponent($("newRoom").value.trim().toLowerCase());
  $("newRoom").value = "";
};

// ---- Coming and going

function enter(name) {
  leaving.abort();
  leaving = new AbortController();
  room = name;
  clear();
  outbox.replaceChildren(...unsent.filter((u) => u.room === room).map((u) => u.item));
  join.hidden = true;
  chat.hidden = false;
  side(false);
  $("roomName").textContent = room;
  $("me").textContent = nick;
  $("older").hidden = $("empty").hidden = true;
  for (const p of ["joinError", "error", "status"]) $(p).textContent = "";
  unread = 0;
  title();
  if (matchMedia("(pointer: fine)").matches) text.focus();
  else $("roomName").focus(); // a keyboard would cover half of a phone
  poll(room, leaving.signal);
  showRooms();
}

function leave() {
  leaving.abort();
  room = "";
  title();
  chat.hidden = true;
  join.hidden = false;
  $("nick").value = nick;
  $("nick").focus();
}

$("joinForm").onsubmit = (event) => {
  event.preventDefault();
  nick = $("nick").value.trim().replace(/\s+/g, " ");
  const name = $("room").value.trim().toLowerCase();
  $("joinError").textContent = !nick ? "Choose a nickname." : !name ? "Choose a room." : "";
  if (!nick) return $("nick").focus();
  if (!name) return $("room").focus();
  localStorage.setItem("nick", nick);
  if (fromHash() === name) enter(name);
  else location.hash = encodeURIComponent(name); // which enters
};

$("leave").onclick = leave;

function fromHash() {
  try {
    return decodeURIComponent(location.hash.slice(1)).toLowerCase();
  } catch {
    return "";
  }
}

onhashchange = () => {
  const name = fromHash();
  if (name) $("room").value = name;
  if (name && nick && name !== room) enter(name);
};

nick = localStorage.getItem("nick") ?? "";
for (const u of JSON.parse(sessionStorage.getItem("unsent") ?? "[]")) enqueue(u);
if (fromHash()) $("room").value = fromHash();
if (nick && fromHash()) enter(fromHash());
else leave();
showRooms();
deliver();
setInterval(() => { if (!document.hidden && room) showRooms(); }, 15000);
