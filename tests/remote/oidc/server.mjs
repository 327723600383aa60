// A certified OpenID provider with one client for machines and one for people; `POST /rotate` gives it a new key.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const audience = 'https://api.example.com';
const keys = [];

function rotate() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = `key-${keys.length + 1}`;
  keys.unshift({ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' });
  return provider();
}

function provider() {
  const made = new Provider(issuer, {
    jwks: { keys },
    clients: [
      {
        client_id: 'worker', client_secret: 'the-secret-of-the-worker', grant_types: ['client_credentials'],
        redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_post',
      },
      {
        client_id: 'desk', client_secret: 'the-secret-of-the-desk', redirect_uris: ['http://127.0.0.1:1/callback'],
        grant_types: ['authorization_code'], token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    extraTokenClaims: (_, token) => (token.accountId ? { roles: ['viewer'] } : undefined),
    cookies: { keys: ['a-key-for-cookies-of-a-test'] },
    pkce: { required: () => false },
    features: {
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'read:data update:data', audience, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  return made.callback();
}

let answer = rotate();
createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/rotate') {
    answer = rotate();
    response.end();
  } else {
    answer(request, response);
  }
}).listen(port, '127.0.0.1', () => console.log('ready'));
