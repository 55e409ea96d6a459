import { Arn, type Stack } from 'aws-cdk-lib/core';

/** What people, scripts and other services call: they invite, kick, read and watch. */
export const CALLER_FIELDS = [
  'Mutation.inviteVirtualParticipant',
  'Mutation.kickVirtualParticipant',
  'Query.getVirtualParticipant',
  'Query.listVirtualParticipants',
  'Subscription.onVirtualParticipantChanged',
] as const;

/** What the container calls, and with these three mutations nobody else. */
export const CONTAINER_FIELDS = [
  'Mutation.heartbeatVirtualParticipant',
  'Mutation.registerVirtualParticipant',
  'Mutation.reportVirtualParticipant',
  'Query.getVirtualParticipant',
  'Subscription.onVirtualParticipantChanged',
] as const;

/**
 * Names fields for `appsync:GraphQL`: "Resource types defined by AWS AppSync" in the Service Authorization Reference.
 *
 * @param fields each as `Type.field`
 */
export function fieldArns(stack: Stack, apiId: string, fields: readonly string[]): string[] {
  return fields.map((name) => {
    const [type, field] = name.split('.');
    return Arn.format(
      { service: 'appsync', resource: 'apis', resourceName: `${apiId}/types/${type}/fields/${field}` },
      stack,
    );
  });
}
