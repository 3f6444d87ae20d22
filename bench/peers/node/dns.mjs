// bench/dns.cpp in Node: dns.Resolver, which is c-ares. `all` starts every lookup at once, up to 10 000 (at
// 70 000 Node 20 hangs); without it a hundred are under way.

import { Resolver } from 'node:dns/promises';

const window = 100;
let atOnce = false;
let next = 0;
const figures = [];
for (const argument of process.argv.slice(2)) {
  if (argument === 'all') atOnce = true;
  else if (!argument.startsWith('slices=')) figures.push(argument);
}

const resolver = new Resolver();
resolver.setServers([process.env.DNS_SERVER]);

function nextName() {
  return `h${String(next++ % 1_000_000).padStart(6, '0')}.bench.test`;
}

async function lookUp(both) {
  const name = nextName();
  const questions = [resolver.resolve4(name)];
  if (both) questions.push(resolver.resolve6(name));
  for (const found of await Promise.all(questions)) {
    if (found.length !== 1) throw new Error(`${name}: ${found}`);
  }
}

/** Milliseconds. */
async function run(names, both) {
  let left = names;
  const worker = async () => { while (left-- > 0) await lookUp(both); };
  const start = performance.now();
  await Promise.all(Array.from({ length: atOnce ? names : window }, worker));
  return performance.now() - start;
}

async function measure(figure, names, both) {
  if (figures.length > 0 && !figures.includes(figure)) return;
  if (atOnce && names > 10_000) return;
  let best = Infinity;
  const rounds = atOnce ? 1 : Math.max(1, Math.min(5, 30_000 / names));
  for (let i = 0; i < rounds; ++i) best = Math.min(best, await run(names, both));
  const value = (best * 1e3) / names;
  console.log(JSON.stringify({ program: 'node', figure, value, unit: 'us' }));
}

await measure('dns_a_1k', 1_000, false);
await measure('dns_a_10k', 10_000, false);
await measure('dns_a_100k', 100_000, false);
await measure('dns_any_1k', 1_000, true);
await measure('dns_any_10k', 10_000, true);
await measure('dns_any_100k', 100_000, true);
