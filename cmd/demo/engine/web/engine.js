"use strict";

const lanes = [
	["A", "The driver, called directly", "The handler waits for the driver. So does evio’s loop, and everybody whom it serves."],
	["B", "A pool of goroutines", "A goroutine waits for each query, and posts the answer back to evio’s loop. What people do today."],
	["C", "Valet", "The handler starts a call with a callback; the driver waits in a fake socket. At most 16 calls queue."],
];

const kept = 240; // samples: a minute
const connections = 8, queue = 16;
const still = matchMedia("(prefers-reduced-motion: reduce)");

const $ = (selector, within = document) => within.querySelector(selector);

// Charts are drawn in a box of 240 by 100, stretched to what there is.
const svgNS = "http://www.w3.org/2000/svg";
function shape(svg, kind, className) {
	const e = document.createElementNS(svgNS, kind);
	e.setAttribute("class", className);
	return svg.appendChild(e);
}

// Times: five decades from 0.1 ms to 10 s.
const logHeight = ms => 100 - 20 * Math.min(5, Math.max(0, Math.log10(ms) + 1));

function plot(figure, labels) {
	const box = figure.appendChild(document.createElement("div"));
	box.className = "plot";
	box.setAttribute("aria-hidden", "true"); // the figures are there as text
	const svg = box.appendChild(document.createElementNS(svgNS, "svg"));
	svg.setAttribute("viewBox", "0 0 240 100");
	svg.setAttribute("preserveAspectRatio", "none");
	const grid = shape(svg, "path", "grid");
	grid.setAttribute("d", labels.length > 1 ? "M0 20H240M0 40H240M0 60H240M0 80H240M0 99.5H240" : "M0 99.5H240M0 .5H240");
	const area = shape(svg, "path", "area"), faint = shape(svg, "path", "faint"), line = shape(svg, "path", "line");
	const texts = labels.map(([className, text]) => {
		const label = box.appendChild(document.createElement("span"));
		label.className = className;
		label.textContent = text;
		return label;
	});
	return { area, faint, line, texts };
}

// path joins the heights of the samples; those without one leave a gap.
function path(samples, height, closed) {
	let d = "", open = false, x = 0;
	const last = samples[samples.length - 1].n;
	for (const s of samples) {
		const y = height(s);
		if (y === undefined) {
			if (open && closed) d += `V100Z`;
			open = false;
			continue;
		}
		x = 240 - (last - s.n);
		d += open ? `L${x} ${y.toFixed(1)}` : (closed ? `M${x} 100V${y.toFixed(1)}` : `M${x} ${y.toFixed(1)}`);
		open = true;
	}
	return open && closed ? d + "V100Z" : d;
}

const cards = lanes.map(([letter, name, how]) => {
	const card = $("#lane").content.cloneNode(true).firstElementChild;
	$(".letter", card).textContent = letter;
	$(".name", card).textContent = name;
	$(".how", card).textContent = how;
	card.setAttribute("aria-label", `${letter}, ${name}`);
	const times = [["at0", "1 s"], ["at1", "10 ms"]];
	const charts = {
		beat: plot($("[data-chart=beat]", card), times),
		latency: plot($("[data-chart=latency]", card), times),
		rate: plot($("[data-chart=rate]", card), [["most", ""]]),
	};
	$("#lanes").append(card);
	return { card, letter, charts, figure: name => $(`[data-figure=${name}]`, card) };
});

function time(ms) {
	if (!ms) return "–";
	if (ms < 0.0995) return Math.round(ms * 1000) + " µs";
	if (ms < 9.95) return ms.toFixed(1) + " ms";
	if (ms < 999.5) return Math.round(ms) + " ms";
	return (ms / 1000).toFixed(2) + " s";
}
const rate = n => (n > 0 && n < 9.95 ? n.toFixed(1) : Math.round(n)) + " / s";

// verdict is the same rule for all lanes.
function verdict(f) {
	if (f.beat >= 250) return ["frozen", `frozen for ${time(f.beat)}`];
	if (f.busy > 2 * connections) return ["heavy", `heavy: ${f.busy} goroutines`];
	if (f.refused > 0) return ["calm", "calm, and says no"];
	return ["calm", "calm"];
}

// roundUp is the end of a scale: 1, 2 or 5 times a power of ten.
function roundUp(n) {
	const power = 10 ** Math.floor(Math.log10(n));
	return [1, 2, 5, 10].map(m => m * power).find(m => m >= n);
}

let samples = [];

function draw() {
	if (samples.length === 0) return;
	const now = samples[samples.length - 1];
	const most = roundUp(Math.max(10, ...samples.flatMap(s => s.lanes.map(f => f.rate))));
	const said = cards.map(({ card, letter, charts, figure }, i) => {
		const f = now.lanes[i], [state, words] = verdict(f);
		card.dataset.state = state;
		figure("verdict").textContent = words;
		figure("beat").textContent = time(f.beat);
		figure("p50").textContent = time(f.p50);
		figure("p99").textContent = time(f.p99);
		figure("rate").textContent = rate(f.rate);
		figure("busy").textContent = f.busy;
		figure("refused").textContent = rate(f.refused);
		figure("failed").textContent = f.failed;
		const beat = s => s.lanes[i].beat && logHeight(s.lanes[i].beat);
		charts.beat.line.setAttribute("d", path(samples, beat));
		charts.beat.area.setAttribute("d", path(samples, beat, true));
		charts.latency.line.setAttribute("d", path(samples, s => s.lanes[i].p50 && logHeight(s.lanes[i].p50)));
		charts.latency.faint.setAttribute("d", path(samples, s => s.lanes[i].p99 && logHeight(s.lanes[i].p99)));
		const answered = s => 100 - 99 * s.lanes[i].rate / most;
		charts.rate.line.setAttribute("d", path(samples, answered));
		charts.rate.area.setAttribute("d", path(samples, answered, true));
		charts.rate.texts[0].textContent = `${most} / s`;
		return `${letter} is ${state === "calm" ? words : state}`;
	});
	say(said.join("; ") + ".");
	const inside = name => $(`[data-inside=${name}]`);
	inside("running").textContent = `${now.valet.running} of ${connections}`;
	inside("waiting").textContent = `${now.valet.waiting} of ${queue}`;
	inside("refused").textContent = now.valet.refused;
	inside("lag").textContent = time(now.valet.lag);
}

// say changes the status only when there is news, for those who hear it.
function say(text) {
	if ($("#status").textContent !== text) $("#status").textContent = text;
}

function list(calls) {
	const rows = calls.map(c => {
		const tr = document.createElement("tr");
		for (const text of [c.name || "query", c.state, time(c.age), c.goroutine || "none yet", c.op ? `${c.op} ${c.local} → ${c.remote}` : "", c.for ? time(c.for) : ""]) {
			tr.appendChild(document.createElement("td")).textContent = text;
		}
		return tr;
	});
	if (rows.length === 0) {
		const td = document.createElement("td");
		td.colSpan = 6;
		td.textContent = "Nothing is in flight at this moment.";
		rows.push(document.createElement("tr"));
		rows[0].append(td);
	}
	$("#calls").replaceChildren(...rows);
}

const form = $("#switches");
let turning = 0; // requests under way: what is polled meanwhile may be older

async function poll() {
	if (!document.hidden) {
		try {
			const before = turning;
			const have = samples.length ? samples[samples.length - 1].n : 0;
			const response = await fetch(`/engine/state?since=${have}`);
			if (!response.ok) throw new Error(await response.text());
			const state = await response.json();
			const gap = state.samples.length && have && state.samples[0].n !== have + 1;
			samples = (gap ? [] : samples).concat(state.samples).slice(-kept);
			if (!turning && turning === before) {
				form.slow.checked = state.switches.slow;
				form.overload.checked = state.switches.overload;
			}
			draw();
			list(state.calls);
		} catch (err) {
			say(`No figures (${err.message.trim()}); trying again.`);
		}
	}
	setTimeout(poll, still.matches ? 2000 : 500);
}

form.addEventListener("change", async () => {
	turning++;
	try {
		const response = await fetch("/engine/switches", {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({ slow: form.slow.checked, overload: form.overload.checked }),
		});
		if (!response.ok) throw new Error(await response.text());
	} catch (err) {
		say(`The switches are as they were: ${err.message.trim()}`);
	}
	turning--;
});
form.addEventListener("submit", event => event.preventDefault());

const picture = $("#trace"), again = $("#again");
function trace() {
	again.disabled = true;
	picture.src = `/engine/trace.svg?${Date.now()}`;
}
picture.addEventListener("load", () => {
	again.disabled = false;
	$("#traced").textContent = `Traced at ${new Date().toLocaleTimeString()}.`;
});
picture.addEventListener("error", () => {
	again.disabled = false;
	$("#traced").textContent = "There is no picture: the traced request failed, or too many asked for one. Try again.";
});
again.addEventListener("click", trace);

trace();
poll();
