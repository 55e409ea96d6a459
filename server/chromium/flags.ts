/** What the flags depend on. */
export interface FlagConditions {
  headless: boolean;
  /** Whether Chromium's sandbox works here: see `sandboxWorks`. */
  sandbox: boolean;
  /** Whether `/dev/shm` is too small for decoded pictures: see `sharedMemoryIsSmall`. */
  smallSharedMemory: boolean;
  /** Whether peer connections may use 127.0.0.1: see `hasRoute`. */
  loopbackIce: boolean;
}

/** Each flag with the wrong thing it prevents, and when it is given (default: always). */
const FLAGS: readonly { flag: string; prevents: string; when?: (conditions: FlagConditions) => boolean }[] = [
  { flag: '--headless=new', prevents: 'a window, and an end without a display', when: ({ headless }) => headless },
  {
    flag: '--no-sandbox',
    prevents: '"No usable sandbox!" at once, where the kernel or the container allows no user namespaces, and as root',
    when: ({ sandbox }) => !sandbox,
  },
  {
    flag: '--disable-dev-shm-usage',
    prevents: "a page that dies when Docker's 64 MB of /dev/shm are full of decoded pictures",
    when: ({ smallSharedMemory }) => smallSharedMemory,
  },
  { flag: '--no-first-run', prevents: 'a welcome page instead of ours' },
  { flag: '--no-default-browser-check', prevents: 'a question to the person at a desktop' },
  { flag: '--disable-search-engine-choice-screen', prevents: 'a question to the person at a desktop in Europe' },
  { flag: '--disable-background-networking', prevents: "requests of the browser's own on a clock nobody set" },
  { flag: '--disable-component-update', prevents: 'downloads of components in the first minutes, beside the media' },
  { flag: '--disable-sync', prevents: 'requests to an account that does not exist' },
  { flag: '--disable-extensions', prevents: "the distribution's extensions, each with a process" },
  {
    flag: '--disable-component-extensions-with-background-pages',
    prevents: 'built-in extensions, each with a process',
  },
  { flag: '--disable-breakpad', prevents: 'crash reports with page memory (tokens) on the disk' },
  { flag: '--password-store=basic', prevents: "the desktop's keyring asking for a password" },
  { flag: '--use-mock-keychain', prevents: "macOS's keychain asking for a password" },
  { flag: '--disable-hang-monitor', prevents: 'a "page unresponsive" question under load' },
  {
    flag: '--autoplay-policy=no-user-gesture-required',
    prevents: 'an asset that waits for a click, and a mute AudioContext',
  },
  {
    flag: '--disable-background-timer-throttling',
    prevents: 'timers slowed to one a second when a page is not in front',
  },
  { flag: '--disable-renderer-backgrounding', prevents: 'a low CPU priority for a page that is not in front' },
  { flag: '--disable-backgrounding-occluded-windows', prevents: 'no more frames from a page under another window' },
  {
    flag: '--disable-audio-output',
    prevents:
      'beeps from a machine that works for somebody else, and a search for sound cards; what a page captures stays',
    when: ({ headless }) => headless,
  },
  {
    flag: '--enable-features=LogOnDeviceMetricsOnStartup:on_device_startup_metric_delay/1000d',
    prevents: 'a process of 50 MB from the third minute on, which rates this machine for language models',
  },
  {
    flag: '--allow-loopback-in-peer-connection',
    prevents: 'no ICE candidate at all on a machine with no network',
    when: ({ loopbackIce }) => loopbackIce,
  },
];

/** Each feature that is switched off with the wrong thing this prevents. Names a Chromium does not know are ignored by it. */
const DISABLED_FEATURES: readonly { feature: string; prevents: string }[] = [
  { feature: 'WebRtcHideLocalIpsWithMdns', prevents: 'host candidates of .local names, which a server cannot resolve' },
  { feature: 'AudioServiceOutOfProcess', prevents: 'a process of 12 MB for sound that is never played' },
  { feature: 'SpareRendererForSitePerProcess', prevents: 'a process of 20 MB for a page that never comes' },
  {
    feature: 'WebUIOmniboxPopup',
    prevents: "a process of 40 MB for the address bar's popup, in headless Chromium too",
  },
  { feature: 'WebUIOmniboxAimPopup', prevents: 'the same' },
  { feature: 'MediaRouter', prevents: "a search for Cast devices, and macOS's question about it" },
  { feature: 'OptimizationHints', prevents: 'downloads of models' },
  { feature: 'Translate', prevents: 'an offer to translate, and a model for it' },
];

/**
 * The command line of a Chromium that publishes, without profile and debugging port.
 *
 * @param conditions - What the machine and the caller ask for.
 * @param extra - More flags. A `--disable-features=` among them is added to ours; any other flag wins over ours, since the last one does.
 */
export function chromiumFlags(conditions: FlagConditions, extra: readonly string[] = []): string[] {
  const prefix = '--disable-features=';
  const features = [
    ...DISABLED_FEATURES.map(({ feature }) => feature),
    ...extra.filter((flag) => flag.startsWith(prefix)).map((flag) => flag.slice(prefix.length)),
  ];
  return [
    ...FLAGS.filter(({ when }) => when?.(conditions) ?? true).map(({ flag }) => flag),
    `${prefix}${features.join(',')}`,
    ...extra.filter((flag) => !flag.startsWith(prefix)),
  ];
}
