/**
 * The configuration of the machine under test: a route that everybody may use, one that asks for a sign-in.
 *
 * @module
 */
export const APP_PORT = 8000
export const HOSTS = ['app.localhost', 'private.localhost'] as const

export const CONFIG = `address: ":443"
http_redirect_addr: ":80"
authenticate_service_url: https://authenticate.localhost
idp_provider: oidc
idp_provider_url: http://127.0.0.1:9
idp_client_id: sallyport
idp_client_secret: a-secret-of-the-test
routes:
  - from: https://${HOSTS[0]}
    to: http://127.0.0.1:${APP_PORT}
    allow_public_unauthenticated_access: true
  - from: https://${HOSTS[1]}
    to: http://127.0.0.1:${APP_PORT}
    allow_any_authenticated_user: true
`
