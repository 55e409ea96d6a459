import type { OpenSource } from './source.ts';

const WIDTH = 1_280;
const HEIGHT = 720;
const FRAME_MS = 1_000 / 30;
const SAMPLE_RATE_HZ = 48_000;
const SAMPLES_PER_FRAME = SAMPLE_RATE_HZ / 30;
/** Each second begins with a flash of two frames and a beep of as long. */
const FLASH_FRAMES = 2;
const BEEP_HZ = 1_000;
const BEEP_LEVEL = 0.25;

/**
 * A moving test picture with a flash and a beep each second, so that lip sync and dropped frames can be seen. It needs no
 * file. Picture and sound are made from one frame counter.
 */
export const openPattern: OpenSource = async (asset, outlet, listener, signal) => {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) throw new Error('This browser gives no 2D canvas.');
  const video = outlet.video.getWriter();
  const audio = outlet.audio.getWriter();
  const ticker = new Worker(new URL('./ticker.ts', import.meta.url), { type: 'module' });
  const startMs = performance.now();
  let frame = 0;

  const give = () => {
    const dueFrame = Math.floor((performance.now() - startMs) / FRAME_MS);
    if (dueFrame - frame > 30) frame = dueFrame;
    for (; frame <= dueFrame; frame += 1) {
      const timestamp = Math.round((startMs + frame * FRAME_MS) * 1_000);
      void audio.write(beep(frame, timestamp)).catch(() => {});
      if (frame < dueFrame) continue;
      draw(context, frame);
      void video.write(new VideoFrame(canvas, { timestamp, duration: Math.round(FRAME_MS * 1_000) })).catch(() => {});
    }
  };
  const close = () => {
    ticker.terminate();
    video.releaseLock();
    audio.releaseLock();
  };
  ticker.addEventListener('message', give);
  ticker.addEventListener('error', (event) => listener.onFailed(new Error(`The ticker failed: ${event.message}`)));
  ticker.postMessage(FRAME_MS);
  signal.addEventListener('abort', close, { once: true });
  give();

  return {
    info: { kind: 'pattern', name: asset.name },
    mediaTimeMs: () => Math.round(frame * FRAME_MS),
    loops: () => 0,
    close,
  };
};

function draw(context: OffscreenCanvasRenderingContext2D, frame: number): void {
  const inSecond = frame % 30;
  const bars = ['#c0c0c0', '#c0c000', '#00c0c0', '#00c000', '#c000c0', '#c00000', '#0000c0'];
  const barWidth = WIDTH / bars.length;
  bars.forEach((colour, index) => {
    context.fillStyle = colour;
    context.fillRect(Math.floor(index * barWidth), 0, Math.ceil(barWidth), HEIGHT * 0.6);
  });
  context.fillStyle = inSecond < FLASH_FRAMES ? '#ffffff' : '#10141c';
  context.fillRect(0, HEIGHT * 0.6, WIDTH, HEIGHT * 0.4);

  const angle = (inSecond / 30) * 2 * Math.PI - Math.PI / 2;
  context.strokeStyle = '#f90';
  context.lineWidth = 14;
  context.beginPath();
  context.arc(WIDTH - 160, HEIGHT * 0.8, 90, -Math.PI / 2, angle);
  context.stroke();

  context.fillStyle = inSecond < FLASH_FRAMES ? '#000000' : '#ffffff';
  context.font = 'bold 96px monospace';
  context.textBaseline = 'middle';
  const seconds = Math.floor(frame / 30);
  context.fillText(`${clock(seconds)}:${`${inSecond}`.padStart(2, '0')}`, 60, HEIGHT * 0.76);
  context.font = '36px monospace';
  context.fillText(`frame ${frame}`, 64, HEIGHT * 0.9);
}

function clock(seconds: number): string {
  const two = (value: number) => `${value}`.padStart(2, '0');
  return `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function beep(frame: number, timestamp: number): AudioData {
  const samples = new Float32Array(SAMPLES_PER_FRAME);
  if (frame % 30 < FLASH_FRAMES) {
    const first = (frame % 30) * SAMPLES_PER_FRAME;
    for (let index = 0; index < samples.length; index += 1) {
      samples[index] = BEEP_LEVEL * Math.sin((2 * Math.PI * BEEP_HZ * (first + index)) / SAMPLE_RATE_HZ);
    }
  }
  return new AudioData({
    format: 'f32-planar',
    sampleRate: SAMPLE_RATE_HZ,
    numberOfChannels: 1,
    numberOfFrames: SAMPLES_PER_FRAME,
    timestamp,
    data: samples,
  });
}
