import { parseUsage } from './cgroup.ts';

describe('What a container used', () => {
  it('is read from a control group of version 1', () => {
    const lines = [
      'cpuacct/cpuacct.usage:2500000000',
      'cpu/cpu.stat:nr_periods 100',
      'cpu/cpu.stat:throttled_time 300000000',
      'memory/memory.usage_in_bytes:250000000',
      'memory/memory.failcnt:2',
      'memory/memory.stat:inactive_file 1',
      'memory/memory.stat:total_inactive_file 50000000',
    ];
    expect(parseUsage(lines)).toEqual({ cpuMs: 2_500, throttledMs: 300, memoryMb: 200, limitHits: 2 });
  });

  it('is read from a control group of version 2', () => {
    const lines = [
      'cpu.stat:usage_usec 2500000',
      'cpu.stat:throttled_usec 300000',
      'memory.current:250000000',
      'memory.events:max 2',
      'memory.stat:inactive_file 50000000',
    ];
    expect(parseUsage(lines)).toEqual({ cpuMs: 2_500, throttledMs: 300, memoryMb: 200, limitHits: 2 });
  });

  it('is refused where a figure is missing, which is named', () => {
    expect(() => parseUsage(['cpu.stat:usage_usec 1', 'memory.current:1'])).toThrow('no memory.stat inactive_file');
  });
});
