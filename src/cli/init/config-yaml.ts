/**
 * The commented `config.yaml` that `sallyport init` writes.
 *
 * @module
 */

/** Stands wherever only the operator knows the value; `validate` refuses it as a URL. */
export const PLACEHOLDER = 'FILL-IN'

export function configYaml(domain: string): string {
  return `# Sallyport for ${domain}. An edit that is saved applies at once; a mistake leaves the last good file in
# force and is told in the log. Every key: docs/configuration.md. Check a file: sallyport validate -c config.yaml

# Where Envoy listens: https, and plain http that only redirects to it.
address: :443
http_redirect_addr: :80

# The certificate for *.${domain}: whole chain and key, as PEM files. A renewed file is picked up at once.
# Until these lines are in force, a certificate of a CA of Sallyport's own is shown, which browsers warn of.
# certificates:
#   - cert: certs/${domain}.pem
#     key: certs/${domain}-key.pem

# Where people sign in. Register https://authenticate.${domain}/oauth2/callback at your provider.
authenticate_service_url: https://authenticate.${domain}

# Your identity provider: its issuer URL, and the client that you registered there. oidc is any OpenID provider; google,
# azure, okta, github, keycloak and others are kinds of their own, and there may be several: docs/identity-providers.md.
# The client's secret goes into secrets/idp_client_secret.
idp_provider: oidc
idp_provider_url: ${PLACEHOLDER}
idp_client_id: ${PLACEHOLDER}
idp_client_secret_file: secrets/idp_client_secret

# Made for you. Whoever has these can be anybody: keep them as you keep private keys.
# Another shared_secret signs everybody out.
shared_secret_file: secrets/shared_secret
cookie_secret_file: secrets/cookie_secret

# Tell the apps who asks: a signed assertion on each route, and these claims as plain headers beside it.
pass_identity_headers: true
jwt_claims_headers: [email, groups]

# One entry for each app. Nobody gets in who isn't allowed here.
routes:
  - name: app
    from: https://app.${domain}
    to: http://app:8000 # the example app of docker-compose.yml; any http:// or https:// address will do
    policy:
      - allow:
          or:
            - domain:
                is: ${domain} # everybody whose email address ends in @${domain}
            # - email:
            #     is: somebody@elsewhere.example
            # - groups:
            #     has: staff
    # What the policy must decide: a save that breaks it is not taken. \`sallyport test\` shows each.
    # tests:
    #   - { who: { email: somebody@${domain} }, expect: allow }
    #   - { who: { email: somebody@elsewhere.example }, expect: deny, reason: domain-unauthorized }
    #   - { who: anonymous, expect: sign-in }

  # - name: wiki
  #   from: https://wiki.${domain}
  #   to: http://10.0.0.5:8080
  #   allow_any_authenticated_user: true
`
}
