/**
 * What Fargate does not do, in numbers and names: "Task definition differences for Fargate" and "Task definition
 * parameters for Fargate" in the Amazon ECS Developer Guide. The tests of the template hold the task to them.
 */
export const FARGATE = {
  /** The most that a container may take from SIGTERM to SIGKILL. */
  maxStopTimeoutSeconds: 120,
  /** The only capability that can be added; all of Docker's can be dropped. */
  addableCapabilities: ['SYS_PTRACE'],
  /** `LinuxParameters` that it refuses. */
  refusedLinuxParameters: ['Devices', 'MaxSwap', 'SharedMemorySize', 'Swappiness', 'Tmpfs'],
} as const;
