/**
 * Run by plain Node, without Jest: a native ES module is the only place where AWS_IAM crashes if the override of
 * `@aws-crypto/sha256-js` in package.json is lost. Prints the status that it reads, then the one that it is told.
 */
import { ApolloClient, ApolloLink, gql, InMemoryCache } from '@apollo/client';
import { BaseHttpLink } from '@apollo/client/link/http';
import { createAuthLink } from 'aws-appsync-auth-link';
import { createSubscriptionHandshakeLink } from 'aws-appsync-subscription-link';
import { WebSocket } from 'ws';

Object.assign(globalThis, { WebSocket });
const [url = '', accessKeyId = '', secretAccessKey = ''] = process.argv.slice(2);
const settings = {
  url,
  region: 'eu-west-1',
  auth: { type: /** @type {const} */ ('AWS_IAM'), credentials: { accessKeyId, secretAccessKey } },
};
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.from([
    /** @type {any} */ (createAuthLink(settings)),
    createSubscriptionHandshakeLink(settings, /** @type {any} */ (new BaseHttpLink({ uri: url }))),
  ]),
});

const { data } = await client.query({ query: gql`query { getVirtualParticipant(id: "vp-1") { id status } }` });
console.log(JSON.stringify(data));
client
  .subscribe({ query: gql`subscription { onVirtualParticipantChanged { id status } }`, fetchPolicy: 'no-cache' })
  .subscribe((result) => {
    console.log(JSON.stringify(result.data ?? result.error));
    process.exit();
  });
