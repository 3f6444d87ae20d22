// bench/process.cpp on child_process.fork: messages to one child, which answers each.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

if (process.send) {
  process.on('message', () => process.send(1));
} else {
  await main();
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

  const child = fork(fileURLToPath(import.meta.url), [], { serialization: 'advanced' });
  const answered = [];
  child.on('message', () => answered.shift()());
  const ask = () => new Promise((resolve) => {
    answered.push(resolve);
    child.send(1);
  });
  await ask();

  if (wants('process_round_trip')) {
    const us = [];
    for (let i = 0; i < 100 * slices; ++i) {
      const start = process.hrtime.bigint();
      await ask();
      us.push(Number(process.hrtime.bigint() - start) / 1000);
    }
    us.sort((a, b) => a - b);
    report('process_round_trip', us[us.length >> 1], 'us');
  }
  if (wants('process_jobs')) {
    const count = 10_000;
    let best = Infinity;
    for (let s = 0; s < 1 + slices / 10; ++s) {
      const waiting = [];
      const start = process.hrtime.bigint();
      for (let i = 0; i < count; ++i) {
        waiting.push(ask());
        if (i >= 1000) await waiting[i - 1000];
      }
      await Promise.all(waiting);
      best = Math.min(best, Number(process.hrtime.bigint() - start) / count);
    }
    report('process_jobs', best, 'ns');
  }
  child.disconnect();
}
