import { parseEndpoint } from './endpoint.ts';

const AWS = 'https://abcdefghijklmnopqrstuvwxyz.appsync-api.eu-west-1.amazonaws.com/graphql';

describe('parseEndpoint', () => {
  test.each([
    ['the region of AWS`s own URL', AWS, null, { url: AWS, region: 'eu-west-1' }],
    ['the region of the URL before AWS_REGION', AWS, 'us-east-1', { url: AWS, region: 'eu-west-1' }],
    [
      'AWS_REGION for another host',
      'https://api.example.org/graphql',
      'us-east-1',
      {
        url: 'https://api.example.org/graphql',
        region: 'us-east-1',
      },
    ],
    [
      'no region where none is known',
      'http://127.0.0.1:4000/graphql',
      null,
      {
        url: 'http://127.0.0.1:4000/graphql',
        region: null,
      },
    ],
  ])('gives %s', (_, url, region, endpoint) => {
    expect(parseEndpoint(url, region)).toEqual(endpoint);
  });

  test.each([
    '',
    'graphql',
    'wss://api.example.org/graphql',
    'https://user:secret@api.example.org/graphql',
    'https://api.example.org/graphql/',
    'https://api.example.org/graphql?x=1',
    AWS.replace('https', 'http'),
    AWS.replace('/graphql', '/event'),
  ])('refuses "%s" and names the setting', (url) => {
    expect(() => parseEndpoint(url, 'eu-west-1')).toThrow(/^GRAPHQL_API_URL: expected (?!.*secret)/);
  });
});
