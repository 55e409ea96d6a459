import { readFile } from 'node:fs/promises';
import type { Template } from 'aws-cdk-lib/assertions';
import { METRICS } from '../../../server/metrics/definitions.ts';
import { type Resource, resourcesOf, template, theOnly } from '../testing/synthesized.ts';

let stack: Template;
let alarms: Map<string, Resource['Properties']>;

beforeAll(async () => {
  stack = await template({ alarmEmail: 'me@example.com' });
  alarms = alarmsOf(stack);
});

/** By the name that the handbook has for each. */
function alarmsOf(of: Template): Map<string, Resource['Properties']> {
  return new Map(
    Object.values(resourcesOf(of, 'AWS::CloudWatch::Alarm')).map(({ Properties }) => [
      /rings", (\w+)\.$/.exec(Properties.AlarmDescription)?.[1] ?? Properties.AlarmDescription,
      Properties,
    ]),
  );
}

describe('An alarm', () => {
  it('says what it means and what to do first, in a text that CloudWatch takes, and tells the topic twice', () => {
    const [topic] = Object.keys(resourcesOf(stack, 'AWS::SNS::Topic'));
    for (const { AlarmDescription, AlarmActions, OKActions } of alarms.values()) {
      expect(AlarmDescription).toMatch(
        /^[A-Z].*\. First: .*\. More: infra\/aws\/README\.md, "When an alarm rings", \w+\.$/,
      );
      expect(AlarmDescription.length).toBeLessThanOrEqual(1_024);
      expect([AlarmActions, OKActions]).toEqual([[{ Ref: topic }], [{ Ref: topic }]]);
    }
  });

  it('has its heading in the handbook, and the handbook has no other', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const section = /^## When an alarm rings\n(.*?)(?=^## |$(?![\s\S]))/ms.exec(readme)?.[1] ?? '';
    expect([...section.matchAll(/^### (\w+)$/gm)].map(([, name]) => name)).toEqual([...alarms.keys()]);
  });

  it('rings for a silent pool, unless none are to be kept free', async () => {
    expect(alarms.get('NoPlaceFree')).toMatchObject({
      MetricName: METRICS.vp_places_free.cloudWatchName,
      Namespace: 'VirtualParticipant',
      Statistic: 'Maximum',
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
      Period: 60,
      EvaluationPeriods: 5,
      TreatMissingData: 'breaching',
    });
    expect(alarmsOf(await template({ minAvailable: '0' })).has('NoPlaceFree')).toBe(false);
  });

  it('rings for what is ours, the network’s or the stage’s, and not for a mistake of the caller', () => {
    const { Metrics, TreatMissingData } = alarms.get('Failures');
    const origins = Metrics.flatMap((metric: Resource['Properties']) => metric.MetricStat?.Metric.Dimensions ?? []);
    expect(origins).toEqual(['participant', 'network', 'stage'].map((Value) => ({ Name: 'Origin', Value })));
    expect(TreatMissingData).toBe('notBreaching');
  });
});

describe('The topic', () => {
  it('sends a mail to who was named, and to nobody otherwise', async () => {
    expect(theOnly(stack, 'AWS::SNS::Subscription').Properties).toMatchObject({
      Protocol: 'email',
      Endpoint: 'me@example.com',
    });
    expect(resourcesOf(await template(), 'AWS::SNS::Subscription')).toEqual({});
  });

  it('takes messages of the alarms of this account, and over TLS only', () => {
    const statements = theOnly(stack, 'AWS::SNS::TopicPolicy').Properties.PolicyDocument.Statement;
    expect(statements).toContainEqual(
      expect.objectContaining({
        Effect: 'Allow',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: expect.objectContaining({ StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } }),
      }),
    );
    expect(statements).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    );
  });
});

it('A task that ended by itself is written down with its reason, by a rule that may write nowhere else', () => {
  const [rule] = Object.values(resourcesOf(stack, 'AWS::Events::Rule')).filter(
    ({ Properties }) => Properties.EventPattern.source[0] === 'aws.ecs',
  );
  expect(rule?.Properties.EventPattern.detail).toMatchObject({
    lastStatus: ['STOPPED'],
    stopCode: ['EssentialContainerExited', 'TaskFailedToStart'],
  });
  expect(JSON.stringify(theOnly(stack, 'AWS::Logs::ResourcePolicy').Properties.PolicyDocument)).toContain(
    'aws:SourceArn',
  );
});

it('The dashboard shows every metric of the server', () => {
  const body = JSON.stringify(theOnly(stack, 'AWS::CloudWatch::Dashboard').Properties.DashboardBody);
  const missing = Object.values(METRICS)
    .map(({ cloudWatchName }) => cloudWatchName)
    // The whole of an invite has an alarm; the dashboard has its phases.
    .filter((name) => name !== METRICS.vp_invite_seconds.cloudWatchName)
    .filter((name) => !body.includes(`\\"${name}\\"`));
  expect(missing).toEqual([]);
});
