// bench/executor.cpp on worker_threads: messages to threads, each of which answers.

import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';

const IN_FLIGHT = 1000;

function work10us() {
  const end = process.hrtime.bigint() + 10_000n;
  while (process.hrtime.bigint() < end);
}

/// Threads that take jobs in turn.
class Pool {
  constructor(threads) {
    this.next = 0;
    this.workers = Array.from({ length: threads }, () => {
      const worker = new Worker(fileURLToPath(import.meta.url));
      const answered = [];
      worker.on('message', () => answered.shift()());
      return { worker, answered };
    });
  }
  run(long) {
    const { worker, answered } = this.workers[this.next++ % this.workers.length];
    return new Promise((resolve) => {
      answered.push(resolve);
      worker.postMessage(long);
    });
  }
  async warm() {
    await Promise.all(this.workers.map(() => this.run(false)));
  }
  async close() {
    await Promise.all(this.workers.map(({ worker }) => worker.terminate()));
  }
}

async function bestOf(slices, threads, inFlight, jobs, long) {
  const pool = new Pool(threads);
  await pool.warm();
  let best = Infinity;
  for (let s = 0; s < 1 + slices / 10; ++s) {
    const oneAfterAnother = async () => {
      for (let i = 0; i < jobs / inFlight; ++i) await pool.run(long);
    };
    const start = process.hrtime.bigint();
    await Promise.all(Array.from({ length: inFlight }, oneAfterAnother));
    best = Math.min(best, Number(process.hrtime.bigint() - start) / jobs);
  }
  await pool.close();
  return best;
}

async function main() {
  let slices = 60;
  const figures = [];
  for (const argument of process.argv.slice(2)) {
    const n = /^slices=(\d+)$/.exec(argument);
    if (n) slices = Number(n[1]);
    else figures.push(argument);
  }
  const wants = (figure) => figures.length === 0 || figures.includes(figure);
  const report = (figure, value, unit) =>
    console.log(JSON.stringify({ program: 'node', figure, value, unit }));

  for (const threads of [1, 2, 8]) {
    const figure = `empty_jobs_${threads}`;
    if (wants(figure)) report(figure, await bestOf(slices, threads, IN_FLIGHT, 20_000, false), 'ns');
  }
  if (wants('jobs_10us')) report('jobs_10us', await bestOf(slices, 2, IN_FLIGHT, 3_000, true), 'ns');
  if (wants('job_round_trip')) {
    report('job_round_trip', (await bestOf(slices, 1, 1, 1_000, false)) / 1000, 'µs');
  }
}

if (isMainThread) {
  await main();
} else {
  parentPort.on('message', (long) => {
    if (long) work10us();
    parentPort.postMessage(0);
  });
}
