// A real OpenID Connect provider, for the tests of sign-in: node provider.mjs SETTINGS
// SETTINGS is JSON: port, algorithm, clients, people (name -> claims), in_id_token.
import * as jose from 'jose'
import { Provider } from 'oidc-provider'

const settings = JSON.parse(process.argv[2])
const issuer = `http://127.0.0.1:${settings.port}`

const { privateKey } = await jose.generateKeyPair(settings.algorithm, { extractable: true })
const key = { ...(await jose.exportJWK(privateKey)), use: 'sig', alg: settings.algorithm }

const provider = new Provider(issuer, {
  clients: settings.clients,
  jwks: { keys: [key] },
  claims: { openid: ['sub'], groups: ['groups'] },
  conformIdTokenClaims: !settings.in_id_token,
  cookies: { keys: ['for tests only'] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  ttl: { Session: 600, Interaction: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
  findAccount: (_, sub) =>
    settings.people[sub] && { accountId: sub, claims: () => ({ sub, ...settings.people[sub] }) },
})

provider.listen(settings.port, '127.0.0.1', () => console.log('ready'))
