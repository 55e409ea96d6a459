/** A worker that ticks: the timers of a page that nobody sees are held back to one a second, those of a worker are not. */
addEventListener('message', ({ data: intervalMs }: MessageEvent<number>) => {
  setInterval(() => postMessage(null), intervalMs);
});
