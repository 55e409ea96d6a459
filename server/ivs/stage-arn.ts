const STAGE_ARN = /^arn:(aws[a-z-]*):ivs:([a-z0-9-]+):(\d+):stage\/([A-Za-z0-9-]+)$/;

/** The parts of a stage's ARN. */
export interface StageArn {
  /** IVS is called in this region, whichever one the server runs in. */
  readonly region: string;
  readonly stageId: string;
  /** All before the kind of the resource: only keys that have the same are of the same account and region. */
  readonly home: string;
}

/** `null` if it is no ARN of a stage. */
export function parseStageArn(arn: string): StageArn | null {
  const [, , region, , stageId] = STAGE_ARN.exec(arn) ?? [];
  return region === undefined || stageId === undefined ? null : { region, stageId, home: homeOf(arn) };
}

/** Partition, region and account of the ARN of any IVS resource. */
export function homeOf(arn: string): string {
  return arn.split(':', 5).join(':');
}
