import type {
  LocalParticipant,
  MediaStats,
  MediaTracks,
  StageConnection,
  StageNews,
  StagePort,
} from '../stage-port.ts';

/** How a fake stage takes one join: it lets in, it refuses (and may tell why before it does), or it says nothing. */
export type JoinAnswer = LocalParticipant | { refused: Error; news?: StageNews } | 'hangs';

/** What `stats` gives: figures, a rejection, or a promise that is never kept. */
export type StatsAnswer = MediaStats | null | Error | 'hangs';

/** Waits of a fake stage, in milliseconds; the defaults are what the real SDK takes on one machine. */
export interface FakeStageTiming {
  joinMs: number;
  /** From `publish` to the first frame. */
  firstFrameMs: number;
  /** From the first frame to the first report of the stage; one a second follows. */
  firstReportMs: number;
}

const MEASURED: FakeStageTiming = { joinMs: 50, firstFrameMs: 350, firstReportMs: 500 };
const LET_IN: LocalParticipant = { participantId: 'participant-1', mayPublish: true };
const FRAMES_PER_SECOND = 30;
const BYTES_PER_FRAME = 10_000;
const REPORT_INTERVAL_MS = 1_000;
/** What comes back before the first report: the handshake. */
const HANDSHAKE_PACKETS = 4;

const after = (waitMs: number) => new Promise<void>((resolve) => setTimeout(resolve, waitMs));
const never = () => new Promise<never>(() => {});

/** A stage without IVS: it lets everyone in and takes 30 frames a second, until it is told otherwise. */
export class FakeStage implements StagePort {
  readonly connections: FakeConnection[] = [];
  readonly #timing: FakeStageTiming;
  readonly #joinAnswers: JoinAnswer[] = [];

  constructor(timing: Partial<FakeStageTiming> = {}) {
    this.#timing = { ...MEASURED, ...timing };
  }

  /** The answers to the next joins, in order; those after them are let in. */
  answerJoins(...answers: JoinAnswer[]): void {
    this.#joinAnswers.push(...answers);
  }

  connect(participantToken: string, onNews: (news: StageNews) => void): FakeConnection {
    const answer = this.#joinAnswers.shift() ?? LET_IN;
    const connection = new FakeConnection(participantToken, onNews, answer, this.#timing);
    this.connections.push(connection);
    return connection;
  }

  /** The connection that was made last. */
  get latest(): FakeConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('Nobody has connected to the fake stage.');
    return connection;
  }
}

/** One connection to a {@link FakeStage}, with what was done to it. */
export class FakeConnection implements StageConnection {
  readonly participantToken: string;
  /** What was published, once for each publish. */
  readonly published: MediaTracks[] = [];
  leaves = 0;
  looks = 0;
  readonly #onNews: (news: StageNews) => void;
  readonly #joinAnswer: JoinAnswer;
  readonly #timing: FakeStageTiming;
  readonly #statsAnswers: StatsAnswer[] = [];
  #isOnStage = false;
  #publishedAtMs = 0;
  #cutAtMs = Number.POSITIVE_INFINITY;

  constructor(
    participantToken: string,
    onNews: (news: StageNews) => void,
    joinAnswer: JoinAnswer,
    timing: FakeStageTiming,
  ) {
    this.participantToken = participantToken;
    this.#onNews = onNews;
    this.#joinAnswer = joinAnswer;
    this.#timing = timing;
  }

  async join(): Promise<LocalParticipant> {
    const answer = this.#joinAnswer;
    if (answer === 'hangs') return never();
    await after(this.#timing.joinMs);
    if ('refused' in answer) {
      if (answer.news !== undefined) this.tell(answer.news);
      throw answer.refused;
    }
    this.#isOnStage = true;
    return answer;
  }

  publish(tracks: MediaTracks): void {
    if (!this.#isOnStage) throw new Error('Only who is on the fake stage can publish.');
    this.published.push(tracks);
    this.#publishedAtMs = performance.now();
    this.#cutAtMs = Number.POSITIVE_INFINITY;
  }

  async stats(): Promise<MediaStats | null> {
    this.looks += 1;
    const answer = this.#statsAnswers.shift();
    if (answer === 'hangs') return never();
    if (answer instanceof Error) throw answer;
    return answer === undefined ? this.#present() : answer;
  }

  leave(): void {
    this.leaves += 1;
    const wasOnStage = this.#isOnStage;
    this.#isOnStage = false;
    if (wasOnStage) this.tell({ type: 'left', reason: 'user-initiated' });
  }

  tell(news: StageNews): void {
    this.#onNews(news);
  }

  /** The answers to the next looks, in order; those after them see what is so. */
  answerLooks(...answers: StatsAnswer[]): void {
    this.#statsAnswers.push(...answers);
  }

  /** From now on nothing comes back on the media path of the present publish; frames go on into the void. */
  cutMedia(): void {
    this.#cutAtMs = performance.now();
  }

  #present(): MediaStats | null {
    if (this.published.length === 0) return null;
    const sentMs = performance.now() - this.#publishedAtMs - this.#timing.firstFrameMs;
    const framesSent = sentMs < 0 ? 0 : 1 + Math.floor((sentMs * FRAMES_PER_SECOND) / 1_000);
    const heardMs = sentMs - Math.max(0, performance.now() - this.#cutAtMs);
    const reports = 1 + Math.floor((heardMs - this.#timing.firstReportMs) / REPORT_INTERVAL_MS);
    return {
      framesSent,
      bytesSent: framesSent * BYTES_PER_FRAME,
      framesPerSecond: framesSent === 0 ? 0 : FRAMES_PER_SECOND,
      packetsReceived: HANDSHAKE_PACKETS + Math.max(0, reports),
      dtlsState: framesSent === 0 ? 'connecting' : 'connected',
    };
  }
}
