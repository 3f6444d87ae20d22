// bench/tasks.cpp in Node. Promises cannot be cancelled, so that figure is missing.

import fs from 'node:fs';

const batch = 100;
const liveTasks = 1_000_000;
let slices = 60;
const figures = [];
for (const argument of process.argv.slice(2)) {
  const n = /^slices=(\d+)$/.exec(argument);
  if (n) slices = Number(n[1]);
  else figures.push(argument);
}

function report(figure, value, unit, note) {
  console.log(JSON.stringify({ program: 'node', figure, value, unit, note }));
}

/** Processor time of this process, its garbage collector and compiler included. */
function cpuNs() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

function residentBytes() {
  return process.memoryUsage.rss();
}

/** The fastest of the slices: noise only ever adds. */
class BestSlice {
  ns = Infinity;
  begin() { this.start = cpuNs(); }
  end(operations) { this.ns = Math.min(this.ns, (cpuNs() - this.start) / operations); }
}

const atOnce = 'an async function runs at once, up to its first await';

async function nothing() {}

async function spawnJoinHot() {
  const best = new BestSlice();
  const tasks = new Array(batch);
  for (let s = 0; s < slices; ++s) {
    best.begin();
    for (let b = 0; b < 200; ++b) {
      for (let i = 0; i < batch; ++i) tasks[i] = nothing();
      await Promise.all(tasks);
    }
    best.end(200 * batch);
  }
  report('spawn_join_hot', best.ns, 'ns', atOnce);
}

async function spawn1m() {
  const start = cpuNs();
  const tasks = [];
  for (let i = 0; i < liveTasks; ++i) tasks.push(nothing());
  await Promise.all(tasks);
  report('spawn_1m', (cpuNs() - start) / liveTasks, 'ns', atOnce);
}

async function waitFor(gate) { await gate; }

async function liveBytes() {
  const gate = new Promise(() => {});
  const before = residentBytes();
  const tasks = [];
  for (let i = 0; i < liveTasks; ++i) tasks.push(waitFor(gate));
  await null;
  report('live_bytes', (residentBytes() - before) / tasks.length, 'B');
  process.exit(0); // the rest is not measured
}

async function next(n) { return n + 1; }

async function awaitChild() {
  const best = new BestSlice();
  let n = 0;
  for (let s = 0; s < slices; ++s) {
    best.begin();
    for (let i = 0; i < 50_000; ++i) n = await next(n);
    best.end(50_000);
  }
  if (n !== slices * 50_000) throw new Error('wrong sum');
  report('await_child', best.ns, 'ns');
}

async function yieldOften(times) {
  for (let i = 0; i < times; ++i) await null;
}

async function yieldAmong(figure, tasks) {
  const best = new BestSlice();
  const times = 100_000 / tasks;
  for (let s = 0; s < slices; ++s) {
    best.begin();
    await Promise.all(Array.from({ length: tasks }, () => yieldOften(times)));
    best.end(times * tasks);
  }
  report(figure, best.ns, 'ns', 'await null: a microtask, no I/O in between');
}

async function sleep1m() {
  const sleeps = 250_000;
  const leadMs = 3000; // until all are asleep
  const due = Float64Array.from({ length: sleeps }, () => leadMs + Math.random() * 1000);
  const late = new Float64Array(sleeps);
  const startCpu = cpuNs();
  const start = performance.now();
  const tasks = [];
  for (let i = 0; i < sleeps; ++i) {
    tasks.push((async () => {
      const rest = Math.ceil(due[i] - (performance.now() - start));
      await new Promise((resolve) => setTimeout(resolve, rest));
      late[i] = performance.now() - start - due[i];
    })());
  }
  await Promise.all(tasks);
  report('sleep_1m_cpu', ((cpuNs() - startCpu) / 1e9) * (1_000_000 / sleeps), 's',
    `${sleeps} sleeps, scaled to 1 000 000`);
  late.sort();
  report('sleep_1m_p99_late', late[Math.floor(sleeps * 0.99)], 'ms', `${sleeps} sleeps`);
}

const all = {
  spawn_1m: spawn1m,
  spawn_join_hot: spawnJoinHot,
  await_child: awaitChild,
  yield_2: () => yieldAmong('yield_2', 2),
  yield_1000: () => yieldAmong('yield_1000', 1000),
  sleep_1m: sleep1m,
  live_bytes: liveBytes,
};
for (const [name, run] of Object.entries(all)) {
  if (figures.length === 0 || figures.includes(name)) await run();
}
