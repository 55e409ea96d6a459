/**
 * What AWS Fargate takes for Linux on x86 in us-east-1, in US dollars, as last read from its price list. It counts by the
 * second, from the pull of the image on, and at least one minute ("AWS Fargate Pricing").
 */
export const FARGATE_USD_PER_VCPU_HOUR = 0.04048;
export const FARGATE_USD_PER_GB_HOUR = 0.004445;

/** An hour of one task, in US dollars. */
export function taskUsdPerHour({ vcpu, memoryGb }: { vcpu: number; memoryGb: number }): number {
  return vcpu * FARGATE_USD_PER_VCPU_HOUR + memoryGb * FARGATE_USD_PER_GB_HOUR;
}
