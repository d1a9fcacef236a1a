// Parts of the page that know nothing of its state: requests, and small elements.

export class Refused extends Error {} // by the server, and would be again

export async function ask(path, options = {}) {
  const signal = AbortSignal.any([options.signal ?? new AbortController().signal, AbortSignal.timeout(45000)]);
  const response = await fetch("/api/rooms" + path, { ...options, signal });
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const why = body.error ?? "the server answers " + response.status;
  if (response.status < 500) throw new Refused(why);
  const error = new Error(why);
  error.wait = (Number(response.headers.get("Retry-After")) || 1) * 1000; // there is a server, in trouble
  throw error;
}

// pause waits ms, or until the network is back.
export const pause = (ms) => new Promise((done) => {
  const end = () => { clearTimeout(timer); removeEventListener("online", end); done(); };
  const timer = setTimeout(end, ms);
  addEventListener("online", end);
});

export const backoff = (tries, error) => Math.max(error?.wait || 0, Math.min(8000, 400 * 2 ** tries)) * (0.75 + Math.random() / 2);

export const sentence = (error) => error.message[0].toUpperCase() + error.message.slice(1) + ".";

export const messagesOf = (room, query) => "/" + encodeURIComponent(room) + "/messages" + (query ? "?" + new URLSearchParams(query) : "");

export const clock = new Intl.DateTimeFormat([], { hour: "numeric", minute: "2-digit" });
export const calendar = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long" });
export const day = (m) => new Date(m.at).toDateString();
export const together = (a, b) => a && b && a.nick === b.nick && day(a) === day(b) && Math.abs(b.at - a.at) < 5 * 60000;

export function element(tag, className, content) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (content !== undefined) e.textContent = content;
  return e;
}

// hue is a colour for a nick, always the same.
export function hue(nick) {
  let h = 0x811c9dc5; // FNV-1a
  for (const c of nick) h = Math.imul(h ^ c.codePointAt(0), 0x01000193);
  return "hue" + (h >>> 8) % 12;
}

export function avatar(nick) {
  const a = element("span", "avatar " + hue(nick), [...nick][0].toUpperCase());
  a.ariaHidden = "true";
  return a;
}
