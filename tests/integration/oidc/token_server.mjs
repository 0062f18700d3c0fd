// A token server whose clients prove themselves by signed assertions, on a free port of loopback.
//
// The first line of its input is a JSON list of the clients' metadata (OpenID Connect Registration 1.0, 2).
// It says READY, its address and its version when it listens, and ends when its input does.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider, { errors } from 'oidc-provider';

const ALGORITHMS = ['ES384', 'RS384'];
const LONGEST_S = 300;
const VERSION = JSON.parse(readFileSync(new URL('node_modules/oidc-provider/package.json', import.meta.url))).version;

/** What SMART App Launch 2.2 ("Backend Services") wants beyond OpenID Connect. */
function asSmart(_, claims, header) {
  const lives = claims.exp - Date.now() / 1000;
  if (header.typ !== 'JWT' || !header.kid || claims.sub !== claims.iss || lives > LONGEST_S) {
    throw new errors.InvalidClientAuth('not as SMART says');
  }
}

function providerAt(issuer, clients) {
  const provider = new Provider(issuer, {
    clients,
    scopes: [...new Set(clients.flatMap(({ scope = '' }) => scope.split(' ')))].filter(Boolean),
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ALGORITHMS },
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    clockTolerance: 0,
    ttl: { ClientCredentials: 300 },
    assertJwtClientAuthClaimsAndHeader: asSmart,
    fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }), // key sets on loopback
  });
  provider.on('grant.error', (_, error) => console.log(`REFUSED ${error.error} ${error.error_detail ?? ''}`));
  return provider.callback();
}

function listen(clients) {
  const server = createServer();
  server.listen(0, '127.0.0.1', () => {
    const issuer = `http://127.0.0.1:${server.address().port}`;
    const answer = providerAt(issuer, clients);
    server.on('request', (request, response) => {
      if (request.url === '/fhir/.well-known/smart-configuration') {
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify({ token_endpoint: `${issuer}/token` }));
      } else {
        answer(request, response);
      }
    });
    console.log(`READY ${issuer} ${VERSION}`);
  });
}

const input = createInterface({ input: process.stdin });
input.once('line', (line) => listen(JSON.parse(line)));
input.once('close', () => process.exit(0));
