/** A client as the configuration would have it. */
import { Secret, type SignInProvider } from '../config/config.ts'

export function testClient(
  change: Partial<SignInProvider> & Pick<SignInProvider, 'provider_url'>,
): SignInProvider {
  return {
    name: 'default',
    provider: 'oidc',
    client_id: 'sallyport',
    client_secret: Secret.of('secret'),
    ...change,
  }
}
