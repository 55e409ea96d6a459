import type { AddressInfo } from 'node:net';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import type { DynamoDbRequest, PutItem, UpdateItem } from './requests.ts';
import { createDynamoDbSource, type DynamoDbSource } from './source.ts';
import { createClient, createTables, TABLE_NAMES } from './tables.ts';

const { virtualParticipants: VPS, inviteTokens: TOKENS } = TABLE_NAMES;

const server = dynalite({ createTableMs: 0 });
let client: DynamoDBClient;
let source: DynamoDbSource;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = createClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await createTables(client);
  source = createDynamoDbSource(client);
});

afterAll(async () => {
  await source.close();
  client.destroy();
  server.close();
});

const putToken = (token: string): PutItem & { table: string } => ({
  table: TOKENS,
  operation: 'PutItem',
  key: { clientToken: { S: token } },
  attributeValues: { answer: { M: { epoch: { N: 1 } } } },
  condition: { expression: 'attribute_not_exists(clientToken)' },
});

/** Sets `version`, which must be `from` until then. */
const raise = (id: string, from: number | null, to: number): UpdateItem & { table: string } => ({
  table: VPS,
  operation: 'UpdateItem',
  key: { id: { S: id } },
  update: {
    expression: 'SET #version = :to',
    expressionNames: { '#version': 'version' },
    expressionValues: { ':to': { N: to } },
  },
  condition:
    from === null
      ? { expression: 'attribute_not_exists(id)' }
      : { expression: '#version = :from', expressionValues: { ':from': { N: from } } },
});

const transact = (...transactItems: ((PutItem | UpdateItem) & { table: string })[]) =>
  source.run(VPS, { operation: 'TransactWriteItems', transactItems });

const read = async (table: string, key: DynamoDbRequest & { operation: 'GetItem' }) =>
  (await source.run(table, key)).result;
const readVp = (id: string) => read(VPS, { operation: 'GetItem', key: { id: { S: id } } });
const readToken = (token: string) => read(TOKENS, { operation: 'GetItem', key: { clientToken: { S: token } } });

test('a transaction whose conditions hold writes all of it', async () => {
  expect(await transact(putToken('t-1'), raise('vp-1', null, 1))).toEqual({
    result: { keys: [{ clientToken: { S: 't-1' } }, { id: { S: 'vp-1' } }], cancellationReasons: null },
  });
  expect([await readToken('t-1'), await readVp('vp-1')]).toEqual([
    { clientToken: 't-1', answer: { epoch: 1 } },
    { id: 'vp-1', version: 1 },
  ]);
});

test('a transaction of which the last condition fails writes nothing, and says which it was', async () => {
  await source.run(VPS, raise('vp-2', null, 1));
  await source.run(VPS, raise('vp-3', null, 1));
  expect(await transact(putToken('t-2'), raise('vp-2', 1, 2), raise('vp-3', 7, 8))).toEqual({
    result: {
      keys: null,
      cancellationReasons: [
        { type: 'None', message: null },
        { type: 'None', message: null },
        { type: 'ConditionalCheckFailed', message: 'The conditional request failed' },
      ],
    },
    error: {
      type: 'DynamoDB:TransactionCanceledException',
      message:
        'Transaction cancelled, please refer cancellation reasons for specific reasons [None, None, ConditionalCheckFailed]',
    },
  });
  expect([await readToken('t-2'), await readVp('vp-2'), await readVp('vp-3')]).toEqual([
    null,
    { id: 'vp-2', version: 1 },
    { id: 'vp-3', version: 1 },
  ]);
});

test('of transactions at once on the same item, one is carried out', async () => {
  await source.run(VPS, raise('vp-4', null, 1));
  const tokens = ['a', 'b', 'c', 'd'];
  const outcomes = await Promise.all(tokens.map((token) => transact(putToken(token), raise('vp-4', 1, 2))));
  expect(outcomes.filter(({ error }) => error === undefined)).toHaveLength(1);
  const written = await Promise.all(tokens.map(readToken));
  expect(written.filter((token) => token !== null)).toHaveLength(1);
});

test('nobody reads what a transaction takes back', async () => {
  const transaction = transact(putToken('t-3'), raise('vp-nobody', 1, 2));
  const seen = await Promise.all(Array.from({ length: 5 }, () => readToken('t-3')));
  expect((await transaction).error?.type).toBe('DynamoDB:TransactionCanceledException');
  expect(seen).toEqual(Array(5).fill(null));
});

test('a write that its condition refuses gives the present item with the error', async () => {
  await source.run(VPS, raise('vp-5', null, 1));
  expect(await source.run(VPS, raise('vp-5', 7, 8))).toEqual({
    result: { id: 'vp-5', version: 1 },
    error: { type: 'DynamoDB:ConditionalCheckFailedException', message: 'The conditional request failed' },
  });
});

test('after close nothing is taken', async () => {
  const closing = createDynamoDbSource(client);
  await closing.close();
  await expect(closing.run(VPS, { operation: 'Scan' })).rejects.toThrow('The local AppSync is closed.');
});
