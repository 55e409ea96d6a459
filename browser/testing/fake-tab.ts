/** What a page sees of the tab it is loaded in: its address, its history and its storage. */
export class FakeTab {
  /** The URLs of the history, the present one last. */
  readonly entries: string[];
  readonly location: Location;
  readonly history: History & { state: unknown };
  readonly sessionStorage: Storage = new FakeStorage();

  constructor(url: string) {
    const entries = [url];
    this.entries = entries;
    this.location = {
      get href() {
        return entries.at(-1) ?? '';
      },
    } as Location;
    const history = {
      state: null as unknown,
      replaceState(state: unknown, _unused: string, to: string | URL) {
        history.state = state;
        entries.splice(-1, 1, new URL(to, entries.at(-1)).href);
      },
    };
    this.history = history as History;
  }

  /** Goes to another address, as a person does. */
  go(url: string): void {
    this.entries.push(url);
  }
}

class FakeStorage implements Storage {
  readonly #items = new Map<string, string>();

  get length(): number {
    return this.#items.size;
  }

  clear(): void {
    this.#items.clear();
  }

  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }

  key(index: number): string | null {
    return [...this.#items.keys()][index] ?? null;
  }

  removeItem(key: string): void {
    this.#items.delete(key);
  }

  setItem(key: string, value: string): void {
    this.#items.set(key, `${value}`);
  }
}
