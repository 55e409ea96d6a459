import { readFile } from 'node:fs/promises';
import { controlPlaneUsdPerHour, PUBLIC_IPV4_USD_PER_HOUR, placeUsdPerHour, taskUsdPerHour } from './cost.ts';
import { EVERYDAY } from './pool/simulation/patterns.ts';
import { simulate, TASK_SIZE } from './pool/simulation.ts';

const HOURS_PER_MONTH = 730;
const usd = (amount: number, digits: number) => `$${amount.toFixed(digits)}`;

let readme: string;
beforeAll(async () => {
  readme = (await readFile(new URL('./README.md', import.meta.url), 'utf8')).replaceAll('**', '');
});

test('README.md has what a place costs, by the prices and intervals of the code', () => {
  const rows = [...readme.matchAll(/^\| ([\d.]+) vCPU, ([\d.]+) GB \| (.*) \|$/gm)];
  expect(rows.map(([, vcpu, memoryGb]) => [Number(vcpu), Number(memoryGb)])).toEqual([
    [0.5, 1],
    [TASK_SIZE.vcpu, TASK_SIZE.memoryGb],
    [8, 16],
  ]);
  for (const [, vcpu, memoryGb, cells] of rows) {
    const size = { vcpu: Number(vcpu), memoryGb: Number(memoryGb) };
    const hourly = [taskUsdPerHour(size), PUBLIC_IPV4_USD_PER_HOUR, controlPlaneUsdPerHour(), placeUsdPerHour(size)];
    const month = usd(placeUsdPerHour(size) * HOURS_PER_MONTH, 2);
    expect(cells?.split(' | ')).toEqual([...hourly.map((amount) => usd(amount, 4)), month]);
  }
});

test('README.md has what an hour of publishing costs in the everyday week of the simulation', () => {
  const { waste, usdPerVpHour } = simulate(EVERYDAY);
  const placesPerHour = 1 + waste;
  expect(readme.replaceAll('\n', ' ')).toContain(
    `takes ${placesPerHour.toFixed(1)} hours of places: ${usd(placesPerHour * placeUsdPerHour(TASK_SIZE), 3)}, of which ${usd(usdPerVpHour, 3)} is Fargate's`,
  );
});
